package admin

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
)

const skip = "skip" // the verdict of a rule that had nothing to judge

// explain walks the gate's own rules in the gate's own order, but goes on after a
// refusal, and takes nothing.
func (s *service) explain(ctx context.Context, who authority.Principal, in *object) (*answer[api.ExplainResult], error) {
	req, wrong, err := decodeObject[api.ExplainRequest](in.Body)
	if err != nil {
		return nil, err
	}
	bot, unknown := s.findChatbot(ctx, who, req)
	route, ask, err := describe(&req, bot, wrong)
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, s.authority.Audit(ctx, who, authority.Deed{Action: actionExplain, ResourceType: "chatbot", ResourceID: req.Chatbot, Err: unknown})
	}
	grant, err := s.subject(ctx, who, req, bot)
	var e explanation
	if refused := denial(err); refused != nil {
		e.deny("key", refused.Kind, refused.Public)
		return &answer[api.ExplainResult]{Body: e.result()}, nil
	}
	if err != nil {
		return nil, err
	}
	e.KeyID = grant.KeyID()
	e.known(grant, req)
	wallet, err := s.authority.Wallet(ctx, grant)
	if err != nil {
		return nil, err
	}
	e.pay.costs = true
	target := s.rules(&e, grant, wallet, route, ask, req)
	if err := s.limits(ctx, &e, grant, s.limitAsk(&e, req, route, target, grant)); err != nil {
		return nil, err
	}
	return &answer[api.ExplainResult]{Body: e.result()}, nil
}

// denial is the refusal of a key, nil when err is none or something else.
func denial(err error) *fault.Error {
	refused, ok := errors.AsType[*fault.Error](err)
	if ok && api.Status(string(refused.Kind)) == 401 {
		return refused
	}
	return nil
}

// known says who is asking.
func (e *explanation) known(grant authority.Grant, req api.ExplainRequest) {
	switch {
	case !grant.Anonymous():
		e.allow("key", "The key is known.")
	case req.IP == "":
		e.allow("key", "The chatbot lets in callers without a key.")
		e.add(api.ExplainStep{Rule: "address", Verdict: skip, Detail: "Callers without a key are counted by their address; none was given, so the figures are those of nobody."})
	default:
		e.allow("key", "The chatbot lets in callers without a key.")
	}
}

// findChatbot is the chatbot that is asked about; zero = none. Another
// organisation's is as unknown as one that was never made.
func (s *service) findChatbot(ctx context.Context, who authority.Principal, req api.ExplainRequest) (authority.Bot, error) {
	if req.Chatbot == "" {
		return authority.Bot{}, nil
	}
	bot, err := s.authority.FindChatbot(ctx, req.Chatbot)
	if err == nil && bot.Chatbot().OrganizationID != who.OrganizationID() || errors.Is(err, fault.NotFound) {
		return authority.Bot{}, fault.New(fault.NotFound, "There is no chatbot %q.", req.Chatbot)
	}
	return bot, err
}

// subject is the grant of whoever is asked about. Another organisation's key is as
// unknown as one that was never made.
func (s *service) subject(ctx context.Context, who authority.Principal, req api.ExplainRequest, bot authority.Bot) (authority.Grant, error) {
	if req.Key == "" && req.KeyID == "" {
		from, err := netip.ParseAddr(req.IP)
		if err != nil {
			from = netip.IPv4Unspecified()
		}
		grant, err := bot.Visit(from)
		deed := authority.Deed{Action: actionExplain, ResourceType: "chatbot", ResourceID: bot.Chatbot().ID, ResourceName: bot.Chatbot().Name, Err: err}
		return grant, s.authority.Audit(ctx, who, deed)
	}
	grant, err := s.keyOf(ctx, who, req)
	if err != nil || bot.IsZero() {
		return grant, err
	}
	return grant.Through(bot)
}

func (s *service) keyOf(ctx context.Context, who authority.Principal, req api.ExplainRequest) (authority.Grant, error) {
	if req.KeyID != "" {
		return s.authority.GrantByID(ctx, who, req.KeyID)
	}
	grant, err := s.authority.Recognise(ctx, req.Key)
	if errors.Is(err, fault.KeyInvalid) || err == nil && grant.OrganizationID() != who.OrganizationID() {
		grant, err = authority.Grant{}, fault.New(fault.KeyInvalid, "There is no such key here.")
	}
	deed := authority.Deed{Action: actionExplain, ResourceType: "api_key", ResourceID: grant.KeyID(), ResourceName: grant.KeyName(), Err: err}
	return grant, s.authority.Audit(ctx, who, deed)
}

