package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"

	"tollgate/internal/credential"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/policy"
)

// responses is OpenAI's Responses on a WebSocket
// (https://developers.openai.com/api/docs/guides/websocket-mode): each
// response.create is a request like those to POST /v1/responses.
type responses struct{ *socket }

// eventCreate asks for a response.
const eventCreate = "response.create"

func (s *responses) caller(msg []byte) error {
	kind, id, body, err := dialect.ClientEvent(msg)
	if err == nil && kind != eventCreate {
		err = fault.New(fault.InvalidField, "The event %.100q is not one that is taken here: send response.create.", kind)
	}
	if err != nil {
		return &eventFault{id, err}
	}
	call, err := dialect.Read(s.x.route, nil, body)
	if err != nil {
		return &eventFault{id, err}
	}
	if err := s.create(call, id); err != nil {
		return &eventFault{id, err}
	}
	return nil
}

// goesOn: nothing does.
func (s *responses) goesOn(*exchange) error { return nil }

// create admits a response, and asks the provider for it.
func (s *responses) create(call *dialect.Call, id string) error {
	t, err := s.begin(call, id)
	if err != nil {
		return err
	}
	t.tap = dialect.NewTap(t.route, dialect.Events, false)
	if err := s.p.admit(t.exchange); err != nil {
		s.drop(t)
		return err
	}
	if err := s.reach(t); err != nil {
		return err
	}
	return s.ask(t, dialect.AppendEvent(nil, eventCreate, id, t.call.Segments(t.edit(), nil)))
}

// begin makes a turn for the caller as it is now, unless there is one.
func (s *socket) begin(call *dialect.Call, id string) (*turn, error) {
	x := &exchange{
		r: s.x.r, begun: time.Now(), route: s.x.route, ip: s.x.ip, key: s.x.key, tokens: s.x.tokens, call: call, socket: true,
		left: &departure{cancel: func() {}, after: s.p.opts.DrainTimeout},
	}
	x.ask = policy.Ask{Now: x.begun, IP: x.ip}
	if err := s.p.identify(x); err != nil {
		return nil, err
	}
	t := &turn{exchange: x, event: id, over: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn != nil {
		return nil, fault.New(fault.InvalidField, "A response is being made on this connection: wait for its end, or open another connection.")
	}
	if s.up != nil {
		x.pinned = &s.pin
	}
	s.turn = t
	return t, nil
}

// drop gives up a turn for which there is no hold.
func (s *socket) drop(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn = nil
	close(t.over)
}

// pin is the account that a socket's other end was opened under.
type pin struct{ provider, credential string }

func pinOf(x *exchange) pin {
	at := pin{provider: x.target.Provider}
	if x.pay.payer != nil {
		at.credential = x.pay.payer.ID
	}
	return at
}

// fits reports whether a response can be asked for where the socket leads.
func (x *exchange) fits() error {
	if x.pinned == nil || pinOf(x) == *x.pinned {
		return nil
	}
	f := fault.Wrap(fault.InvalidField, errElsewhere, "This connection leads to %s, under one account. Open another one for this model, or since who pays has changed.", x.pinned.provider)
	f.Param = "model"
	return f
}

// errElsewhere: a target is not where the socket leads.
var errElsewhere = errors.New("the socket leads elsewhere")

// reach opens the provider's side for the first response, at the first target that
// has one. On an error the hold has ended.
func (s *socket) reach(t *turn) error {
	if s.up != nil { // only this goroutine sets it
		return nil
	}
	for {
		t.sent = time.Now()
		up, err := s.dial(t.exchange, t.call.QueryFor(s.p.kind(t.target.Provider)), t.hold.ID())
		if err == nil {
			s.mu.Lock()
			s.up, s.pin, s.clean = up, pinOf(t.exchange), t.pay.clean
			s.mu.Unlock()
			go s.pump(up, t.target.Provider)
			return nil
		}
		status := refusedWith(err)
		if s.p.refusedPayer(t.exchange, err) && s.p.another(t.exchange) || (status == 0 || fails(status)) && s.p.fallBack(t.exchange, status) {
			continue
		}
		f := unopened(t.target.Provider, err)
		s.settle(t, ledger.Result{Outcome: ledger.Failed, Status: http.StatusBadGateway, Code: f.Kind})
		return f
	}
}

// refusedPayer takes note that a provider has refused who pays for a WebSocket.
func (p *Proxy) refusedPayer(x *exchange, err error) bool {
	refused, ok := errors.AsType[*refusedSocket](err)
	if !ok || x.pay.payer == nil || !credential.Refused(x.pay.payer.Provider, refused.status, []byte(refused.body)) {
		return false
	}
	p.judged(x, credential.Verdict{State: credential.Invalid, Code: credential.Rejected})
	return true
}

// refusedWith is the status with which a provider refused to open a WebSocket; 0 = it
// could not be reached.
func refusedWith(err error) int {
	if refused, ok := errors.AsType[*refusedSocket](err); ok {
		return refused.status
	}
	return 0
}

// unopened is what the caller is told of a WebSocket that its provider does not open.
func unopened(provider string, err error) *fault.Error {
	if status := refusedWith(err); status != 0 {
		return fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s refuses to open a WebSocket, with status %d; nothing is charged.", provider, status)
	}
	return fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s cannot be reached; nothing was sent and nothing is charged.", provider)
}

// refusedSocket is a provider's refusal to open a WebSocket.
type refusedSocket struct {
	status int
	body   string
	error
}

func (r *refusedSocket) Unwrap() error { return r.error }

func (s *socket) dial(x *exchange, query string, id ledger.RequestID) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(s.base, dialTime)
	defer cancel()
	header := s.x.r.Header
	if protocols, _ := offered(header); slices.Contains(protocols, olderProtocol) {
		header = header.Clone()
		header.Add("Openai-Beta", "realtime=v1")
	}
	up, resp, err := s.p.opts.Sockets.Dial(ctx, Outgoing{
		Provider: x.target.Provider, Account: x.pay.account, Path: x.aimed.path, Query: query, Header: header, RequestID: id.String(),
	})
	if err == nil || resp == nil {
		return up, err
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefused)) // what there is of it
	return nil, &refusedSocket{resp.StatusCode, x.pay.clean.Text(string(body)), err}
}

