package ledger

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// Request is what a door knows of a request when it asks for a hold.
type Request struct {
	Entry    Entry          // who and what; the ledger sets ID, At, Outcome, Usage, Cost and, from Chain, the subjects
	Chain    limit.Chain    // whose allowance is used; not to be changed until the hold has ended
	Location *time.Location // in which calendar windows run; nil = UTC

	Input       int64         // upper bound of the input tokens
	InputCost   money.NanoUSD // upper bound of what they cost
	Output      int64         // output tokens wanted per choice
	LeastOutput int64         // the lowest output cap worth forwarding
	Choices     int64         // answers asked for; 0 counts as 1
	OutputPrice money.Price   // the dearest price an output token can have
}

// ask is the request as the limits see it, without an instant.
func (r *Request) ask() limit.Ask {
	return limit.Ask{
		Input: r.Input, InputCost: r.InputCost, OutputPrice: r.OutputPrice,
		Output: r.Output, LeastOutput: r.LeastOutput, Choices: max(r.Choices, 1),
	}
}

// Hold is a request's allowance, and the proof that it has one: it comes only
// from Reserve, is recorded durably, and ends once, by Settle or Release. The
// zero value is no hold. It is safe for concurrent use.
type Hold struct {
	ledger  *Ledger
	entry   Entry
	chain   limit.Chain
	taken   limit.Taken
	verdict limit.Verdict
	clamped bool
	segment uint64
	begun   time.Time // with the monotonic clock, which no step of the wall clock moves
	ended   atomic.Bool
}

// Valid reports whether the hold came from Reserve.
func (h *Hold) Valid() bool { return h != nil && h.ledger != nil }

// ID is the request's id.
func (h *Hold) ID() RequestID { return h.entry.ID }

// Output is the output cap per choice that the hold is for.
func (h *Hold) Output() int64 { return h.verdict.Output }

// Clamped reports whether Output is less than was asked for.
func (h *Hold) Clamped() bool { return h.clamped }

// Room is what is left on the tightest requests and tokens limits, this hold
// counted.
func (h *Hold) Room() (requests, tokens limit.Room) {
	requests, tokens = h.verdict.Requests, h.verdict.Tokens
	requests.Left = max(requests.Left-1, 0)
	tokens.Left = max(tokens.Left-h.taken.Amount.Tokens, 0)
	return requests, tokens
}

// Bound is the upper bound that the hold is for.
func (h *Hold) Bound() (llm.Usage, money.NanoUSD) { return h.entry.Usage, h.entry.Cost }

// Result is how a request ended.
type Result struct {
	Outcome    Outcome
	Usage      llm.Usage // of Settled and Estimated; Unconfirmed books the hold's
	Cost       money.NanoUSD
	Prices     string // the unit prices that Cost is by, where they are not those of the hold; "" = they are
	Status     int
	UpstreamID string
	Code       fault.Kind
}

// maxUpstreamID bounds an id that a provider chose.
const maxUpstreamID = 128

// Settle ends the hold and returns its entry, which is durable, in every sum
// and, as far as limits go, in force when Settle returns. A second Settle changes
// nothing and returns false.
//
// It takes no context: what was used was used, whether the caller is still there
// or not.
func (h *Hold) Settle(r Result) (Entry, bool) {
	if !h.ended.CompareAndSwap(false, true) {
		return Entry{}, false
	}
	e := h.entry
	e.Outcome, e.Status, e.Code = r.Outcome, r.Status, string(r.Code)
	e.UpstreamID = r.UpstreamID[:min(len(r.UpstreamID), maxUpstreamID)]
	e.DurationMS = time.Since(h.begun).Milliseconds()
	switch r.Outcome {
	case Settled, Estimated:
		e.Usage, e.Cost = r.Usage, r.Cost
		e.Prices = cmp.Or(r.Prices, e.Prices)
	case Failed:
		e.Usage, e.Cost = llm.Usage{}, 0
	}
	h.ledger.end(h, &e)
	return e, true
}

// Release ends the hold of a request that used nothing: it was never sent, or
// the provider refused it.
func (h *Hold) Release(status int, code fault.Kind, upstreamID string) (Entry, bool) {
	return h.Settle(Result{Outcome: Failed, Status: status, Code: code, UpstreamID: upstreamID})
}

