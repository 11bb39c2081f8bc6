package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"

	"tollgate/internal/limit"
)

// Load gives a subject's history as of the instant unix, when it is first asked
// for.
type Load func(ctx context.Context, id limit.ID, cal *limit.Calendar, unix int64) (limit.Sums, error)

// Counters keeps the state of all subjects in use. It is safe for concurrent
// use.
type Counters struct {
	load     Load
	cells    *xsync.Map[limit.ID, *cell] // of all but visitors
	visitors *visitors
}

// cell is one subject's state. mu covers state, which means nothing until loaded is
// true, and gone.
type cell struct {
	mu     sync.Mutex
	loaded atomic.Bool
	state  limit.State
	gone   bool // a visitor's that was dropped: another cell may be in its place
}

// New makes an empty store that loads what it is asked for with load.
func New(load Load) *Counters {
	return &Counters{load: load, cells: xsync.NewMap[limit.ID, *cell](), visitors: newVisitors(maxVisitors)}
}

// Take takes ask on every limit of the chain or on none, and fills in the receipt
// and the verdict. A refusal takes nothing, nor does a verdict that comes Late.
// The error is of loading a subject.
func (c *Counters) Take(ctx context.Context, chain limit.Chain, ask *limit.Ask, t *limit.Taken, v *limit.Verdict) (*limit.Refusal, error) {
	var cells [limit.MaxChain]*cell
	var states [limit.MaxChain]*limit.State
	n, err := c.lock(ctx, chain, cells[:], states[:], ask.Calendar, ask.Unix)
	defer unlock(cells[:n])
	if err != nil {
		return nil, err
	}
	verdict, refusal := limit.Decide(chain, states[:n], ask)
	if *v = verdict; refusal != nil || verdict.Late != 0 {
		return refusal, nil
	}
	*t = limit.Take(states[:n], ask, verdict.Output)
	return nil, nil
}

// Swap takes a hold back from one chain and takes ask on another, or does neither.
// Nobody sees the moment in between.
func (c *Counters) Swap(ctx context.Context, from limit.Chain, taken *limit.Taken, to limit.Chain, ask *limit.Ask, t *limit.Taken, v *limit.Verdict) (*limit.Refusal, error) {
	both := merged(from, to)
	var cells [2 * limit.MaxChain]*cell
	var states [2 * limit.MaxChain]*limit.State
	n, err := c.lock(ctx, both, cells[:], states[:], ask.Calendar, ask.Unix)
	defer unlock(cells[:n])
	if err != nil {
		return nil, err
	}
	of := func(chain limit.Chain) []*limit.State {
		list := make([]*limit.State, len(chain))
		for i, s := range chain {
			list[i] = states[slices.IndexFunc(both, func(b *limit.Subject) bool { return b.ID == s.ID })]
		}
		return list
	}
	old, fresh := of(from), of(to)
	limit.Undo(old, taken)
	verdict, refusal := limit.Decide(to, fresh, ask)
	if *v = verdict; refusal != nil || verdict.Late != 0 {
		limit.Redo(old, taken)
		return refusal, nil
	}
	*t = limit.Take(fresh, ask, verdict.Output)
	return nil, nil
}

// merged is the subjects of both chains, in the order in which they are locked.
// There can be two of a kind: they go by their ids, so that two requests that swap
// the same two do not wait for each other.
func merged(a, b limit.Chain) limit.Chain {
	both := slices.Clone(a)
	for _, s := range b {
		if !slices.ContainsFunc(both, func(o *limit.Subject) bool { return o.ID == s.ID }) {
			both = append(both, s)
		}
	}
	slices.SortFunc(both, func(a, b *limit.Subject) int {
		return cmp.Or(cmp.Compare(a.ID.Kind, b.ID.Kind), cmp.Compare(a.ID.ID, b.ID.ID))
	})
	return both
}

// Settle turns a hold on the chain into what was used. The chain is the one of
// the Take, or one with the same subjects.
func (c *Counters) Settle(chain limit.Chain, t *limit.Taken, used limit.Amount) {
	c.end(chain, func(states []*limit.State) { limit.Settle(states, t, used) })
}

// Undo takes a hold back as if it had never been.
func (c *Counters) Undo(chain limit.Chain, t *limit.Taken) {
	c.end(chain, func(states []*limit.State) { limit.Undo(states, t) })
}

// Read says what counts against each limit of the chain, in order; nothing is
// taken.
func (c *Counters) Read(ctx context.Context, chain limit.Chain, cal *limit.Calendar, unix int64) ([]limit.Reading, error) {
	var cells [limit.MaxChain]*cell
	var states [limit.MaxChain]*limit.State
	n, err := c.lock(ctx, chain, cells[:], states[:], cal, unix)
	defer unlock(cells[:n])
	if err != nil {
		return nil, err
	}
	var out []limit.Reading
	for i, s := range chain {
		for j := range s.Limits {
			out = append(out, states[i].Read(&s.Limits[j], cal, unix))
		}
	}
	return out, nil
}

// lock locks the cells of the chain in order, each loaded. What is new is loaded
// before the first of these locks is taken, so that a slow look-up for one key
// holds up that key alone. On an error nothing is locked.
func (c *Counters) lock(ctx context.Context, chain limit.Chain, cells []*cell, states []*limit.State, cal *limit.Calendar, unix int64) (int, error) {
	for {
		for i, s := range chain {
			l, err := c.cell(ctx, s.ID, cal, unix)
			if err != nil {
				return 0, err
			}
			cells[i] = l
		}
		gone := false
		for i := range chain {
			cells[i].mu.Lock()
			states[i] = &cells[i].state
			gone = gone || cells[i].gone
		}
		if !gone {
			return len(chain), nil
		}
		unlock(cells[:len(chain)]) // dropped between finding and locking it
	}
}

// cell is the cell of a subject, loaded.
func (c *Counters) cell(ctx context.Context, id limit.ID, cal *limit.Calendar, unix int64) (*cell, error) {
	if id.Kind == limit.Visitor {
		return c.visitors.cell(id, cal, unix), nil
	}
	l, ok := c.cells.Load(id)
	if !ok {
		l, _ = c.cells.LoadOrStore(id, &cell{})
	}
	if !l.loaded.Load() {
		if err := c.fill(ctx, l, id, cal, unix); err != nil {
			return nil, fmt.Errorf("load counters of %s: %w", id, err)
		}
	}
	return l, nil
}

func (c *Counters) fill(ctx context.Context, l *cell, id limit.ID, cal *limit.Calendar, unix int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded.Load() {
		return nil
	}
	sums, err := c.load(ctx, id, cal, unix)
	if err != nil {
		return err
	}
	l.state = *limit.NewState(cal, unix, sums)
	l.loaded.Store(true)
	return nil
}

// end runs f on the states of a chain on which something was taken, so all of
// them are loaded, and no visitor among them was dropped.
func (c *Counters) end(chain limit.Chain, f func([]*limit.State)) {
	var cells [limit.MaxChain]*cell
	var states [limit.MaxChain]*limit.State
	for i, s := range chain {
		if s.ID.Kind == limit.Visitor {
			cells[i] = c.visitors.find(s.ID)
		} else {
			cells[i], _ = c.cells.Load(s.ID)
		}
	}
	for i := range chain {
		cells[i].mu.Lock()
		states[i] = &cells[i].state
	}
	f(states[:len(chain)])
	unlock(cells[:len(chain)])
}

func unlock(cells []*cell) {
	for _, l := range cells {
		l.mu.Unlock()
	}
}
