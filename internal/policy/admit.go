package policy

import (
	"net/netip"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// Ask is one request, as far as rules care. What is not known stays zero; a list
// that restricts it then denies.
type Ask struct {
	Now      time.Time
	IP       netip.Addr // the caller's, read through trusted proxies only
	Scope    llm.Scope
	Endpoint string // canonical path
	Format   llm.Format
	Chatbot  string // id; "" outside chatbots
	Provider string // slug; with Model, known once the body was read
	Model    string // the provider's own name of it
	Asked    string // the name as the caller wrote it, which may be an alias; "" = not known
}

// AdmitRoute applies the rules that need nothing of the body: status, expiry,
// owner and organisation, address, scope, endpoint, format and chatbot, in this
// order. The first that denies decides; nil = go on. It does not allocate when
// it lets a through. Kinds: key_revoked, key_disabled, key_expired,
// owner_inactive, ip_denied, scope_denied, endpoint_denied, format_denied,
// chatbot_denied.
func (r *Rules) AdmitRoute(a *Ask) *fault.Error { return r.admit(routeRules[:], a) }

// AdmitCaller applies the first of these rules, those that do not look at the
// route: status, expiry, owner and address.
func (r *Rules) AdmitCaller(a *Ask) *fault.Error { return r.admit(routeRules[:callerRules], a) }

// AdmitModel applies the rules on what the body asks for: model, then provider.
// Kinds: model_denied, provider_denied.
func (r *Rules) AdmitModel(a *Ask) *fault.Error { return r.admit(modelRules[:], a) }

// Verdicts of a Step.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Step is what one rule says of a request.
type Step struct {
	Rule    string     // its name: "models"
	Verdict string     // Allow or Deny
	Kind    fault.Kind // of the refusal; "" when allowed
	Detail  string     // why, for people
}

// Trace asks every rule in order, also those after a refusal, and says what each
// answered. The first Deny is what AdmitRoute or AdmitModel would have returned.
// Without a model in a the rules on models are left out.
func (r *Rules) Trace(a *Ask) []Step {
	steps := make([]Step, 0, len(routeRules)+len(modelRules))
	for i := range routeRules {
		steps = append(steps, r.step(&routeRules[i], a))
	}
	if a.Model == "" {
		return steps
	}
	for i := range modelRules {
		steps = append(steps, r.step(&modelRules[i], a))
	}
	return steps
}

// answer is what a rule's check says.
type answer uint8

const (
	open   answer = iota // the key is not restricted in this respect
	passes               // it is, and the request is within
	denies
)

// rule is one line of the law. Its words are made only when it denies: they cost
// allocations, and most requests pass.
type rule struct {
	name  string
	kind  fault.Kind
	check func(r *Rules, a *Ask) answer
	words func(r *Rules, a *Ask) string
}

// The law, in the order in which it is applied. Neither table is ever written.
var (
	routeRules = [...]rule{
		{"revoked", fault.KeyRevoked, (*Rules).revoked, (*Rules).revokedWords},
		{"disabled", fault.KeyDisabled, (*Rules).disabled, (*Rules).disabledWords},
		{"expiry", fault.KeyExpired, (*Rules).expiry, (*Rules).expiryWords},
		{"owner", fault.OwnerInactive, (*Rules).owner, (*Rules).ownerWords},
		{"ip", fault.IPDenied, (*Rules).ip, (*Rules).ipWords},
		{"scope", fault.ScopeDenied, (*Rules).scope, (*Rules).scopeWords},
		{"endpoint", fault.EndpointDenied, (*Rules).endpoint, (*Rules).endpointWords},
		{"format", fault.FormatDenied, (*Rules).format, (*Rules).formatWords},
		{"chatbot", fault.ChatbotDenied, (*Rules).chatbot, (*Rules).chatbotWords},
	}
	modelRules = [...]rule{
		{"model", fault.ModelDenied, (*Rules).model, (*Rules).modelWords},
		{"provider", fault.ProviderDenied, (*Rules).provider, (*Rules).providerWords},
	}
)

// callerRules is how many of routeRules do not look at the route.
const callerRules = 5

func (r *Rules) admit(law []rule, a *Ask) *fault.Error {
	for i := range law {
		if law[i].check(r, a) == denies {
			return &fault.Error{Kind: law[i].kind, Public: law[i].words(r, a)}
		}
	}
	return nil
}

func (r *Rules) step(law *rule, a *Ask) Step {
	switch law.check(r, a) {
	case denies:
		return Step{law.name, Deny, law.kind, law.words(r, a)}
	case passes:
		return Step{law.name, Allow, "", "Within what the key allows."}
	}
	return Step{law.name, Allow, "", "Not restricted."}
}
