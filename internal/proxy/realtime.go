package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/coder/websocket"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// realtime is OpenAI's Realtime API. A response is made when one is asked for, and
// when the provider hears that the caller has stopped speaking. The latter the
// provider is told not to do by itself: the gate asks in its place, once it has a hold.
type realtime struct {
	*socket
	target catalog.Target
	ready  chan struct{} // closed once the provider answers no speech by itself
	opened sync.Once     // closes it

	talk       sync.Mutex // covers what follows
	settingUp  bool
	older      bool   // the session has the form of the API before the present
	answers    bool   // the end of the caller's speech asks for a response
	stopped    bool   // the caller has stopped speaking
	queued     bool   // and a response was still being made
	maxOutput  int64  // of each response, as the session says; 0 = no cap
	transcribe string // the model that writes down what the caller says; "" = none has
	extra      string // what the session has that is billed apart
	stored     bool   // the session has had a prompt that is kept at the provider
	refers     bool   // what was said is not bounded by its bytes
	carried    int64  // tokens that the conversation has at most, up to the latest response
	fresh      int64  // tokens that were added since, at most
	asked      int    // responses that the gate asked for
}

// setUpEvent is the id of the event with which the gate sets a session up.
const setUpEvent = "tollgate_set_up"

// overSession is more than the tokens of what every session begins with.
const overSession = 1024

// reachRealtime opens the provider's side for the model in the query, before the
// caller has its own, so that a refusal is an ordinary answer.
func (s *realtime) reachRealtime() error {
	x := s.x
	query, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil || len(query["model"]) != 1 || query.Get("model") == "" || len(query.Get("model")) > 256 {
		f := fault.New(fault.InvalidField, "Name one model in the query: ?model=gpt-realtime.")
		f.Param = "model"
		return f
	}
	if query.Has("intent") || query.Has("call_id") {
		return fault.New(fault.InvalidField, "Of the query only model is taken.")
	}
	x.call = &dialect.Call{Route: x.route, Model: query.Get("model"), Choices: 1}
	wallet, err := s.p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	targets, err := s.p.targets(x, wallet)
	if err != nil {
		return err
	}
	var refusal error
	for _, target := range s.p.rested(targets, wallet) {
		err := s.p.choose(x, wallet, target)
		switch {
		case err == nil:
			if err = s.connect(target); err == nil {
				return nil
			}
			s.p.refusedPayer(x, err)
			refusal = unopened(target.Provider, err)
			if status := refusedWith(err); status != 0 && !fails(status) {
				return refusal
			}
		case !x.passesOver(err):
			return err
		case refusal == nil || !denied(refusal) && denied(err):
			refusal = err
		}
	}
	return refusal
}

func (s *realtime) connect(target catalog.Target) error {
	up, err := s.dial(s.x, "model="+url.QueryEscape(target.Name), ledger.NewRequestID(s.x.begun))
	if err != nil {
		return err
	}
	s.up, s.pin, s.clean, s.target = up, pinOf(s.x), s.x.pay.clean, target
	return nil
}

// caller takes an event of the caller's, once the session is set up.
func (s *realtime) caller(msg []byte) error {
	kind, id, body, err := dialect.ClientEvent(msg)
	if err != nil {
		return err
	}
	select {
	case <-s.ready:
	case <-s.base.Done():
		return s.base.Err()
	}
	tokens, known := dialect.Spoken(kind, body)
	switch {
	case !known:
		err = fault.New(fault.InvalidField, "The event %.100q is not one that is taken here.", kind)
	case kind == "session.update":
		err = s.update(id, body)
	case kind == eventCreate:
		var say *dialect.Speech
		if say, err = dialect.ReadCreate(body); err == nil {
			err = s.create(id, tokens, say)
		}
	default:
		s.talk.Lock()
		s.fresh += tokens
		s.refers = s.refers || kind == "conversation.item.create" && dialect.RefersElsewhere(body)
		s.talk.Unlock()
		err = s.forward(dialect.AppendEvent(nil, kind, id, [][]byte{body}))
	}
	if err != nil {
		return &eventFault{id, err}
	}
	return nil
}

