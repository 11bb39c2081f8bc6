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
	// Carry books one entry that is not in the journal, adds it to every sum, and
	// runs record, in one transaction. record's context carries the transaction.
	Carry(ctx context.Context, e *Entry, record func(context.Context) error) error
	// Booked reports whether there is an entry with this id.
	Booked(ctx context.Context, id RequestID) (bool, error)
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
	// Series sums up entries by dimensions: by day in order, and then the dearest
	// first. A day begins where local time, which offsets give, does.
	Series(ctx context.Context, f Filter, by []Dimension, offsets []Offset) ([]Group, error)
	// Unpriced sums up the entries that f chooses that used something and were charged
	// by no price: by provider and model, those most used first.
	Unpriced(ctx context.Context, f Filter) ([]UnpricedUse, error)
}

// Accounts is the database's side of balances.
type Accounts interface {
	// Accounts are the accounts of those of the keys that have one.
	Accounts(ctx context.Context, keys []string) (map[string]Account, error)
	// OpenAccount stores an account with its first entry, and runs record, in one
	// transaction. There is none yet.
	OpenAccount(ctx context.Context, e BalanceEntry, spentBefore money.NanoUSD, record func(context.Context) error) error
	// Post stores an entry, adds it to its account, and runs record, in one
	// transaction. record may be nil; its context carries the transaction.
	Post(ctx context.Context, e BalanceEntry, record func(context.Context) error) error
	// Posted is the entry of a key that has this idempotency key, if there is one.
	Posted(ctx context.Context, key, idempotencyKey string) (e BalanceEntry, found bool, err error)
	// Posts are a key's entries, oldest first.
	Posts(ctx context.Context, key string) ([]BalanceEntry, error)
}

// Purses is the counters' side of what is used or freed without a request: what is
// free of a balance, in one step with every request that wants it, and what was
// used elsewhere.
type Purses interface {
	// Withdraw takes amount out of a balance into which max was paid, if that
	// much is neither used nor held, and says what was free before.
	Withdraw(ctx context.Context, id limit.ID, cal *limit.Calendar, unix int64, max, amount money.NanoUSD) (free money.NanoUSD, ok bool, err error)
	// PutBack undoes a Withdraw.
	PutBack(id limit.ID, amount money.NanoUSD)
	// Spent is what a subject has used since ever and what it holds; not ok for
	// one that this process has not seen.
	Spent(id limit.ID) (used, held money.NanoUSD, ok bool)
	// Carry counts what a subject used elsewhere at the instant at, as of unix. It
	// loads the subject first, so that nothing is loaded that is booked later.
	Carry(ctx context.Context, id limit.ID, cal *limit.Calendar, unix, at int64, used limit.Amount) error
	// Uncarry undoes a Carry.
	Uncarry(id limit.ID, cal *limit.Calendar, unix, at int64, used limit.Amount)
}

// Allowances is counters with both sides.
type Allowances interface {
	Counters
	Purses
}

// Counters keeps the state of limits.
type Counters interface {
	// Take takes ask on every limit of the chain or on none; on none too when the
	// verdict is Late.
	Take(ctx context.Context, chain limit.Chain, ask *limit.Ask, t *limit.Taken, v *limit.Verdict) (*limit.Refusal, error)
	// Swap takes a hold back from one chain and takes ask on another, in one step,
	// or does neither: on a refusal, when the verdict is Late, and on an error.
	Swap(ctx context.Context, from limit.Chain, taken *limit.Taken, to limit.Chain, ask *limit.Ask, t *limit.Taken, v *limit.Verdict) (*limit.Refusal, error)
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
	ChatbotID      string
	CredentialID   string
	Provider       string
	Model          string
	Outcome        Outcome   // Held, which no entry has, restricts nothing
	From, To       time.Time // admitted in [From, To)
	Before         RequestID // only entries before this one; then how many match is not counted
	Offset, Limit  int       // Limit 0 = 100
}
