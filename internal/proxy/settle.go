package proxy

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// ending is how the reading of an answer ended.
type ending uint8

const (
	complete ending = iota // at its proper end
	cutOff                 // before it: the provider broke off, the caller left, or time was up
)

// result says how a request that reached the provider is booked.
func (x *exchange) result(t llm.Tally, end ending, status int) ledger.Result {
	if x.via.plain {
		return x.passed(t, end, status)
	}
	r := ledger.Result{Status: status, UpstreamID: x.upstreamID}
	if r.UpstreamID == "" {
		r.UpstreamID = x.pay.clean.Text(t.UpstreamID)
	}
	left := x.left.gone.Load() && !x.left.drain.Load()
	used, told := x.told(t)
	switch {
	case x.route.Free && end == complete:
		r.Outcome = ledger.Settled
	case end == complete && told:
		r.Outcome, r.Usage = ledger.Settled, used
	case end == complete, left:
		r.Outcome, r.Usage = ledger.Estimated, x.counted(t)
	case x.hard:
		// What the provider had thought or written by then is never seen; usage
		// that it reported on the way is not its last word.
		r.Outcome, r.Code = ledger.Unconfirmed, fault.UpstreamUnavailable
	default:
		r.Outcome, r.Usage, r.Code = ledger.Estimated, x.counted(t), fault.UpstreamUnavailable
	}
	x.charge(&r, t.Service)
	return r
}

// unknown books a request that was sent and of which nothing came back.
func (x *exchange) unknown(status int, code fault.Kind) ledger.Result {
	r := ledger.Result{Outcome: ledger.Unconfirmed, Status: status, Code: code}
	if !x.hard && !x.via.plain {
		bound, _ := x.hold.Bound()
		r.Outcome = ledger.Estimated
		r.Usage, _ = x.withUnits(llm.Usage{Input: bound.Input}, llm.Tally{}) // 0 where the route is free
		x.charge(&r, "")
	}
	return r
}

// counted is the usage as far as the provider told of it, or as it can be counted
// here; never nothing, unless the route costs nothing.
func (x *exchange) counted(t llm.Tally) llm.Usage {
	u, _ := x.withUnits(t.Usage, t)
	switch {
	case x.route.Free:
		return llm.Usage{}
	case x.route.Unit == llm.Searches && !t.Reported:
		return x.most
	case x.byUnit():
		return onlyUnits(u)
	case u.InputTokens() == 0:
		input := 4*x.call.Messages + x.tokens.Estimate(x.call.Texts)
		u.Input = max(input, 1)
		x.countedMedia(&u)
	}
	x.countedOutput(&u, t)
	return u
}

// countedMedia adds what the media of the request are read as at most, which only the
// provider can count: where they are what is asked about, and where a hard limit would
// be passed by what is left out.
func (x *exchange) countedMedia(u *llm.Usage) {
	switch {
	case !x.hard && !x.route.Form:
	case x.reach().Sound:
		u.InputAudio += x.media
	default:
		u.Input += x.media
	}
}

// believed is r without what is beyond the hold, where a user has said who answers:
// that may be the user, and what they make up counts against limits that others live
// on as well.
func (x *exchange) believed(r ledger.Result) ledger.Result {
	if x.pay.account == nil || x.pay.account.BaseURL == "" {
		return r
	}
	bound, cost := x.hold.Bound()
	if r.Usage.Total() > bound.Total() {
		r.Usage = bound
	}
	r.Cost = min(r.Cost, cost)
	return r
}

// done ends the hold, once, and writes the request's line to the log.
func (p *Proxy) done(x *exchange, r ledger.Result) ledger.Entry {
	entry, ok := x.hold.Settle(x.believed(r))
	if ok && p.opts.LogRequests {
		p.opts.Log.LogAttrs(x.r.Context(), slog.LevelInfo, "request",
			slog.String("request_id", entry.ID.String()), slog.String("key_id", entry.KeyID), slog.String("chatbot_id", entry.ChatbotID),
			slog.String("provider", entry.Provider), slog.String("model", entry.Model), slog.String("endpoint", entry.Endpoint),
			slog.Int("status", entry.Status), slog.String("outcome", entry.Outcome.String()),
			slog.Int64("input_tokens", entry.Usage.InputTokens()), slog.Int64("output_tokens", entry.Usage.OutputTokens()),
			slog.Int("attempts", len(entry.Attempts)+1), slog.String("cost_usd", entry.Cost.String()), slog.Int64("duration_ms", time.Since(x.begun).Milliseconds()))
	}
	return entry
}

// readFull fills b from r as far as there is something.
func readFull(r io.Reader, b []byte) (int, error) {
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
