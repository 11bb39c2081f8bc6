package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"tollgate/api"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/secret"
)

// Sockets opens WebSockets to providers.
type Sockets interface {
	// Dial opens one. An error means that nothing was served; the answer with it, if
	// there is one, is the provider's refusal.
	Dial(ctx context.Context, o Outgoing) (*websocket.Conn, *http.Response, error)
}

// Figures of sockets.
const (
	pingEvery   = 20 * time.Second // how often the caller is asked whether it is there
	maxReason   = 120              // bytes of a reason for closing (RFC 6455 section 5.5)
	maxRefused  = 1 << 10          // of a provider's refusal that are passed on
	queuedTurns = 64               // messages of a caller that wait while a session is being set up
)

// socket is one WebSocket of a caller's, and what is going on on it: one response at
// a time, each of which is admitted, held for and booked like a request of its own.
// It is used by the goroutine that reads from the caller and by the one that reads
// from the provider.
type socket struct {
	p      *Proxy
	x      *exchange // of the upgrade: who asks
	caller *websocket.Conn
	base   context.Context // of both connections
	cut    context.CancelFunc
	speaks speech
	heard  atomic.Int64 // when somebody said something last, Unix seconds
	pumped chan struct{}

	mu    sync.Mutex // covers what follows
	up    *websocket.Conn
	pin   pin            // under what up was opened
	clean secret.Cleaner // of that
	turn  *turn          // the response that is being made; nil = none
	ended bool           // the caller has left, or is being sent off
}

// turn is a response on its way.
type turn struct {
	*exchange
	event string        // the id of the event that asked for it
	asked bool          // the provider has been asked; covered by the socket's mu
	over  chan struct{} // closed when it has ended
	begun bool          // the provider has said something of it
	made  bool          // the provider has begun to make it
	said  int64         // tokens that were said for it, at most; Realtime
	apart bool          // it is no part of the conversation; Realtime
	tap   *dialect.Tap
}

// speech is what is said on a socket.
type speech interface {
	// caller takes a message of the caller's.
	caller(msg []byte) error
	// provider takes one of the provider's, and gives what is passed on of it.
	provider(msg []byte) (relay []byte)
	// goesOn asks whether what the provider does without being asked each time may go
	// on for the caller as it is now.
	goesOn(now *exchange) error
}

// upgrades reports whether a request asks for a WebSocket.
func upgrades(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// keyProtocol is how browsers present a key, which can set no headers on a
// WebSocket: as one of the subprotocols that they offer.
const keyProtocol = "openai-insecure-api-key."

// olderProtocol asks for the Realtime API before the present one, as a header does.
const olderProtocol = "openai-beta.realtime-v1"

// offered are the subprotocols that the caller offers, and the key among them.
func offered(h http.Header) (protocols []string, key string) {
	for _, line := range h["Sec-Websocket-Protocol"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			if rest, ok := strings.CutPrefix(name, keyProtocol); ok {
				key = rest
				continue
			}
			protocols = append(protocols, name)
		}
	}
	return protocols, key
}

// socket is the walk of a WebSocket, once it is known who asks.
func (p *Proxy) socket(x *exchange) error {
	if err := p.sockets.enter(x); err != nil {
		return err
	}
	defer p.sockets.leave(x)
	base, cut := context.WithTimeout(p.base, p.opts.MaxDuration+p.opts.DrainTimeout)
	defer cut()
	s := &socket{p: p, x: x, base: base, cut: cut, pumped: make(chan struct{})}
	var target string
	if x.route.Socket {
		r := &realtime{socket: s, ready: make(chan struct{})}
		if err := r.reachRealtime(); err != nil {
			return err
		}
		defer func() { _ = s.up.CloseNow() }() // whatever else there was
		s.speaks, target = r, r.target.Provider
	} else {
		s.speaks = &responses{s}
	}
	if err := s.accept(); err != nil {
		return nil //nolint:nilerr // the library has answered
	}
	if s.up != nil {
		go s.pump(s.up, target)
	}
	s.serve()
	return nil
}

