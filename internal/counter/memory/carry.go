package memory

import (
	"context"

	"tollgate/internal/limit"
)

// Carry counts what a subject used elsewhere at the instant at. The subject is
// loaded first if it is not in use, so that what is booked only afterwards is not
// loaded as well. The error is of loading it.
func (c *Counters) Carry(ctx context.Context, id limit.ID, cal *limit.Calendar, unix, at int64, used limit.Amount) error {
	l, err := c.cell(ctx, id, cal, unix)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Carry(cal, unix, at, used)
	return nil
}

// Uncarry undoes a Carry that was not booked.
func (c *Counters) Uncarry(id limit.ID, cal *limit.Calendar, unix, at int64, used limit.Amount) {
	if l, ok := c.cells.Load(id); ok && l.loaded.Load() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.state.Uncarry(cal, unix, at, used)
	}
}