// Reserve takes a hold for r, or says which limit refuses it. A refusal takes
// nothing and is a *fault.Error that unwraps to a *Refused.
func (l *Ledger) Reserve(ctx context.Context, r *Request) (*Hold, error) {
	now := time.Now()
	if err := l.ready(now); err != nil {
		return nil, err
	}
	h := &Hold{ledger: l, entry: r.Entry, chain: r.Chain, begun: now}
	now, err := l.take(ctx, r, h, now, nil)
	if err != nil {
		return nil, err
	}
	h.entry.ID, h.entry.At = NewRequestID(now), now.UnixMilli()
	h.bounds(r)
	if h.segment, err = l.journal.appendHold(&h.entry); err != nil {
		l.counters.Undo(r.Chain, &h.taken)
		return nil, unavailable(err)
	}
	l.holds.Store(h.entry.ID, h)
	return h, nil
}

// bounds writes into the entry of a hold that was taken for r what it is for.
func (h *Hold) bounds(r *Request) {
	h.clamped = h.verdict.Output < r.Output
	h.entry.assign(r.Chain)
	h.entry.Outcome = Held
	h.entry.Usage = llm.Usage{Input: r.Input, Output: h.taken.Amount.Tokens - r.Input}
	h.entry.Cost = h.taken.Amount.Cost
}

// Exchange is the hold of the same request, under the same id, for another chain:
// whoever was to pay for it did not, and used nothing. h is given back and the other
// taken in one step, or neither, on a refusal and on an error: then h goes on. Only
// one of the two is ever booked. Kinds: as Reserve.
func (h *Hold) Exchange(ctx context.Context, r *Request) (*Hold, error) {
	if !h.ended.CompareAndSwap(false, true) {
		return nil, fault.New(fault.Internal, "The hold has ended.")
	}
	l := h.ledger
	n := &Hold{ledger: l, entry: r.Entry, chain: r.Chain, begun: h.begun}
	now, err := l.take(ctx, r, n, time.Now(), h)
	if err != nil {
		h.ended.Store(false)
		return nil, err
	}
	// It counts in the windows that it was taken in, which can be those of another day.
	n.entry.ID, n.entry.At = h.entry.ID, now.UnixMilli()
	n.bounds(r)
	segment, err := l.journal.appendHold(&n.entry)
	if err != nil {
		// The one that is recorded is h. It is ended without a word, and n, which
		// nothing is forwarded for, stands for the request.
		n.segment = h.segment
		l.holds.Store(n.entry.ID, n)
		return n, unavailable(err)
	}
	n.segment = segment
	l.journal.supersede(h.segment)
	l.holds.Store(n.entry.ID, n)
	return n, nil
}

// take takes the hold on the limits, in the place of another one unless that is
// nil, as of now, or as of the latest instant that they have seen; that instant is
// returned.
func (l *Ledger) take(ctx context.Context, r *Request, h *Hold, now time.Time, instead *Hold) (time.Time, error) {
	ask := r.ask()
	for {
		ask.Unix, ask.Calendar = now.Unix(), l.calendar(now, r.Location)
		var refusal *limit.Refusal
		var err error
		if instead == nil {
			refusal, err = l.counters.Take(ctx, r.Chain, &ask, &h.taken, &h.verdict)
		} else {
			refusal, err = l.counters.Swap(ctx, instead.chain, &instead.taken, r.Chain, &ask, &h.taken, &h.verdict)
		}
		switch {
		case err != nil:
			return now, unavailable(err)
		case refusal != nil:
			return now, refused(refusal, now)
		case h.verdict.Late == 0:
			return now, nil
		}
		now = time.Unix(h.verdict.Late, 0)
	}
}

// end writes the entry and gives the hold back. An entry that the journal cannot
// take now is kept and tried again; should the process die before, the record of
// its hold is swept, so it is never lost, only unconfirmed.
func (l *Ledger) end(h *Hold, e *Entry) {
	if e.Cost > h.entry.Cost || e.tokens() > h.entry.tokens() {
		l.boundExceeded.Add(1)
		l.log.Warn("a provider reported more than was held", "request_id", e.ID.String(), "model", e.Model,
			"held_tokens", h.entry.tokens(), "tokens", e.tokens(), "held_usd", h.entry.Cost.String(), "cost_usd", e.Cost.String())
	}
	if err := l.journal.appendEnd(e, h.segment); err != nil {
		l.log.Error("an entry cannot be written to the journal; it is tried again", "request_id", e.ID.String(), "error", err)
		l.keep(e, h.segment)
	}
	l.counters.Settle(h.chain, &h.taken, limit.Amount{Requests: 1, Tokens: e.tokens(), Cost: e.Cost})
	l.holds.Delete(e.ID)
}
