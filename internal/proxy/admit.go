package proxy

import (
	"context"
	"errors"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
)

// admit asks whether the key may use this model, and takes a hold on every limit
// for all the request may use.
func (p *Proxy) admit(x *exchange) error {
	wallet, err := p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	targets, err := p.targets(x, wallet)
	if err != nil {
		return err
	}
	return p.aim(x, wallet, p.rested(targets, wallet), p.opts.Ledger.Reserve)
}

// targets is where the model leads: to the provider that the path names, if it names
// one.
func (p *Proxy) targets(x *exchange, wallet authority.Wallet) ([]catalog.Target, error) {
	if x.via.slug == "" {
		return p.opts.Prices.Catalog().Targets(x.one[:0], x.call.Model, x.route.Deployment, x.ask.Now, p.reaches(x.route, wallet))
	}
	target, err := p.opts.Prices.Catalog().Of(x.via.slug, x.call.Model, x.ask.Now)
	return append(x.one[:0], target), err
}

// choose asks whether the key may use a target, and who pays for it.
func (p *Proxy) choose(x *exchange, wallet authority.Wallet, target catalog.Target) (err error) {
	kind := p.kind(target.Provider)
	if !x.route.Speaks(kind) {
		return x.route.Foreign(x.call.Model, target.Provider)
	}
	if x.aimed.path, err = x.call.Upstream(target.Name); err != nil {
		return err
	}
	x.target = target
	x.ask.Model, x.ask.Provider, x.ask.Asked = target.Name, target.Provider, x.call.Model
	if x.via.slug != "" {
		x.ask.Asked = "" // it is no alias
	}
	if f := x.grant.Rules().AdmitModel(&x.ask); f != nil {
		return f
	}
	x.auto = p.opts.AutoService[x.target.Provider]
	x.native = nativeOpenAI(kind)
	// Azure deploys others' models too, under any name.
	x.call.Templated = !x.native || kind == "azure" && !p.opts.Tokens.Knows(kind, target.Name)
	if err := p.payers(x, wallet); err != nil {
		return err
	}
	return x.fits()
}

// reaches reports which providers a model's name may lead to on a route: those
// that are configured, or for which there is a credential, and that offer it.
func (p *Proxy) reaches(r *dialect.Route, wallet authority.Wallet) func(slug string) bool {
	return func(slug string) bool {
		return (p.opts.Providers.Configured(slug) || wallet.Has(slug)) && r.Speaks(p.kind(slug))
	}
}

// kind is the kind of a provider, also of one that is not configured: then it is a
// built-in one, which is called like its kind.
func (p *Proxy) kind(slug string) string {
	if kind := p.opts.Providers.Kind(slug); kind != "" {
		return kind
	}
	return slug
}

// nativeOpenAI reports whether a kind of provider is OpenAI's own service, whose
// tokenisers and fields are known. Others that speak its format put prompts
// together with templates of their own, and know the older name of the cap.
func nativeOpenAI(kind string) bool { return kind == "openai" || kind == "azure" }

// reserve takes the hold. First the whole of what is asked for must fit, by a
// bound on the input that costs nothing to compute. Only when that does not fit
// is the prompt looked at more closely, and the output clamped to what is left.
func (p *Proxy) reserve(x *exchange, take taker) error {
	chain := x.chain()
	x.hard = chain.Hard(x.pay.costs)
	if x.hard && x.call.Override != "" && !x.route.Free {
		return overrides(x.call.Override)
	}
	if x.hard && x.call.Stream && x.call.Older() {
		f := fault.New(fault.InvalidField, "Streams of this version of Azure's API (%s) do not tell what they used, and this key's limits on tokens or money are hard. Those from %s on do; or leave out \"stream\".", x.call.Query, dialect.ToldVersion)
		f.Param = "api-version"
		return f
	}
	if err := x.price(chain.Budgeted(), p.opts.FeePercent); err != nil {
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
			Format: x.route.Format, Endpoint: x.route.Path, Stream: x.call.Stream || x.socket,
			Prices: x.prices, BYOK: x.pay.payer != nil, Attempts: x.attempts,
		},
	}
	if x.route.Free {
		return x.take(take, &req)
	}
	x.most, x.media = x.mostUnits(p.opts.Figures), x.call.MediaBound(p.opts.Figures, x.context())
	req.Output = x.wanted()
	req.LeastOutput = req.Output
	crude := x.call.InputBound(p.opts.Figures, x.context())
	x.bound(&req, crude)
	if err := x.take(take, &req); err == nil || !tight(err) {
		return err
	}
	if !x.route.Open {
		req.LeastOutput = x.call.LeastOutput(req.Output, p.opts.LeastOutput)
	}
	// Where not even an empty prompt fits there is no use in looking at this one,
	// which is the dearest thing a refusal can cost.
	x.bound(&req, 1)
	if !x.hold.Valid() { // else what it holds itself would count against it
		if err := p.opts.Ledger.Judge(x.r.Context(), &req); err != nil {
			return err
		}
	}
	x.bound(&req, min(crude, p.closerBound(x)))
	return x.take(take, &req)
}

// overrides is the refusal, under a hard limit, of a field by which more can be used
// than is held for.
func overrides(field string) *fault.Error {
	f := fault.New(fault.InvalidField, "The field %q can override the output cap, or be billed apart, and this key's limits on tokens or money are hard. Leave it out.", field)
	f.Param = field
	return f
}