// dialTime is how long a provider may take to open a WebSocket.
const dialTime = 30 * time.Second

// ask sends the event that asks for a response.
func (s *socket) ask(t *turn, msg []byte) error {
	t.left.drain.Store(s.p.drains(t.exchange))
	s.mu.Lock()
	t.asked = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.base, s.p.opts.WriteTimeout)
	defer cancel()
	if err := s.up.Write(ctx, websocket.MessageText, msg); err != nil {
		f := fault.Wrap(fault.UpstreamUnavailable, err, "The connection to the provider %s was lost.", t.target.Provider)
		s.settle(t, t.unknown(http.StatusBadGateway, f.Kind))
		return f
	}
	return nil
}

// provider follows the response that is being made. It is settled before its last
// event is passed on.
func (s *responses) provider(msg []byte) (relay []byte) {
	relay = s.clean.Bytes(msg) // it was set before this goroutine began
	t := s.current()
	if s.strays(t, dialect.ReadServerEvent(msg).Type) {
		return nil
	}
	if t == nil {
		return relay
	}
	t.tap.Write(dialect.Event(nil, msg))
	tally := t.tap.Tally()
	switch {
	case tally.Finished:
		s.settle(t, t.result(tally, t.ending(t.tap), http.StatusOK))
	case !t.tap.Failed():
		t.begun = true
	case t.begun:
		s.settle(t, t.result(tally, cutOff, http.StatusBadGateway))
	default:
		s.settle(t, ledger.Result{Outcome: ledger.Failed, Status: http.StatusBadRequest, Code: "upstream_error"})
	}
	return relay
}
