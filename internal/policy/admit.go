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
	Path     string // the same by another name; "" = it has none
	Format   llm.Format
	Chatbot  *Chatbot // nil outside chatbots
	Origin   string   // of the page that a browser says the request comes from; "" = none
	Provider string   // slug; with Model, known once the body was read
	Model    string   // the provider's own name of it
	Asked    string   // the name as the caller wrote it, which may be an alias; "" = not known
}

// Chatbot is the one that a request is for, as far as rules care.
type Chatbot struct {
	ID          string
	Disabled    bool     // it lets nobody in
	OwnerActive bool     // true also when it has no owner
	Open        bool     // it lets in callers without a key
	Origins     []string // of the pages that may use it, "*" = every one; nil = pages are not looked at
}

// AdmitRoute applies the rules that need nothing of the body: status, expiry,
// owner and organisation, address, scope, endpoint, format, chatbot, its state,
// its owner, and the page that asks, in this order. The first that denies decides;
// nil = go on. It does not allocate when it lets a through. Kinds: key_revoked,
// key_disabled, key_expired, owner_inactive, ip_denied, scope_denied,
// endpoint_denied, format_denied, chatbot_denied.
func (r *Rules) AdmitRoute(a *Ask) *fault.Error { return r.admit(routeRules[:], a) }

// AdmitCaller applies the first of these rules, those that do not look at the
// route: status, expiry, owner and address.
func (r *Rules) AdmitCaller(a *Ask) *fault.Error { return r.admit(routeRules[:callerRules], a) }

// AdmitGrant applies the rule on who may talk to a chatbot, once the body has been
// read. Kind: chatbot_denied.
func (r *Rules) AdmitGrant(a *Ask) *fault.Error { return r.admit(grantRules[:], a) }

// AdmitModel applies the rules on what the body asks for: model, then provider.
// Kinds: model_denied, provider_denied.
func (r *Rules) AdmitModel(a *Ask) *fault.Error { return r.admit(modelRules[:], a) }

// AdmitProvider applies the one on the provider alone. Kind: provider_denied.
func (r *Rules) AdmitProvider(a *Ask) *fault.Error { return r.admit(modelRules[1:], a) }

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
// answered. The first Deny is what AdmitRoute, AdmitGrant or AdmitModel would have
// returned.
// Without a model in a the rules on models are left out.
func (r *Rules) Trace(a *Ask) []Step {
	steps := make([]Step, 0, len(routeRules)+len(grantRules)+len(modelRules))
	steps = r.trace(steps, routeRules[:], a)
	steps = r.trace(steps, grantRules[:], a)
	if a.Model == "" {
		return steps
	}
	return r.trace(steps, modelRules[:], a)
}

func (r *Rules) trace(steps []Step, law []rule, a *Ask) []Step {
	for i := range law {
		if !law[i].bots || a.Chatbot != nil || r.visitor {
			steps = append(steps, r.step(&law[i], a))
		}
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
	bots  bool // it is about requests to chatbots only, and not traced for others
}

// The law, in the order in which it is applied. No table is ever written.
var (
	routeRules = [...]rule{
		{"revoked", fault.KeyRevoked, (*Rules).revoked, (*Rules).revokedWords, false},
		{"disabled", fault.KeyDisabled, (*Rules).disabled, (*Rules).disabledWords, false},
		{"expiry", fault.KeyExpired, (*Rules).expiry, (*Rules).expiryWords, false},
		{"owner", fault.OwnerInactive, (*Rules).owner, (*Rules).ownerWords, false},
		{"ip", fault.IPDenied, (*Rules).ip, (*Rules).ipWords, false},
		{"scope", fault.ScopeDenied, (*Rules).scope, (*Rules).scopeWords, false},
		{"endpoint", fault.EndpointDenied, (*Rules).endpoint, (*Rules).endpointWords, false},
		{"format", fault.FormatDenied, (*Rules).format, (*Rules).formatWords, false},
		{"chatbot", fault.ChatbotDenied, (*Rules).chatbot, (*Rules).chatbotWords, false},
		{"chatbot_state", fault.ChatbotDenied, (*Rules).chatbotState, (*Rules).chatbotStateWords, true},
		{"chatbot_owner", fault.OwnerInactive, (*Rules).chatbotOwner, (*Rules).chatbotOwnerWords, true},
		{"origin", fault.ChatbotDenied, (*Rules).origin, (*Rules).originWords, true},
	}
	grantRules = [...]rule{
		{"grant", fault.ChatbotDenied, (*Rules).grant, (*Rules).grantWords, true},
	}
	modelRules = [...]rule{
		{"model", fault.ModelDenied, (*Rules).model, (*Rules).modelWords, false},
		{"provider", fault.ProviderDenied, (*Rules).provider, (*Rules).providerWords, false},
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