// accept makes a WebSocket of the request. Pages of other sites may open one: no
// cookie makes them somebody, only a key that they have.
func (s *socket) accept() (err error) {
	protocols, _ := offered(s.x.r.Header)
	id := ledger.NewRequestID(s.x.begun).String()
	s.x.w.Header()["X-Request-Id"] = []string{id}
	s.caller, err = websocket.Accept(s.x.w, s.x.r, &websocket.AcceptOptions{Subprotocols: protocols, InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	s.caller.SetReadLimit(s.p.opts.MaxBodyBytes)
	s.heard.Store(time.Now().Unix())
	return nil
}

// serve reads what the caller says until one of the two leaves.
func (s *socket) serve() {
	defer s.abandon()
	watch := make(chan struct{})
	go func() { defer close(watch); defer s.guard(); s.watch() }()
	defer func() { s.cut(); <-watch }()
	for s.listen() {
	}
	s.left()
}

// listen takes one message of the caller's; it is false when that was the last. What
// messages take up while they come counts with the bodies of requests.
func (s *socket) listen() bool {
	kind, r, err := s.caller.Reader(s.base)
	if err != nil {
		return false
	}
	buf, msg, err := s.p.bodies.read(r)
	if err != nil {
		if errors.Is(err, fault.Overloaded) {
			s.close(err, "")
		}
		return false
	}
	defer s.p.bodies.put(buf)
	s.heard.Store(time.Now().Unix())
	if kind != websocket.MessageText {
		return s.refuse(fault.New(fault.InvalidJSON, "A message must be text: an event in JSON."), "") == nil
	}
	if err := s.known(); err != nil {
		s.close(err, "")
		return false
	}
	err = s.speaks.caller(msg)
	return err == nil || !s.told(err)
}

// known looks the caller up as it is now, and asks whether the socket may stay open.
func (s *socket) known() error {
	x, err := s.now()
	if err != nil {
		return err
	}
	return s.speaks.goesOn(x)
}

// now is who asks, as it is now.
func (s *socket) now() (*exchange, error) {
	x := *s.x
	x.ask.Now = time.Now()
	return &x, s.p.identify(&x)
}

// told tells the caller of a refusal, and reports whether that ends the socket: what
// has run out is not there for the next response either.
func (s *socket) told(err error) (over bool) {
	about := ""
	if of, ok := errors.AsType[*eventFault](err); ok {
		about = of.event
	}
	switch fault.Of(err).Kind {
	case fault.BudgetExceeded, fault.BalanceExhausted, fault.TokensLimited, fault.StoreUnavailable, fault.Internal,
		fault.KeyRevoked, fault.KeyDisabled, fault.KeyExpired, fault.KeyInvalid, fault.OwnerInactive, fault.IPDenied, fault.ScopeDenied, fault.EndpointDenied:
		s.close(err, about)
		return true
	}
	return s.refuse(err, about) != nil
}

// eventFault is a refusal of an event that has an id.
type eventFault struct {
	event string
	error
}

func (e *eventFault) Unwrap() error { return e.error }

// refuse tells the caller why, and takes note of it.
func (s *socket) refuse(err error, about string) error {
	f := fault.Of(err)
	status := api.Status(string(f.Kind))
	id := ledger.NewRequestID(time.Now())
	s.p.record(s.x, f, status, id)
	return s.write(dialect.AppendErrorEvent(nil, f, status, id.String(), about))
}

// close tells the caller why, and closes the socket.
func (s *socket) close(err error, about string) {
	_ = s.refuse(err, about) // the reason says it as well
	f := fault.Of(err)
	code := websocket.StatusPolicyViolation
	if api.Status(string(f.Kind)) >= 500 {
		code = websocket.StatusInternalError
	}
	reason := string(f.Kind) + ": " + f.Public
	s.bye(code, strings.ToValidUTF8(reason[:min(len(reason), maxReason)], ""))
}

// bye closes the caller's side, and waits for the caller to say so, too.
func (s *socket) bye(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	_ = s.caller.Close(code, reason) // whether the caller answers does not matter
}

// write passes a message to the caller. One that does not take it in time has left.
func (s *socket) write(msg []byte) error {
	ctx, cancel := context.WithTimeout(s.base, s.p.opts.WriteTimeout)
	defer cancel()
	err := s.caller.Write(ctx, websocket.MessageText, msg)
	if err != nil {
		_ = s.caller.CloseNow() // it is gone
	}
	return err
}

// watch asks now and then whether the caller is still there, still may be, and has
// anything to say.
func (s *socket) watch() {
	tick := time.NewTicker(min(pingEvery, s.p.opts.SocketIdle/4))
	defer tick.Stop()
	over := time.NewTimer(s.p.opts.MaxDuration - time.Since(s.x.begun))
	defer over.Stop()
	for {
		select {
		case <-s.base.Done():
			return
		case <-over.C:
			s.bye(websocket.StatusGoingAway, "a connection is open for "+s.p.opts.MaxDuration.String()+" at most: open another")
			return
		case <-s.p.sockets.draining():
			if s.idle() {
				s.bye(websocket.StatusGoingAway, "the server is being shut down")
				return
			}
			select { // and again when the response has ended
			case <-s.base.Done():
				return
			case <-time.After(drainTick):
			}
		case <-tick.C:
			if err := s.known(); err != nil {
				s.close(err, "")
				return
			}
			if s.idle() && time.Now().Unix()-s.heard.Load() > int64(s.p.opts.SocketIdle/time.Second) {
				s.bye(websocket.StatusPolicyViolation, "nothing was said for "+s.p.opts.SocketIdle.String())
				return
			}
			ctx, cancel := context.WithTimeout(s.base, pingEvery)
			if s.caller.Ping(ctx) != nil {
				_ = s.caller.CloseNow() // it does not answer
			}
			cancel()
		}
	}
}

// drainTick is how often a socket with a response under way looks whether it has
// ended, once the server is being shut down.
const drainTick = 50 * time.Millisecond

// idle reports whether no response is being made.
func (s *socket) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn == nil
}

// left lets the provider's side go, now that the caller has. Under a hard limit the
// response that is being made is read to its end, so that what it used is known.
func (s *socket) left() {
	s.mu.Lock()
	s.ended = true
	up, t := s.up, s.turn
	if t != nil {
		t.left.gone.Store(true)
	}
	s.mu.Unlock()
	if up == nil {
		return
	}
	if t != nil && t.left.drain.Load() {
		select {
		case <-s.pumped:
		case <-t.over:
		case <-time.After(s.p.opts.DrainTimeout):
		}
	}
	if t != nil && s.current() == t {
		_ = up.CloseNow() // at once, so that the provider makes no more of it
	} else {
		_ = up.Close(websocket.StatusNormalClosure, "")
	}
	<-s.pumped
}

// guard ends the socket, and nothing else, when a goroutine of it panics.
func (s *socket) guard() {
	if caught := recover(); caught != nil {
		s.p.opts.Log.Error("a WebSocket ended with a panic", "panic", fmt.Sprint(caught), "stack", string(debug.Stack()))
		s.cut()
	}
}

// abandon books a response that was left behind by a panic.
func (s *socket) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn != nil && s.turn.hold.Valid() {
		s.turn.hold.Settle(ledger.Result{Outcome: ledger.Unconfirmed})
	}
}

