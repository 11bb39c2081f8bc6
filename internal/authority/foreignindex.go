package authority

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// foreignIndex is what begins the look-up of every secret that another system
// made: whether anything is known under it. Strangers are refused from memory, so
// that guessing costs the store nothing. It may know too much, never too little.
type foreignIndex struct {
	read    func(context.Context, func(Scheme, []byte)) error // all of them, from the store
	loading chan struct{}                                     // holds one token while somebody loads or adds

	mu    sync.RWMutex
	known map[Scheme]map[foreignLookup]struct{} // covered by mu; nil = not loaded yet
}

// foreignLookup is the first bytes of what a secret is looked for by. It is small:
// there is one in memory for each secret.
type foreignLookup uint64

func lookupOf(b []byte) foreignLookup {
	var first [lookupBytes]byte
	copy(first[:], b)
	return foreignLookup(binary.BigEndian.Uint64(first[:]))
}

// indexTimeout ends a load that hangs. A million secrets take about two seconds.
const indexTimeout = time.Minute

func newForeignIndex(read func(context.Context, func(Scheme, []byte)) error) *foreignIndex {
	return &foreignIndex{read: read, loading: make(chan struct{}, 1)}
}

// load makes sure that the index is there. Waiting ends with ctx, as
// store_unavailable.
func (x *foreignIndex) load(ctx context.Context) error {
	x.mu.RLock()
	loaded := x.known != nil
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
	if x.known != nil { // only the holder of the token writes it
		return nil
	}
	// Others need it too: it does not end with whoever asked first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
	defer cancel()
	known := map[Scheme]map[foreignLookup]struct{}{SchemeSHA256: {}, SchemeKnox: {}, SchemeBcrypt: {}}
	err := x.read(ctx, func(scheme Scheme, b []byte) {
		if of := known[scheme]; of != nil {
			of[lookupOf(b)] = struct{}{}
		}
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known = known
	return nil
}

// add makes a stored secret known. An index that is not loaded yet will find it in
// the store.
func (x *foreignIndex) add(scheme Scheme, b []byte) {
	x.loading <- struct{}{}
	defer func() { <-x.loading }()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known != nil {
		x.known[scheme][lookupOf(b)] = struct{}{}
	}
}

// has reports whether a secret may be known under b.
func (x *foreignIndex) has(scheme Scheme, b []byte) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, ok := x.known[scheme][lookupOf(b)]
	return ok
}

// hasKnox reports whether there is any SchemeKnox.
func (x *foreignIndex) hasKnox() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.known[SchemeKnox]) > 0
}

// hasHash reports whether the key with this hash may have been made elsewhere.
func (x *foreignIndex) hasHash(hash key.Hash) bool { return x.has(SchemeSHA256, hash[:lookupBytes]) }
