package proxy

import (
	"net/http"
	"slices"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// goesOn asks whether what the caller says may still be written down, once it has been.
func (s *realtime) goesOn(now *exchange) error {
	s.talk.Lock()
	model := s.transcribe
	s.talk.Unlock()
	if model == "" {
		return nil
	}
	wallet, err := s.p.opts.Authority.Wallet(now.r.Context(), now.grant)
	if err != nil {
		return err
	}
	now.target, now.pinned = s.target, &s.pin
	if err := s.p.payers(now, wallet); err != nil {
		return err
	}
	if err := now.fits(); err != nil {
		return err
	}
	return s.mayTranscribe(now, model)
}

// mayTranscribe asks the rules for the model that writes down what the caller says. It
// is billed beside the responses, and what it uses has no bound here.
func (s *realtime) mayTranscribe(now *exchange, model string) error {
	if now.chain().Metered() {
		return fault.New(fault.InvalidField, "Transcription of the input is billed apart, and limits on tokens or money apply to this key. Leave it out.")
	}
	now.ask.Model, now.ask.Provider, now.ask.Asked = model, s.target.Provider, ""
	if f := now.grant.Rules().AdmitModel(&now.ask); f != nil {
		return f
	}
	return nil
}

// transcribed books what it cost to write down what the caller said. That is done
// already, so no limit can refuse it; none on tokens or money applies.
func (s *realtime) transcribed(e dialect.ServerEvent) {
	usage, told := dialect.SpokenUsage(e.Usage)
	s.talk.Lock()
	model := s.transcribe
	s.talk.Unlock()
	if model == "" {
		return
	}
	x := *s.x
	x.begun, x.left = time.Now(), &departure{cancel: func() {}}
	target, err := s.p.opts.Prices.Catalog().Of(s.target.Provider, model, x.begun)
	if err != nil {
		target = catalog.Target{Provider: s.target.Provider, Name: model}
	}
	x.target = target
	x.tariff, x.prices = target.Model.Tariff(), target.Model.Prices()
	if !x.pay.costs {
		x.tariff, x.prices = catalog.Tariff{}, ""
	} else if x.pay.payer != nil {
		x.tariff = x.tariff.Share(s.p.opts.FeePercent)
		x.prices = x.tariff.String()
	}
	cost := x.tariff.Cost(usage)
	req := ledger.Request{
		Chain: unlimited(x.chain()), Location: x.grant.Location(), Choices: 1, Input: usage.Total(), InputCost: cost,
		Entry: ledger.Entry{
			KeyName: x.grant.KeyName(), Provider: target.Provider, Model: model, Format: x.route.Format, Endpoint: x.route.Path,
			Stream: true, Prices: x.prices, BYOK: x.pay.payer != nil,
		},
	}
	x.hold = nil
	if err := x.take(s.p.opts.Ledger.Reserve, &req); err != nil {
		s.close(err, "")
		return
	}
	r := ledger.Result{Outcome: ledger.Settled, Status: http.StatusOK, Usage: usage, Cost: cost}
	if !told {
		r.Outcome = ledger.Estimated
	}
	s.p.done(&x, r)
}

// unlimited is the subjects of a chain without their limits: what they have used is
// counted, and not judged.
func unlimited(chain limit.Chain) limit.Chain {
	free := slices.Clone(chain)
	for i, s := range free {
		free[i] = &limit.Subject{ID: s.ID}
	}
	return free
}
