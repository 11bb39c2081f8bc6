package proxy_test

import (
	"strings"
	"testing"

	"tollgate/api"
)

// scene is a key and a request, to be spoilt.
type scene struct {
	key   api.KeyInput
	spent bool // the key has used its one request
	other bool // the key that is sent is another
	ask   ask
}

// flaw spoils one thing of a scene. Two flaws with the same place cannot both be.
type flaw struct {
	code  string
	place string
	spoil func(s *scene)
}

// flaws are in the order in which they decide.
func flaws() []flaw {
	header := func(s *scene, name, value string) {
		if s.ask.header == nil {
			s.ask.header = map[string]string{}
		}
		s.ask.header[name] = value
	}
	return []flaw{
		{"key_ambiguous", "header", func(s *scene) { header(s, "X-Api-Key", "another") }},
		{"key_invalid", "secret", func(s *scene) { s.other = true }},
		{"key_disabled", "status", func(s *scene) { s.key.IsActive = api.Set(false) }},
		{"ip_denied", "ips", func(s *scene) { s.key.AllowedIPs = api.Set([]string{"10.1.2.3"}) }},
		{"not_found", "path", func(s *scene) { s.ask.path = "/v1/nothing" }},
		{"method_not_allowed", "path", func(s *scene) { s.ask.method = "PUT" }},
		{"scope_denied", "scopes", func(s *scene) { s.key.Scopes = api.Set([]string{"embeddings.create"}) }},
		{"endpoint_denied", "endpoints", func(s *scene) { s.key.AllowedEndpoints = api.Set([]string{"/v1/embeddings"}) }},
		{"format_denied", "formats", func(s *scene) { s.key.AllowedAPIFormats = api.Set([]string{"gemini"}) }},
		{"unsupported_media_type", "type", func(s *scene) { header(s, "Content-Type", "text/html") }},
		{"body_too_large", "body", func(s *scene) { s.ask.body = strings.Repeat(" ", 33<<20) }},
		{"invalid_json", "body", func(s *scene) { s.ask.body = "{" }},
		{"duplicate_field", "body", func(s *scene) { s.ask.body = `{"model":"no-such-model","stream":true,"stream":true}` }},
		{"model_not_found", "body", func(s *scene) { s.ask.model = "no-such-model" }},
		{"model_denied", "models", func(s *scene) { s.key.AllowedModels = api.Set([]string{"openai/*"}) }},
		{"provider_denied", "providers", func(s *scene) { s.key.AllowedProviders = api.Set([]string{"openai"}) }},
		{"rate_limited", "rate", func(s *scene) {
			s.key.RateLimitPerMinute, s.spent = api.Set[int64](1), true
		}},
		{"tokens_limited", "tokens", func(s *scene) { s.key.TokensPerMonth = api.Set[int64](1) }},
		{"concurrency_limited", "slots", func(s *scene) { s.key.ConcurrentLimit = api.Set[int64](0) }},
		{"budget_exceeded", "budget", func(s *scene) { s.key.BudgetLimitCents = api.Set[int64](0) }},
	}
}

// spend uses the one request of a key that otherwise may do nothing: everything
// else is lifted for it, and put back.
func (g *gate) spend(k *api.KeyCreated) {
	g.t.Helper()
	before, err := g.admin.Key(g.t.Context(), k.APIKey.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	patch := func(in api.KeyInput) {
		if _, err := g.admin.UpdateKey(g.t.Context(), k.APIKey.ID, in); err != nil {
			g.t.Fatal(err)
		}
	}
	patch(api.KeyInput{
		IsActive: api.Set(true), AllowedIPs: api.Null[[]string](), Scopes: api.Null[[]string](), AllowedEndpoints: api.Null[[]string](),
		AllowedAPIFormats: api.Null[[]string](), AllowedModels: api.Null[[]string](), AllowedProviders: api.Null[[]string](),
		TokensPerMonth: api.Null[int64](), ConcurrentLimit: api.Null[int64](), BudgetLimitCents: api.Null[int64](),
	})
	if r := g.do(ask{key: k.SecretKey, max: 5}); !r.complete(false) {
		g.t.Fatalf("the first request: %d %s", r.status, r.body)
	}
	patch(api.KeyInput{
		IsActive: api.Set(before.IsActive), AllowedIPs: again(before.AllowedIPs), Scopes: again(before.Scopes), AllowedEndpoints: again(before.AllowedEndpoints),
		AllowedAPIFormats: again(before.AllowedAPIFormats), AllowedModels: again(before.AllowedModels), AllowedProviders: again(before.AllowedProviders),
		TokensPerMonth: number(before.TokensPerMonth), ConcurrentLimit: number(before.ConcurrentLimit), BudgetLimitCents: number(before.BudgetLimitCents),
	})
}

func again(list []string) api.Optional[[]string] {
	if list == nil {
		return api.Null[[]string]()
	}
	return api.Set(list)
}

func number(n *int64) api.Optional[int64] {
	if n == nil {
		return api.Null[int64]()
	}
	return api.Set(*n)
}

// TestFirstFlawDecides puts two flaws into each request: the one that comes first
// on the walk must be the answer, whatever else is wrong.
func TestFirstFlawDecides(t *testing.T) {
	g := open(t, nil)
	all := flaws()
	for i, first := range all {
		for _, second := range all[i+1:] {
			if first.place == second.place || second.code == "body_too_large" && first.code != "unsupported_media_type" {
				continue // both cannot be; and once is enough for 33 MiB
			}
			t.Run(first.code+" before "+second.code, func(t *testing.T) {
				g.t = t
				var s scene
				second.spoil(&s)
				first.spoil(&s)
				k := g.key(s.key)
				if s.spent {
					g.spend(&k)
				}
				if s.other {
					k.SecretKey += "x"
				}
				s.ask.key = k.SecretKey
				r := g.do(s.ask)
				if r.fault.Error.Code != first.code {
					t.Errorf("%d %s decides", r.status, r.fault.Error.Code)
				}
			})
		}
	}
}
