package memory

import (
	"sync"

	"tollgate/internal/limit"
)

// maxVisitors is how many callers without a key are remembered, beside those with
// a request in flight. Each takes about a kilobyte.
const maxVisitors = 50_000

// visitors keeps the cells of callers without a key: those who came last. There
// are two generations. Who is asked for is in the young one; when that is full it
// becomes the old one, and what is left of the old one is dropped, but for cells
// with a request in flight. So whoever comes again before half of most others have
// come is known, and finding a place costs next to nothing, however many come.
type visitors struct {
	mu    sync.Mutex // never taken by who holds a cell's lock; covers all that follows
	most  int
	full  int // how many the young generation may have
	young map[limit.ID]*cell
	old   map[limit.ID]*cell
}

func newVisitors(most int) *visitors {
	return &visitors{most: most, full: most / 2, young: map[limit.ID]*cell{}}
}

// cell is the cell of a visitor, who has used nothing if they are new.
func (v *visitors) cell(id limit.ID, cal *limit.Calendar, unix int64) *cell {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l := v.young[id]; l != nil {
		return l
	}
	l := v.old[id]
	if l == nil {
		l = &cell{state: *limit.NewState(cal, unix, limit.Sums{})}
		l.loaded.Store(true)
	}
	delete(v.old, id)
	if len(v.young) >= v.full {
		v.turn()
	}
	v.young[id] = l
	return l
}

// find is the cell of a visitor with a request in flight.
func (v *visitors) find(id limit.ID) *cell {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l := v.young[id]; l != nil {
		return l
	}
	return v.old[id]
}

// turn drops the old generation. The caller holds mu.
func (v *visitors) turn() {
	kept := map[limit.ID]*cell{}
	for id, l := range v.old {
		if !l.drop() {
			kept[id] = l
		}
	}
	v.old, v.young = v.young, kept
	v.full = max(v.most/2, 2*len(kept)) // else each newcomer would bring a turn
}

// drop marks a cell as gone, unless it is in use.
func (l *cell) drop() bool {
	if !l.mu.TryLock() {
		return false
	}
	defer l.mu.Unlock()
	l.gone = l.state.Idle()
	return l.gone
}
