package authority

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"tollgate/internal/fault"
)

// index is what is there in the store at all, in a form S that is small enough to be
// in memory whole: what is not there is refused from memory, so that guessing costs
// the store nothing, however many guesses there are. It is read when it is first
// needed. It may know too much, never too little.
type index[S any] struct {
	read    func(context.Context) (S, error)
	loading chan struct{} // holds one token while somebody loads or adds

	mu     sync.RWMutex
	loaded bool // covered by mu, written with the token
	known  S    // covered by mu
}

// indexTimeout ends a load that hangs. A million secrets take about two seconds.
const indexTimeout = time.Minute

func newIndex[S any](read func(context.Context) (S, error)) *index[S] {
	return &index[S]{read: read, loading: make(chan struct{}, 1)}
}

// load makes sure that the index is there. Waiting ends with ctx, as
// store_unavailable.
func (x *index[S]) load(ctx context.Context) error {
	x.mu.RLock()
	loaded := x.loaded
	x.mu.RUnlock()
	if loaded {
		return nil
	}
	select {
	case x.loading <- struct{}{}:
	case <-ctx.Done():
		return fault.Wrap(fault.StoreUnavailable, ctx.Err(), "The look-up took too long. Try again shortly.")
	}
	defer func() { <-x.loading }()
	if x.loaded { // only the holder of the token writes it
		return nil
	}
	// Others need it too: it does not end with whoever asked first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
	defer cancel()
	known, err := x.read(ctx)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.loaded, x.known = true, known
	return nil
}

// add makes known, with put, what was stored. An index that is not loaded yet will
// find it in the store.
func (x *index[S]) add(put func(S)) {
	x.loading <- struct{}{}
	defer func() { <-x.loading }()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.loaded {
		put(x.known)
	}
}

// has asks what is known, nothing before it is loaded.
func (x *index[S]) has(is func(S) bool) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.loaded && is(x.known)
}

// nameIndex knows the ids and slugs of all chatbots.
type nameIndex struct {
	seed maphash.Seed
	*index[map[uint64]struct{}]
}

func newNameIndex(read func(context.Context, func(name string)) error) nameIndex {
	seed := maphash.MakeSeed()
	return nameIndex{seed, newIndex(func(ctx context.Context) (map[uint64]struct{}, error) {
		known := map[uint64]struct{}{}
		err := read(ctx, func(name string) { known[maphash.String(seed, name)] = struct{}{} })
		return known, err
	})}
}

func (x nameIndex) add(name string) {
	x.index.add(func(known map[uint64]struct{}) { known[maphash.String(x.seed, name)] = struct{}{} })
}

func (x nameIndex) has(name string) bool {
	return x.index.has(func(known map[uint64]struct{}) bool {
		_, ok := known[maphash.String(x.seed, name)]
		return ok
	})
}
