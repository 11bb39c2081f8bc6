package ledger

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
)

// The words of an entry that no request made: what a key had used before it came
// here. Its provider is the system that it was used on.
const (
	OpeningModel    = "opening"
	OpeningEndpoint = "import"
)

// Carry books what a new key has used elsewhere as one entry: it is in every sum,
// and counts against the limits of the key, its owner and its organization in the
// windows that e.At is in. A zero e.At is the first instant of today in loc. The
// ledger sets the id, the outcome and the words of an opening. record runs in the
// transaction of the entry, which its context carries, and undoes it by failing:
// it makes the key. nil = nothing.
//
// It counts before it is booked, so that nothing is admitted in between on what it
// leaves; a write of which it cannot be found out whether it was stored counts
// until the next start. Kinds: those of record, store_unavailable.
func (l *Ledger) Carry(ctx context.Context, e Entry, loc *time.Location, record func(context.Context) error) error {
	now := time.Now()
	cal := l.calendar(now, loc)
	if e.At == 0 {
		e.At = cal.Day * 1000
	}
	e.At = min(max(e.At, firstEntry*1000), now.UnixMilli())
	e.ID = NewRequestID(time.UnixMilli(e.At))
	e.Outcome, e.Model, e.Endpoint = Settled, OpeningModel, OpeningEndpoint
	used := limit.Amount{Requests: 1, Tokens: e.tokens(), Cost: e.Cost}
	var counted []limit.ID
	undo := func() {
		now := time.Now()
		for _, id := range counted {
			l.counters.Uncarry(id, l.calendar(now, loc), now.Unix(), e.At/1000, used)
		}
	}
	// Nobody knows the key before it is stored: it is loaded with what is booked then.
	for _, id := range [...]limit.ID{{Kind: limit.Organization, ID: e.OrganizationID}, {Kind: limit.User, ID: e.UserID}} {
		if id.ID == "" {
			continue
		}
		if err := l.counters.Carry(ctx, id, cal, now.Unix(), e.At/1000, used); err != nil {
			undo()
			return unavailable(err)
		}
		counted = append(counted, id)
	}
	err := l.book.Carry(ctx, &e, record)
	if err == nil {
		return nil
	}
	if stored, known := l.stored(ctx, err, e.ID); stored {
		return nil
	} else if known {
		undo()
	}
	if errors.As(err, new(fault.Kind)) {
		return err
	}
	return unavailable(err)
}

// stored finds out whether an entry is booked although booking it failed with
// err, if that can be known.
func (l *Ledger) stored(ctx context.Context, err error, id RequestID) (stored, known bool) {
	if errors.As(err, new(fault.Kind)) && !errors.Is(err, fault.StoreUnavailable) {
		return false, true // refused, and nothing of it is left
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxBackoff)
	defer cancel()
	stored, asked := l.book.Booked(ctx, id)
	if asked != nil {
		l.log.Error("what a key had used elsewhere may be booked or not; until the next start it counts as booked", "entry", id.String(), "error", asked)
	}
	return stored, asked == nil
}