const actionExplain = "api_key.explain"

// describe is the request in the words of the rules, or all that is wrong with
// its description, beside what was wrong already. What the chatbot lays down is
// laid down in req.
func describe(req *api.ExplainRequest, bot authority.Bot, wrong []fault.Field) (*dialect.Route, *policy.Ask, error) {
	ask := &policy.Ask{Now: time.Now(), Chatbot: bot.Rules()}
	failed := func(name string) bool {
		return slices.ContainsFunc(wrong, func(f fault.Field) bool { return f.Name == name })
	}
	fail := func(name, problem string) {
		if !failed(name) {
			wrong = append(wrong, fault.Field{Name: name, Problem: problem})
		}
	}
	if both, none := req.Key != "" && req.KeyID != "", req.Key == "" && req.KeyID == ""; (both || none && req.Chatbot == "") && !failed("key") {
		fail("key_id", "send either key_id or key, or for a caller without one a chatbot")
	}
	if req.IP != "" {
		ip, err := netip.ParseAddr(req.IP)
		if err != nil {
			fail("ip", "must be an IP address like 203.0.113.7")
		}
		ask.IP = ip
	}
	route := routeOf(req, bot)
	if route == nil {
		if failed("api_format") {
			return nil, nil, invalid(wrong)
		}
		problem := "no route has this path and format; a path is like /v1/chat/completions or /v1beta/models/{model}:generateContent"
		if _, _, passes := dialect.Passage(req.Endpoint); passes {
			problem = "what passes through to a provider is not explained; if the path is one of a route, ask for that, with the model as provider/model"
		}
		fail("endpoint", problem)
		return nil, nil, invalid(wrong)
	}
	ask.Endpoint, ask.Format, ask.Scope = route.Path, route.Format, route.Scope
	if !bot.IsZero() {
		c := bot.Chatbot()
		ask.Endpoint, ask.Path, req.Model = route.Naming(route.Path, c.ID), route.Naming(route.Path, c.Slug), c.AskedModel()
		if most := c.MaxTokens; most != nil && (req.MaxOutputTokens == 0 || req.MaxOutputTokens > *most) {
			req.MaxOutputTokens = *most
		}
	}
	return route, ask, invalid(wrong)
}

// routeOf is the route of the data plane that is meant: that of the path, or the
// first that speaks the format. To a chatbot lead its own only.
func routeOf(req *api.ExplainRequest, bot authority.Bot) *dialect.Route {
	for _, r := range dialect.Routes() {
		named := r.ChatbotID(req.Endpoint)
		right := req.Endpoint == "" || req.Endpoint == r.Path || named == "" && r.Is(req.Endpoint) || named != "" && (named == bot.Chatbot().ID || named == bot.Chatbot().Slug)
		if right && r.Chatbot == (req.Chatbot != "") && (req.APIFormat == "" || req.APIFormat == string(r.Format)) {
			return r
		}
	}
	return nil
}

// rules asks every rule of the key, with the model's own between those of the
// route and those of the model, as the gate does.
func (s *service) rules(e *explanation, grant authority.Grant, wallet authority.Wallet, route *dialect.Route, ask *policy.Ask, req api.ExplainRequest) catalog.Target {
	before := grant.Rules().Trace(ask)
	e.trace(before, req)
	if req.Model == "" {
		return catalog.Target{}
	}
	ask.Asked = req.Model
	target, detail, err := s.aim(grant, wallet, route, ask, req.Model)
	if err != nil {
		f := fault.Of(err)
		e.deny("catalog", f.Kind, f.Public)
		return target
	}
	name := target.Provider + "/" + target.Name
	e.allow("catalog", detail)
	ask.Provider, ask.Model = target.Provider, target.Name
	e.trace(grant.Rules().Trace(ask)[len(before):], req)
	s.pays(e, wallet, target.Provider)
	switch {
	case route.Free:
		e.allow("price", "The route costs nothing.")
	case !e.pay.costs:
		e.allow("price", "The request costs nothing here: the credential pays at the provider.")
	case target.Model.PricedFor(route.Unit):
		e.allow("price", "The model has a price.")
	case grant.Chain().Budgeted() && (grant.DefaultPrice() == nil || route.Unit == llm.Searches):
		e.deny("price", fault.ModelUnpriced, "The model "+name+" has no price, and a budget applies. Give it a price, or the organization a default_price.")
	default:
		e.allow("price", "The model has no price; that matters only under a budget.")
	}
	return target
}