// update changes the session.
func (s *realtime) update(id string, body []byte) error {
	say, err := dialect.ReadSession(body)
	if err != nil {
		return err
	}
	if say.Model != "" && say.Model != s.x.call.Model && say.Model != s.target.Name {
		f := fault.New(fault.InvalidField, "The model of this connection is %s: open another one for %.100q.", s.x.call.Model, say.Model)
		f.Param = "session.model"
		return f
	}
	now, err := s.now()
	if err != nil {
		return err
	}
	if say.Refers && now.chain().Hard(now.pay.costs) {
		return overrides("prompt")
	}
	if say.Transcribe != "" {
		if err := s.mayTranscribe(now, say.Transcribe); err != nil {
			return err
		}
	}
	s.talk.Lock()
	if say.MaxOutput >= 0 {
		s.maxOutput = say.MaxOutput
	}
	if say.Answers >= 0 {
		s.answers = say.Answers == 1
	}
	if say.Transcribe != "" {
		s.transcribe = say.Transcribe
	}
	if say.Extra != "" {
		s.extra = say.Extra
	}
	s.stored = s.stored || say.Refers
	s.fresh += int64(len(body))
	s.talk.Unlock()
	return s.forward(dialect.AppendEvent(nil, "session.update", id, [][]byte{say.Session()}))
}

func (s *socket) forward(msg []byte) error {
	ctx, cancel := context.WithTimeout(s.base, s.p.opts.WriteTimeout)
	defer cancel()
	if err := s.up.Write(ctx, websocket.MessageText, msg); err != nil {
		return fault.Wrap(fault.UpstreamUnavailable, err, "The connection to the provider was lost.")
	}
	return nil
}

// create takes a hold for a response, and asks the provider for it.
func (s *realtime) create(id string, tokens int64, say *dialect.Speech) error {
	s.talk.Lock()
	if id == "" {
		s.asked++
		id = fmt.Sprintf("tollgate_%d", s.asked)
	}
	call := &dialect.Call{Route: s.x.route, Model: s.x.call.Model, Choices: 1, MaxOutput: s.maxOutput}
	older := s.older
	s.talk.Unlock()
	if say.MaxOutput >= 0 {
		call.MaxOutput = say.MaxOutput
	}
	t, err := s.begin(call, id)
	if err != nil {
		return err
	}
	if err := s.hold(t, tokens, say); err != nil {
		s.drop(t)
		return err
	}
	most := int64(0)
	if t.hard {
		most = t.exchange.hold.Output()
	}
	return s.ask(t, dialect.AppendEvent(nil, eventCreate, id, [][]byte{say.Create(most, older)}))
}

// hold takes the hold for a response: what the conversation has at most is read, and
// it is no more than fits into the model's context window.
func (s *realtime) hold(t *turn, tokens int64, say *dialect.Speech) error {
	x := t.exchange
	wallet, err := s.p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	if err := s.p.choose(x, wallet, s.target); err != nil {
		return err
	}
	s.talk.Lock()
	defer s.talk.Unlock()
	stored := s.stored || say.Refers
	extra, refers := s.extra, s.refers || stored || say.Apart
	if say.Extra != "" {
		extra = say.Extra
	}
	chain := x.chain()
	x.hard = chain.Hard(x.pay.costs)
	if x.hard && stored {
		return overrides("prompt")
	}
	if extra != "" && chain.Metered() {
		return fault.New(fault.InvalidField, "%s is billed apart, and limits on tokens or money apply to this key. Leave it out.", extra)
	}
	if err := x.price(chain.Budgeted(), s.p.opts.FeePercent); err != nil {
		return err
	}
	input := overSession + s.carried + s.fresh + tokens
	if window := x.context(); window > 0 && (refers || input > window) {
		input = window
	} else if refers {
		input += unknownWindow
	}
	req := ledger.Request{
		Chain: chain, Location: x.grant.Location(), Choices: 1,
		Entry: ledger.Entry{
			KeyName: x.grant.KeyName(), Provider: x.target.Provider, Model: x.target.Name, Format: x.route.Format,
			Endpoint: x.route.Path, Stream: true, Prices: x.prices, BYOK: x.pay.payer != nil,
		},
		Input: input, InputCost: x.tariff.InputBound(input, catalog.Reach{Sound: true}), OutputPrice: x.tariff.OutputPrice(input),
		Output: x.wanted(),
	}
	req.LeastOutput = min(req.Output, s.p.opts.LeastOutput)
	if err := x.take(s.p.opts.Ledger.Reserve, &req); err != nil {
		return err
	}
	if t.apart = say.Apart; !t.apart {
		t.said, s.fresh = s.fresh+tokens, 0
	}
	return nil
}