// current is the response that the provider has been asked for; nil = none.
func (s *socket) current() *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn == nil || !s.turn.asked {
		return nil
	}
	return s.turn
}

// pump passes on what the provider says until it leaves.
func (s *socket) pump(up *websocket.Conn, target string) {
	defer close(s.pumped)
	defer s.guard()
	for {
		kind, msg, err := up.Read(s.base)
		if err != nil {
			s.lost(target, err)
			return
		}
		s.heard.Store(time.Now().Unix())
		if kind != websocket.MessageText {
			continue // no event is one
		}
		relay := s.speaks.provider(msg)
		s.mu.Lock()
		gone := s.ended
		s.mu.Unlock()
		if len(relay) > 0 && !gone {
			_ = s.write(relay) // a caller that has left is noticed where it is read from
		}
	}
}

// strays ends the socket when the provider begins a response that nobody holds for: one
// that it was not asked for, or that it had refused before.
func (s *socket) strays(t *turn, event string) bool {
	switch {
	case event != "response.created":
		return false
	case t != nil && !t.made:
		t.made = true
		return false
	}
	s.close(fault.New(fault.UpstreamUnavailable, "The provider %s makes a response that it was not asked for.", s.pin.provider), "")
	s.cut()
	return true
}

// lost books the response whose provider broke off, and sends the caller off.
func (s *socket) lost(target string, err error) {
	t := s.current()
	s.mu.Lock()
	gone := s.ended
	s.mu.Unlock()
	if t != nil {
		s.settle(t, t.broken())
	}
	if gone {
		return
	}
	s.close(fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s closed the connection.", target), "")
}

// broken says how a response is booked that broke off.
func (t *turn) broken() ledger.Result {
	if t.tap == nil { // nothing was counted on the way
		return t.unknown(http.StatusBadGateway, fault.UpstreamUnavailable)
	}
	return t.result(t.tap.Tally(), cutOff, http.StatusBadGateway)
}

// settle books the response that is being made, and makes room for another.
func (s *socket) settle(t *turn, r ledger.Result) {
	s.p.done(t.exchange, r)
	s.mu.Lock()
	if s.turn == t {
		s.turn = nil
		close(t.over)
	}
	s.mu.Unlock()
}