// kindOf is a provider's kind; one that is not configured is called like it.
func (s *service) kindOf(slug string) string {
	if s.kind != nil {
		if kind := s.kind(slug); kind != "" {
			return kind
		}
	}
	return slug
}

// explanation collects steps. The first refusal decides.
type explanation struct {
	api.ExplainResult
	pay payment
}

func (e *explanation) allow(rule, detail string) {
	e.Steps = append(e.Steps, api.ExplainStep{Rule: rule, Verdict: policy.Allow, Detail: detail})
}

func (e *explanation) deny(rule string, kind fault.Kind, detail string) {
	e.add(api.ExplainStep{Rule: rule, Verdict: policy.Deny, Code: string(kind), Detail: detail})
}

func (e *explanation) add(step api.ExplainStep) {
	e.Steps = append(e.Steps, step)
	if step.Verdict == policy.Deny && e.Code == "" {
		e.Code, e.Reason = step.Code, step.Detail
	}
}

// trace adds what the rules of the key said. What the description leaves out is
// not judged, although the gate would deny it.
func (e *explanation) trace(steps []policy.Step, req api.ExplainRequest) {
	for _, step := range steps {
		if step.Rule == "ip" && req.IP == "" && step.Verdict == policy.Deny {
			e.add(api.ExplainStep{Rule: step.Rule, Verdict: skip, Detail: "The key works from certain addresses only; no address was given to judge."})
			continue
		}
		e.add(api.ExplainStep{Rule: step.Rule, Verdict: step.Verdict, Code: string(step.Kind), Detail: step.Detail})
	}
}

func (e *explanation) result() api.ExplainResult {
	e.Allowed = e.Code == ""
	if e.Allowed {
		e.Reason = "Every rule that was asked allows it."
		if slices.ContainsFunc(e.Steps, func(s api.ExplainStep) bool { return s.Verdict == skip }) {
			e.Reason = "Every rule that could be judged allows it; those marked skip could not be."
		}
	}
	return e.ExplainResult
}

// unknownOutput is taken for the longest answer of a model of which neither the
// caller nor the catalogue says, as the data plane does.
const unknownOutput = 32_768

// limitAsk is the request as the limits see it: its upper bound.
func (s *service) limitAsk(e *explanation, req api.ExplainRequest, route *dialect.Route, target catalog.Target, grant authority.Grant) *limit.Ask {
	if route.Free {
		return &limit.Ask{}
	}
	ask := &limit.Ask{Input: req.InputTokens, Choices: 1}
	tariff := target.Model.Tariff()
	if d := grant.DefaultPrice(); len(tariff.Tiers) == 0 && d != nil && target.Provider != "" {
		tariff.Tiers = []catalog.Tier{{Rates: catalog.Flat(d.Input, d.Output)}}
	}
	tariff = s.share(e, tariff)
	switch {
	case !route.Output:
	case req.MaxOutputTokens > 0 && !route.Open:
		ask.Output = req.MaxOutputTokens
	case target.Model != nil && target.Model.MaxOutputTokens > 0:
		ask.Output = target.Model.MaxOutputTokens
	case target.Provider != "":
		ask.Output = unknownOutput
	}
	ask.LeastOutput = min(s.leastOutput, ask.Output)
	if route.Open { // which cannot be shortened
		ask.LeastOutput = ask.Output
	}
	units := tariff.Units.Bound(one(route.Unit))
	if target.Model.ByUnit(route.Unit) {
		return &limit.Ask{Choices: 1, InputCost: units}
	}
	ask.InputCost, ask.OutputPrice = tariff.InputBound(ask.Input, catalog.AnyInput).Add(units), tariff.OutputPrice(ask.Input)
	return ask
}

// one is what a description that says no number is taken for: one picture, or one
// search. How much is to be read aloud or heard it does not say at all.
func one(unit llm.Unit) (u llm.Usage) {
	switch unit {
	case llm.Images:
		u.Images = 1
	case llm.Searches:
		u.Searches = 1
	}
	return u
}