// unknownWindow stands for the context window of a model of which nothing is known.
const unknownWindow = 2 << 20

// provider follows what the provider says.
func (s *realtime) provider(msg []byte) (relay []byte) {
	e := dialect.ReadServerEvent(msg)
	t := s.current()
	relay = s.clean.Bytes(msg)
	if s.strays(t, e.Type) {
		return nil
	}
	switch e.Type {
	case "session.created":
		s.setUp(e.Session)
	case "session.updated":
		if s.isSetUp() {
			return nil // the caller has not asked for it
		}
	case "rate_limits.updated":
		return nil // the provider's own, of the account
	case "error":
		s.erred(t, e.Error.EventID)
	case "input_audio_buffer.speech_stopped":
		s.talk.Lock()
		s.stopped = s.answers
		s.talk.Unlock()
	case "input_audio_buffer.committed":
		s.spoken()
	case "response.created":
		if t != nil {
			t.begun, t.upstreamID = true, s.clean.Text(e.Response.ID)
		}
	case "response.done":
		if t != nil {
			s.done(t, e)
		}
	case "conversation.item.input_audio_transcription.completed":
		s.transcribed(e)
	}
	return relay
}

// setUp sees to it that the provider answers no speech by itself.
func (s *realtime) setUp(session []byte) {
	say, older, err := dialect.ReadCreated(session)
	s.talk.Lock()
	s.older = older
	if err == nil && say != nil {
		s.answers, s.settingUp = say.Answers == 1, true
		if say.MaxOutput > 0 {
			s.maxOutput = say.MaxOutput
		}
	}
	settingUp := s.settingUp
	s.talk.Unlock()
	switch {
	case err != nil:
		s.close(fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s opened a session that is not understood here.", s.target.Provider), "")
	case !settingUp:
		s.opened.Do(func() { close(s.ready) })
	default:
		if err := s.forward(dialect.AppendEvent(nil, "session.update", setUpEvent, [][]byte{say.Session()})); err != nil {
			s.close(err, "")
		}
	}
}

// isSetUp takes note of that, once.
func (s *realtime) isSetUp() bool {
	s.talk.Lock()
	defer s.talk.Unlock()
	if !s.settingUp {
		return false
	}
	s.settingUp = false
	s.opened.Do(func() { close(s.ready) })
	return true
}

// erred takes note of an event that the provider refused.
func (s *realtime) erred(t *turn, event string) {
	switch {
	case event == setUpEvent:
		s.close(fault.New(fault.UpstreamUnavailable, "The provider %s does not let its answers be asked for, so they cannot be held for.", s.target.Provider), "")
	case t != nil && event == t.event && !t.begun:
		s.settle(t, ledger.Result{Outcome: ledger.Failed, Status: http.StatusBadRequest, Code: "upstream_error"})
		s.talk.Lock()
		s.fresh += t.said
		s.talk.Unlock()
		s.next()
	}
}

// spoken asks for a response to what the caller has said, as the provider would.
func (s *realtime) spoken() {
	s.talk.Lock()
	asks := s.stopped
	s.stopped = false
	s.queued = s.queued || asks
	s.talk.Unlock()
	s.next()
}

// next asks for the response that is due, unless one is being made.
func (s *realtime) next() {
	s.talk.Lock()
	due := s.queued && s.idle()
	if due {
		s.queued = false
	}
	s.talk.Unlock()
	if !due {
		return
	}
	if err := s.create("", 0, dialect.NoSpeech()); err != nil {
		s.told(err)
	}
}

// done books a response.
func (s *realtime) done(t *turn, e dialect.ServerEvent) {
	usage, told := dialect.SpokenUsage(e.Response.Usage)
	if told {
		s.settle(t, t.result(llm.Tally{Usage: usage, Reported: true, Final: true, Finished: true}, complete, http.StatusOK))
	} else {
		s.settle(t, t.unknown(http.StatusOK, ""))
	}
	s.talk.Lock()
	switch {
	case t.apart:
	case told:
		// What was said while the response was asked for may not have been in it.
		s.carried = usage.Total() + t.said
	default:
		bound, _ := t.exchange.hold.Bound()
		s.carried = bound.Total()
	}
	s.talk.Unlock()
	s.next()
}
