package proxy

import (
	"context"
	"sync"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
)

// maxSockets bounds the WebSockets that are open at one time.
const maxSockets = 10_000

// sockets counts the WebSockets that are open: no subject has more of them than
// requests in flight. The zero value is not ready: see newSockets. It is safe for
// concurrent use.
type sockets struct {
	mu    sync.Mutex // covers what follows
	count map[limit.ID]int64
	all   int
	stop  chan struct{} // closed when the server is being shut down
	empty chan struct{} // closed when none is open any more; nil = nobody waits

	stopped bool // stop is closed
}

func newSockets() *sockets {
	return &sockets{count: map[limit.ID]int64{}, stop: make(chan struct{})}
}

// enter counts one more socket, unless a subject of its chain has as many as it may.
func (s *sockets) enter(x *exchange) error {
	chain := x.grant.Chain()
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
		return fault.New(fault.Overloaded, "The server is being shut down.")
	default:
	}
	if s.all >= maxSockets {
		return fault.New(fault.Overloaded, "Too many WebSockets are open at the moment. Try again shortly.")
	}
	for _, subject := range chain {
		for i := range subject.Limits {
			if l := &subject.Limits[i]; l.Meter == limit.Concurrency && s.count[subject.ID] >= l.Max {
				f := fault.New(fault.ConcurrencyLimited, "Refused by %s limit of %d at a time (%s): as many WebSockets are open. Try again when one of them has ended.", subject.ID.Kind.Whose(), l.Max, subject.ID.Field(l))
				f.Param = subject.ID.Field(l)
				return f
			}
		}
	}
	for _, subject := range chain {
		s.count[subject.ID]++
	}
	s.all++
	x.entered = chain
	return nil
}

// leave undoes enter.
func (s *sockets) leave(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subject := range x.entered {
		if s.count[subject.ID]--; s.count[subject.ID] == 0 {
			delete(s.count, subject.ID)
		}
	}
	if s.all--; s.all == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// draining is closed once the server is being shut down.
func (s *sockets) draining() <-chan struct{} { return s.stop }

// Drain sends off the callers of WebSockets, each when no response is being made for
// it, and lets nobody else in. It returns when all have left, or ctx ends.
func (p *Proxy) Drain(ctx context.Context) {
	s := p.sockets
	s.mu.Lock()
	if !s.stopped {
		close(s.stop)
		s.stopped = true
	}
	if s.all == 0 {
		s.mu.Unlock()
		return
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
