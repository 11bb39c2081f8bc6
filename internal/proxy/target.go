package proxy

import (
	"errors"
	"log/slog"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// aimed is the target of a request, and what follows from it.
type aimed struct {
	target catalog.Target
	path   string // at the provider
	native bool   // the provider is OpenAI's own service
	pay    payment
	tariff catalog.Tariff
	prices string          // the tariff as the entry keeps it
	dearer catalog.Tariff  // what it costs under another service that it may get; the zero Tariff = none
	auto   catalog.Service // what the provider gives who leaves it open
	fee    int64           // percent of the prices, where somebody else pays; 0 = all of them
	most   llm.Usage       // of what is not counted in tokens
	hard   bool            // a limit on tokens or money may not be passed
	media  int64           // tokens that the media of the request are read as at most
}

// aim finds the first of the targets that the key may use, takes the hold for it,
// and keeps those behind it. Where there is none the error is a rule's refusal, if
// any of the targets was refused by a rule.
func (p *Proxy) aim(x *exchange, wallet authority.Wallet, targets []catalog.Target, take taker) error {
	var refusal error
	for i := range targets {
		err := p.choose(x, wallet, targets[i])
		if err == nil {
			err = p.reserve(x, take)
		}
		switch {
		case err == nil:
			x.rest = targets[i+1:]
			return nil
		case !x.passesOver(err):
			return err
		case refusal == nil || !denied(refusal) && denied(err):
			refusal = err
		}
	}
	return refusal
}

// passesOver reports whether an error is about one target, so that the next may be
// looked at. What a limit refuses it refuses; but a request that is under way already
// may still fit with a target that costs less.
func (x *exchange) passesOver(err error) bool {
	if _, limited := errors.AsType[*ledger.Refused](err); limited {
		return x.hold.Valid()
	}
	return denied(err) || errors.Is(err, errElsewhere) || errors.Is(err, fault.ModelNotFound) || errors.Is(err, fault.ProviderUnconfigured)
}

// denied reports whether a rule says that a target may not be used.
func denied(err error) bool {
	return errors.Is(err, fault.ModelDenied) || errors.Is(err, fault.ProviderDenied) || errors.Is(err, fault.ModelUnpriced)
}

// fails reports whether a status says that the provider has not served a request
// that another may serve: it has too many, or it is broken. That the request is
// wrong is no such thing.
func fails(status int) bool { return status == 429 || status >= 500 }

// fallBack lets the next target that the key may use take the place of the one that
// has just failed with a status, or could not be reached (0), and takes the hold for
// it. It is false when there is none, or when no limit allows it: then the failure
// stands.
//
// It is for targets that have used nothing. Where that is not known, because the
// request was sent and nothing came back, the caller is told instead: the entry has
// the prices of one model.
func (p *Proxy) fallBack(x *exchange, status int) bool {
	if len(x.rest) == 0 || x.left.gone.Load() {
		return false
	}
	before, attempts := x.aimed, x.attempts
	x.attempts = append(attempts[:len(attempts):len(attempts)], ledger.Attempt{
		Provider: x.target.Provider, Model: x.target.Name, Status: status, DurationMS: time.Since(x.sent).Milliseconds(),
	})
	wallet, err := p.again(x)
	if err == nil {
		err = p.aim(x, wallet, x.rest, x.exchangeHold)
	}
	if err != nil {
		x.aimed, x.attempts, x.rest = before, attempts, nil
		x.call.Templated = !x.native
		p.opts.Log.InfoContext(x.r.Context(), "no other target takes the place of one that failed",
			"request_id", x.hold.ID().String(), "provider", before.target.Provider, "status", status, "cause", err)
		return false
	}
	x.left.drain.Store(p.drains(x))
	p.opts.Log.LogAttrs(x.r.Context(), slog.LevelDebug, "a target failed, and the next takes its place",
		slog.String("request_id", x.hold.ID().String()), slog.String("provider", before.target.Provider),
		slog.Int("status", status), slog.String("next", x.target.Provider))
	return true
}
