package proxy

import (
	"net/http"
	"net/url"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
	"tollgate/internal/policy"
)

// Passage is how requests that pass through to a provider are metered: those of one
// method to the paths of a pattern. One of Free, Request, Format and Input with Output
// is set.
type Passage struct {
	Method string // "" = every one
	Path   string // at the provider, with *

	Free    bool        // they cost nothing
	Request money.Price // of a million of them: each costs the same
	Format  llm.Format  // the answer tells the usage as it does in this format
	Input   string      // JSON pointers to the tokens in the answer
	Output  string

	Model     string // whose prices the tokens have; "" = none are known
	MaxInput  int64  // the most tokens that one request can use: what is held
	MaxOutput int64
}

// metered reports whether the answer tells what was used.
func (m *Passage) metered() bool { return m.Format != "" || m.Input != "" || m.Output != "" }

// via is what of a request is about the provider that its path passes through to.
type via struct {
	slug  string // "" = it does not pass through
	whole string // the path as the caller wrote it
	plain bool   // nothing here is a route for it: it passes as it is
	rule  *Passage
}

// passes finds out whether the request passes through to a provider, and whether it
// is one for which there is a route here: then it takes the walk of that, with the
// provider given. lost is told once it is known who asks.
func (p *Proxy) passes(x *exchange) (lost error) {
	slug, path, ok := dialect.Passage(x.r.URL.Path)
	if !ok {
		return nil
	}
	x.via = via{slug: slug, whole: x.r.URL.Path}
	kind := p.kind(slug)
	x.route = dialect.PassageRoute(kind)
	if _, err := p.opts.Prices.Catalog().Of(slug, "any", x.ask.Now); err != nil {
		return fault.New(fault.NotFound, "There is no provider of this name. The path is /providers/{provider}/…, with a provider of the configuration.")
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return fault.New(fault.MethodNotAllowed, "GET, HEAD, POST, PUT, PATCH and DELETE pass through to providers.")
	}
	route, own, err := dialect.Own(kind, x.r.Method, x.r.URL, path)
	if err != nil {
		return err
	}
	if route != nil {
		r := *x.r
		r.URL = &url.URL{Path: own, RawQuery: x.r.URL.RawQuery}
		x.r, x.route = &r, route
		return nil
	}
	x.via.plain, x.path = true, path
	for i := range p.opts.Passages[slug] {
		rule := &p.opts.Passages[slug][i]
		if (rule.Method == "" || rule.Method == x.r.Method) && policy.Covers(rule.Path, path) {
			x.via.rule = rule
			x.route.Path = "/providers/" + slug + rule.Path
			x.route.Free = rule.Free
			if rule.Format != "" {
				x.route.Format = rule.Format
			}
			break
		}
	}
	return nil
}

// pass is the walk of a request for which there is no route here.
func (p *Proxy) pass(x *exchange) error {
	x.call = &dialect.Call{Route: x.route, Query: x.r.URL.RawQuery, Choices: 1}
	if err := p.admitPassage(x); err != nil {
		return err
	}
	return p.forward(x)
}

// admitPassage asks whether the key may use the provider, and takes a hold for the
// most that the rule says a request can use. Where no rule says so, there is nothing
// to hold, and only a key without limits on tokens and money may go on.
func (p *Proxy) admitPassage(x *exchange) error {
	wallet, err := p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	rule := x.via.rule
	x.target = catalog.Target{Provider: x.via.slug}
	if rule != nil && rule.Model != "" {
		if x.target, err = p.opts.Prices.Catalog().Of(x.via.slug, rule.Model, x.ask.Now); err != nil {
			return err
		}
	}
	x.call.Model = x.target.Name
	if err := x.admitProvider(); err != nil {
		return err
	}
	return p.reservePassage(x, wallet)
}

// admitProvider asks the rules on models and providers. A key for certain models may
// use what is free, and what says by its rule which model it is.
func (x *exchange) admitProvider() error {
	x.ask.Provider, x.ask.Model = x.target.Provider, x.target.Name
	if rule := x.via.rule; rule != nil && rule.Free {
		if f := x.grant.Rules().AdmitProvider(&x.ask); f != nil {
			return f
		}
		return nil
	}
	f := x.grant.Rules().AdmitModel(&x.ask)
	if f == nil {
		return nil
	}
	if x.ask.Model == "" && f.Kind == fault.ModelDenied {
		return fault.New(fault.ModelDenied, "This key may use certain models only (allowed_models), and which one this path uses is not known. A rule in the provider's passthrough can name it.")
	}
	return f
}

func (p *Proxy) reservePassage(x *exchange, wallet authority.Wallet) error {
	if err := p.payers(x, wallet); err != nil {
		return err
	}
	x.pay.payers = x.pay.payers[:1] // the body is not kept, so it cannot be sent again
	chain := x.chain()
	x.hard = chain.Hard(x.pay.costs)
	rule := x.via.rule
	if rule == nil && chain.Metered() {
		return fault.New(fault.ModelUnpriced, "How requests to this path are metered is not known, and limits on tokens or money apply to this key. A rule in the provider's passthrough would say it.")
	}
	req := ledger.Request{
		Chain: chain, Location: x.grant.Location(), Choices: 1,
		Entry: ledger.Entry{
			KeyName: x.grant.KeyName(), Provider: x.target.Provider, Model: x.target.Name,
			Format: x.route.Format, Endpoint: x.route.Path, BYOK: x.pay.payer != nil,
		},
	}
	switch {
	case rule == nil || rule.Free:
	case rule.metered():
		if err := x.price(chain.Budgeted(), p.opts.FeePercent); err != nil {
			return err
		}
		req.Entry.Prices = x.prices
		req.Input, req.InputCost = rule.MaxInput, x.tariff.InputBound(rule.MaxInput, catalog.AnyInput)
		req.Output, req.LeastOutput, req.OutputPrice = rule.MaxOutput, rule.MaxOutput, x.tariff.OutputPrice(rule.MaxInput)
	default:
		req.InputCost = p.fixedPrice(x)
	}
	return x.take(p.opts.Ledger.Reserve, &req)
}

// fixedPrice is what a request costs whose rule names a price for each.
func (p *Proxy) fixedPrice(x *exchange) money.NanoUSD {
	price := x.via.rule.Request
	switch {
	case !x.pay.costs:
		return 0
	case x.pay.payer != nil:
		price = price.Share(p.opts.FeePercent)
	}
	return price.CostUp(1_000_000)
}

// passed says how a request is booked that has passed through. What a rule wants to
// read and did not find may be all that the rule allows.
func (x *exchange) passed(t llm.Tally, end ending, status int) ledger.Result {
	r := ledger.Result{Outcome: ledger.Settled, Status: status, UpstreamID: x.upstreamID}
	if end != complete {
		r.Code = fault.UpstreamUnavailable
	}
	switch rule := x.via.rule; {
	case rule == nil:
		r.Outcome = ledger.Estimated
	case rule.Free:
	case !rule.metered():
		_, r.Cost = x.hold.Bound()
	case end == complete && t.Reported:
		r.Usage = t.Usage
		x.charge(&r, t.Service)
	default:
		r.Outcome = ledger.Unconfirmed
	}
	return r
}
