package ledger

import (
	"context"
	"time"

	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// Book is the database's side of the ledger that is written to. Only one process
// writes it.
type Book interface {
	// Apply books the entries, adds them to every sum, and stores upTo, all in
	// one transaction. An entry whose id is booked already changes nothing. The
	// entries may be changed once it has returned.
	Apply(ctx context.Context, entries []*Entry, upTo Position) error
	// Applied is the upTo of the last Apply; the zero Position before the first.
	Applied(ctx context.Context) (Position, error)
	// Durable returns once everything applied is on the disk.
	Durable(ctx context.Context) error
}

// Reader is the database's side that is read.
type Reader interface {
	// Sums is what each of the subjects has used in total.
	Sums(ctx context.Context, subjects []string) (map[string]Sum, error)
	// Used is what a subject has used in [from, to), Unix seconds; both at a full
	// quarter of an hour.
	Used(ctx context.Context, subject string, from, to int64) (Sum, error)
	// Entries lists entries, newest first, and how many match in all.
	Entries(ctx context.Context, f Filter) ([]Entry, int, error)
}

// Counters keeps the state of limits.
type Counters interface {
	// Take takes ask on every limit of the chain or on none; on none too when the
	// verdict is Late.
	Take(ctx context.Context, chain limit.Chain, ask *limit.Ask, t *limit.Taken, v *limit.Verdict) (*limit.Refusal, error)
	// Settle turns a hold into what was used.
	Settle(chain limit.Chain, t *limit.Taken, used limit.Amount)
	// Undo takes a hold back as if it had never been.
	Undo(chain limit.Chain, t *limit.Taken)
	// Read says what counts against each limit of the chain, in order.
	Read(ctx context.Context, chain limit.Chain, cal *limit.Calendar, unix int64) ([]limit.Reading, error)
}

// Sum is what was used over some span.
type Sum struct {
	Requests int64
	Tokens   int64
	Cost     money.NanoUSD
	LastAt   time.Time // when the newest of it was admitted; zero = never
}

// Filter chooses entries. The zero value of a field does not restrict.
type Filter struct {
	OrganizationID string
	KeyID          string
	UserID         string
	From, To       time.Time // admitted in [From, To)
	Offset, Limit  int       // Limit 0 = 100
}