// taker takes a hold: a first one, or one in the place of another.
type taker func(ctx context.Context, r *ledger.Request) (*ledger.Hold, error)

// take takes the hold. One that comes with an error stands for the request all the
// same.
func (x *exchange) take(take taker, r *ledger.Request) error {
	hold, err := take(x.r.Context(), r)
	if hold != nil {
		x.hold = hold
	}
	return err
}

func (x *exchange) exchangeHold(ctx context.Context, r *ledger.Request) (*ledger.Hold, error) {
	return x.hold.Exchange(ctx, r)
}

// chain is whose allowances the request uses: those of the key, and of the
// credential that pays.
func (x *exchange) chain() limit.Chain {
	room := x.subjects[:0]
	if x.hold.Valid() {
		room = nil // the hold that there is has a chain in it
	}
	chain := x.grant.AppendChain(room)
	if x.pay.payer != nil {
		chain = append(chain, &x.pay.payer.Subject)
	}
	return chain
}

// tight reports whether a refusal is one that a closer bound or a lower cap can
// turn.
func tight(err error) bool {
	return errors.Is(err, fault.TokensLimited) || errors.Is(err, fault.BudgetExceeded) ||
		errors.Is(err, fault.BalanceExhausted) || errors.Is(err, fault.BudgetHeld)
}

// price finds the tariff. Money cannot be held for a model without a price, so
// under a budget it is refused, unless the organisation names a default.
// A request that somebody else pays for costs a share of the price, or nothing:
// then it needs none.
func (x *exchange) price(budgeted bool, feePercent int64) error {
	x.tariff, x.prices, x.dearer, x.fee = catalog.Tariff{}, "", catalog.Tariff{}, 0
	if x.route.Free {
		return nil
	}
	if asked := x.asked(); asked != "" && x.grant.Anonymous() {
		return fault.New(fault.ModelUnpriced, "%s is billed apart from tokens and has no price here, and callers without a key may not ask for it.", asked)
	}
	if !x.pay.costs {
		return nil
	}
	if err := x.fullPrice(budgeted); err != nil || x.pay.payer == nil {
		return err
	}
	if x.prices != "" {
		x.fee = feePercent
		x.tariff, x.dearer = x.tariff.Share(feePercent), x.dearer.Share(feePercent)
		x.prices = x.tariff.String()
	}
	return nil
}

func (x *exchange) fullPrice(budgeted bool) error {
	if extra := x.extra(); budgeted && extra != "" {
		return fault.New(fault.ModelUnpriced, "%s is billed apart from tokens and has no price here, and this key spends from a budget.", extra)
	}
	if m := x.target.Model; m.PricedFor(x.route.Unit) {
		x.tariff, x.prices, _ = m.Charged(catalog.Standard)
		x.dearer = x.mayGet()
		if x.route.Unit == llm.Images {
			x.tariff, x.dearer = m.TariffFor(x.call.Quality, x.call.Size), catalog.Tariff{}
			x.tariff.Offers = nil
			x.prices = x.tariff.String()
		}
		return nil
	}
	if d := x.grant.DefaultPrice(); d != nil && x.call.SearchUnits == 0 {
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
	return x.unpricedService()
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
	if x.byUnit() {
		req.Input, req.InputCost, req.OutputPrice = 0, x.tariff.Units.Bound(x.most), 0
		return
	}
	rejected := x.call.Prediction * x.call.Choices
	req.OutputPrice = max(x.tariff.OutputPrice(input), x.dearer.OutputPrice(input))
	req.Input = input + rejected
	req.InputCost = max(x.tariff.InputBound(input, x.reach()), x.dearer.InputBound(input, x.reach())).Add(req.OutputPrice.CostUp(rejected)).Add(x.tariff.Units.Bound(x.most))
}

// reach is which dearer classes of input the request can have. There can be sound
// in whatever is no text and no picture that is here. Anthropic writes to a cache
// what is marked for it; others do as they like.
func (x *exchange) reach() catalog.Reach {
	m := &x.call.Media
	pictures := x.route.Unit == llm.Images && m.Images > 0 // which are dearer than text for models that make some
	r := catalog.Reach{Sound: pictures || m.Audio+m.Files+m.Others+m.RemoteImages > 0, Write: true, Write1h: true}
	if x.route.Format == llm.Anthropic {
		r.Write, r.Write1h = x.call.CacheWrite, x.call.CacheWrite1h
	}
	return r
}

// closerBound is a bound on the input for when the body's size is too crude: the
// texts as the model reads them, without the JSON around them, and tokenised
// where the model's tokeniser is known.
func (p *Proxy) closerBound(x *exchange) int64 {
	kind := p.kind(x.target.Provider)
	texts, _ := p.opts.Tokens.Bound(kind, x.target.Name, x.call.Texts)
	return texts + x.call.MediaBound(p.opts.Figures, x.context())
}

// unknownOutput is taken for the longest answer of a model of which neither the
// caller nor the catalogue says; under a hard limit it is what the provider is
// told, so it need not be right.
const unknownOutput = 32_768

// wanted is the output cap per choice that is asked for. Of sound that is written down
// in parts a model writes as much for each; but there are fewer tokens of what is said
// than of the sound, all of which the context window bounds.
func (x *exchange) wanted() int64 {
	switch {
	case !x.route.Output, x.call.NoOutput, x.byUnit():
		return 0
	case x.call.InParts && x.context() > 0:
		return max(x.context(), x.target.Model.MaxOutputTokens)
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
