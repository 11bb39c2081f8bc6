package authority

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"tollgate/internal/fault"
)

const (
	// lookups is how many reads of one cache may be under way at once, so that a
	// flood of unknown keys queues here and not in the database.
	lookups = 16
	// lookupTimeout ends a read that hangs; those who wait get store_unavailable.
	lookupTimeout = 5 * time.Second
)

// cached is a value that can be told that it is out of date.
type cached interface {
	comparable
	retire()
}

// cache holds what was read from the store, by K, until it is forgotten. What
// does not exist is not remembered. Reads of one K that come together share one
// look-up.
//
// The promise: once forget has returned, get never gives a value that was read
// before forget was called.
type cache[K comparable, V cached] struct {
	values *xsync.Map[K, V] // read without a lock, written under mu
	read   func(context.Context, K) (V, error)
	slots  chan struct{} // one taken by each look-up under way

	mu      sync.Mutex
	flights map[K]*flight[V] // covered by mu: look-ups whose result may still be kept
}

// flight is one look-up under way.
type flight[V any] struct {
	done  chan struct{} // closed when value and err are set
	value V
	err   error
	stale bool // covered by the cache's mu until done: forgotten meanwhile
}

func newCache[K comparable, V cached](read func(context.Context, K) (V, error)) *cache[K, V] {
	return &cache[K, V]{
		values:  xsync.NewMap[K, V](),
		read:    read,
		slots:   make(chan struct{}, lookups),
		flights: make(map[K]*flight[V]),
	}
}

// get is the value for k, from memory or else from the store. Waiting ends with
// ctx, as store_unavailable: nothing was found out.
func (c *cache[K, V]) get(ctx context.Context, k K) (V, error) {
	if v, ok := c.values.Load(k); ok {
		return v, nil
	}
	for {
		f, err := c.flight(ctx, k)
		if err == nil {
			select {
			case <-f.done:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil {
			var none V
			return none, fault.Wrap(fault.StoreUnavailable, err, "The look-up took too long. Try again shortly.")
		}
		if !f.stale {
			return f.value, f.err
		}
	}
}

// flight joins the look-up of k that is under way, or starts one as soon as there
// is a slot. The look-up does not end with the caller who started it, because
// others may have joined.
func (c *cache[K, V]) flight(ctx context.Context, k K) (*flight[V], error) {
	if f := c.known(k); f != nil {
		return f, nil
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.joinable(k); f != nil {
		<-c.slots
		return f, nil
	}
	f := &flight[V]{done: make(chan struct{})}
	c.flights[k] = f
	go c.fly(context.WithoutCancel(ctx), k, f)
	return f, nil
}

func (c *cache[K, V]) known(k K) *flight[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joinable(k)
}

// joinable is the look-up of k under way, or one that has ended already when the
// value is there; nil if there is neither. The caller holds mu.
func (c *cache[K, V]) joinable(k K) *flight[V] {
	if v, ok := c.values.Load(k); ok {
		ended := make(chan struct{})
		close(ended)
		return &flight[V]{done: ended, value: v}
	}
	return c.flights[k]
}

// fly reads k and keeps what it found, unless k was forgotten meanwhile.
func (c *cache[K, V]) fly(ctx context.Context, k K, f *flight[V]) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	v, err := c.read(ctx, k)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fault.Wrap(fault.StoreUnavailable, err, "The database did not answer in time. Try again shortly.")
	}
	<-c.slots
	c.mu.Lock()
	defer c.mu.Unlock()
	f.value, f.err = v, err
	if !f.stale {
		delete(c.flights, k)
		if err == nil {
			c.values.Store(k, v)
		}
	}
	close(f.done)
}

// forget drops what is known of k, and what is being read. It reports whether
// there was anything.
func (c *cache[K, V]) forget(k K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, reading := c.flights[k]
	if reading {
		f.stale = true
		delete(c.flights, k)
	}
	v, known := c.values.LoadAndDelete(k)
	if known {
		v.retire()
	}
	return reading || known
}

// forgetThose is forget for every value that match picks, and for all that is being
// read, whatever it may be. It looks at everything that is known: for when the store
// cannot say which K it is.
func (c *cache[K, V]) forgetThose(match func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flights {
		f.stale = true
	}
	clear(c.flights)
	for k, v := range c.values.All() {
		if match(v) {
			c.values.Delete(k)
			v.retire()
		}
	}
}

// refresh forgets k and, if it was known, reads it anew, so that what was in use
// stays in memory should the store go away. A failed read is no error: the next
// get tries again.
func (c *cache[K, V]) refresh(ctx context.Context, k K) {
	if c.forget(k) {
		_, _ = c.get(ctx, k)
	}
}

// exchange puts next in the place of old, unless something else is there by now.
func (c *cache[K, V]) exchange(k K, old, next V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.values.Load(k); ok && v == old {
		c.values.Store(k, next)
	}
}
