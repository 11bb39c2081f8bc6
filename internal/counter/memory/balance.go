package memory

import (
	"context"

	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// Withdraw takes amount out of the balance of a subject into which max was paid,
// if that much is neither used, held nor withdrawn, and says what was free before.
// It is in force for every request that is admitted after it, whatever chain that
// brings. The error is of loading the subject.
func (c *Counters) Withdraw(ctx context.Context, id limit.ID, cal *limit.Calendar, unix int64, max, amount money.NanoUSD) (free money.NanoUSD, ok bool, err error) {
	l, err := c.cell(ctx, id, cal, unix)
	if err != nil {
		return 0, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	free, ok = l.state.Withdraw(max, amount)
	return free, ok, nil
}

// PutBack undoes a Withdraw that was not booked.
func (c *Counters) PutBack(id limit.ID, amount money.NanoUSD) {
	if l, ok := c.cells.Load(id); ok && l.loaded.Load() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.state.PutBack(amount)
	}
}

// Spent is what a subject has used in money since ever and what its open requests
// hold, at one moment. ok is false for a subject that is not in use: then nothing
// is held, and the ledger knows the rest.
func (c *Counters) Spent(id limit.ID) (used, held money.NanoUSD, ok bool) {
	l, found := c.cells.Load(id)
	if !found || !l.loaded.Load() {
		return 0, 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	used, held = l.state.Spent()
	return used, held, true
}
