package proxy

import (
	"errors"
	"strconv"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// admit asks whether the key may use this model, and takes a hold on every limit
// for all the request may use.
func (p *Proxy) admit(x *exchange) error {
	if err := p.choose(x); err != nil {
		return err
	}
	return p.reserve(x)
}

// choose finds the provider and asks the rules on models.
func (p *Proxy) choose(x *exchange) error {
	target, err := p.opts.Catalog.Resolve(x.call.Model, p.reaches(x.route))
	if err != nil {
		return err
	}
	if kind := p.kind(target); !x.route.Speaks(kind) {
		return x.route.Foreign(x.call.Model, target.Provider)
	}
	if x.path, err = x.call.Upstream(target.Name); err != nil {
		return err
	}
	x.target = target
	x.ask.Model, x.ask.Provider, x.ask.Asked = target.Name, target.Provider, x.call.Model
	if f := x.grant.Rules().AdmitModel(&x.ask); f != nil {
		return f
	}
	if !p.opts.Providers.Configured(target.Provider) {
		return fault.New(fault.ProviderUnconfigured, "The model %q is %s's, and no credential for that provider is configured here.", x.call.Model, target.Provider)
	}
	x.native = nativeOpenAI(p.opts.Providers.Kind(target.Provider))
	x.call.Templated = !x.native
	return nil
}

// reaches reports which providers a model's name may lead to on a route: those
// that are configured and offer it.
func (p *Proxy) reaches(r *dialect.Route) func(slug string) bool {
	return func(slug string) bool {
		return p.opts.Providers.Configured(slug) && r.Speaks(p.opts.Providers.Kind(slug))
	}
}

// kind is the kind of a target's provider, also of one that is not configured:
// then it is a built-in one, which is called like its kind.
func (p *Proxy) kind(t catalog.Target) string {
	if kind := p.opts.Providers.Kind(t.Provider); kind != "" {
		return kind
	}
	return t.Provider
}

// nativeOpenAI reports whether a kind of provider is OpenAI's own service, whose
// tokenisers and fields are known. Others that speak its format put prompts
// together with templates of their own, and know the older name of the cap.
func nativeOpenAI(kind string) bool { return kind == "openai" || kind == "azure" }

// reserve takes the hold. First the whole of what is asked for must fit, by a
// bound on the input that costs nothing to compute. Only when that does not fit
// is the prompt looked at more closely, and the output clamped to what is left.
func (p *Proxy) reserve(x *exchange) error {
	chain := x.grant.AppendChain(x.subjects[:0])
	x.hard = chain.Hard()
	if x.hard && x.call.Override != "" && !x.route.Free {
		f := fault.New(fault.InvalidField, "The field %q can override the output cap, or be billed apart, and this key's limits on tokens or money are hard. Leave it out.", x.call.Override)
		f.Param = x.call.Override
		return f
	}
	if err := x.price(chain.Budgeted()); err != nil {
		return err
	}
	if tool := x.readsMore(); x.hard && tool != "" && !x.route.Free {
		f := fault.New(fault.InvalidField, "%s reads what is not in the request, so what it uses has no bound, and this key's limits on tokens are hard. Leave it out.", tool)
		f.Param = "tools"
		return f
	}
	req := ledger.Request{
		Chain: chain, Location: x.grant.Location(), Choices: x.call.Choices,
		Entry: ledger.Entry{
			KeyName: x.grant.KeyName(), Provider: x.target.Provider, Model: x.target.Name,
			Format: x.route.Format, Endpoint: x.route.Path, Stream: x.call.Stream,
			Prices: x.prices,
		},
	}
	var err error
	if x.route.Free {
		x.hold, err = p.opts.Ledger.Reserve(x.r.Context(), &req)
		return err
	}
	req.Output = x.wanted()
	req.LeastOutput = req.Output
	crude := x.call.InputBound(p.opts.Figures, x.context())
	x.bound(&req, crude)
	if x.hold, err = p.opts.Ledger.Reserve(x.r.Context(), &req); err == nil || !tight(err) {
		return err
	}
	req.LeastOutput = x.call.LeastOutput(req.Output, p.opts.LeastOutput)
	// Where not even an empty prompt fits there is no use in looking at this one,
	// which is the dearest thing a refusal can cost.
	x.bound(&req, 1)
	if err := p.opts.Ledger.Judge(x.r.Context(), &req); err != nil {
		return err
	}
	x.bound(&req, min(crude, p.closerBound(x)))
	x.hold, err = p.opts.Ledger.Reserve(x.r.Context(), &req)
	return err
}

// tight reports whether a refusal is one that a closer bound or a lower cap can
// turn.
func tight(err error) bool {
	return errors.Is(err, fault.TokensLimited) || errors.Is(err, fault.BudgetExceeded) ||
		errors.Is(err, fault.BalanceExhausted) || errors.Is(err, fault.BudgetHeld)
}

// price finds the tariff. Money cannot be held for a model without a price, so
// under a budget it is refused, unless the organisation names a default.
func (x *exchange) price(budgeted bool) error {
	if x.route.Free {
		return nil
	}
	switch extra, asked := x.extra(), x.asked(); {
	case asked != "" && x.grant.Anonymous():
		return fault.New(fault.ModelUnpriced, "%s is billed apart from tokens and has no price here, and callers without a key may not ask for it.", asked)
	case extra != "" && budgeted:
		return fault.New(fault.ModelUnpriced, "%s is billed apart from tokens and has no price here, and this key spends from a budget.", extra)
	}
	if m := x.target.Model; m != nil && m.Priced {
		x.tariff, x.prices = m.Tariff(), m.Prices()
		return nil
	}
	if d := x.grant.DefaultPrice(); d != nil {
		x.tariff = catalog.Tariff{Tiers: []catalog.Tier{{Rates: catalog.Flat(d.Input, d.Output)}}}
		x.prices = x.tariff.String()
		return nil
	}
	if budgeted {
		return fault.New(fault.ModelUnpriced, "The model %q has no price here, and this key spends from a budget. Set a price for it, or an organization's default_price.", x.call.Model)
	}
	return nil
}

// extra names what of the call is billed by other prices than the catalogue's;
// "" = nothing.
func (x *exchange) extra() string {
	if asked := x.asked(); asked != "" || !x.target.Model.Has("searches") {
		return asked
	}
	return "The search that this model makes for each request"
}

// asked names what of that the call asks for.
func (x *exchange) asked() string {
	switch {
	case x.call.WebSearch:
		return "Web search (web_search_options)"
	case x.call.HostedTools:
		return "A tool that the provider runs (tools)"
	case x.call.Extra != "":
		return x.call.Extra
	}
	switch x.call.ServiceTier {
	case "", "auto", "default", "flex", "standard_only", "standard", "unspecified":
		return ""
	}
	return "The service tier " + strconv.Quote(x.call.ServiceTier)
}

// readsMore names what reads texts that are not in the request; "" = nothing.
func (x *exchange) readsMore() string {
	switch {
	case x.call.WebSearch:
		return "Web search (web_search_options)"
	case x.call.HostedTools:
		return "A tool that the provider runs (tools)"
	}
	return ""
}

// bound sets the upper bound of req for at most input tokens. A predicted answer
// is read as input, and what of it is rejected is billed as output beside the
// cap, so it counts as both.
func (x *exchange) bound(req *ledger.Request, input int64) {
	rejected := x.call.Prediction * x.call.Choices
	req.OutputPrice = x.tariff.OutputPrice(input)
	req.Input = input + rejected
	req.InputCost = x.tariff.InputBound(input, x.reach()).Add(req.OutputPrice.CostUp(rejected))
}

// reach is which dearer classes of input the request can have. There can be sound
// in whatever is no text and no picture that is here. Anthropic writes to a cache
// what is marked for it; others do as they like.
func (x *exchange) reach() catalog.Reach {
	m := &x.call.Media
	r := catalog.Reach{Sound: m.Audio+m.Files+m.Others+m.RemoteImages > 0, Write: true, Write1h: true}
	if x.route.Format == llm.Anthropic {
		r.Write, r.Write1h = x.call.CacheWrite, x.call.CacheWrite1h
	}
	return r
}

// closerBound is a bound on the input for when the body's size is too crude: the
// texts as the model reads them, without the JSON around them, and tokenised
// where the model's tokeniser is known.
func (p *Proxy) closerBound(x *exchange) int64 {
	kind := p.opts.Providers.Kind(x.target.Provider)
	texts, _ := p.opts.Tokens.Bound(kind, x.target.Name, x.call.Texts)
	return texts + x.call.MediaBound(p.opts.Figures, x.context())
}

// unknownOutput is taken for the longest answer of a model of which neither the
// caller nor the catalogue says; under a hard limit it is what the provider is
// told, so it need not be right.
const unknownOutput = 32_768

// wanted is the output cap per choice that is asked for.
func (x *exchange) wanted() int64 {
	switch {
	case !x.route.Output, x.call.NoOutput:
		return 0
	case x.call.MaxOutput > 0:
		return x.call.MaxOutput
	case x.target.Model != nil && x.target.Model.MaxOutputTokens > 0:
		return x.target.Model.MaxOutputTokens
	}
	return unknownOutput
}

// context is the model's context window in tokens; 0 = unknown.
func (x *exchange) context() int64 {
	if x.target.Model == nil {
		return 0
	}
	return extended(x.target.Model.ContextTokens, x.r.Header)
}
