package proxy_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"tollgate/api"
)

// modelList is the list of models as OpenAI has it.
type modelList struct {
	Object string
	Data   []struct {
		ID, Object string
		OwnedBy    string `json:"owned_by"`
	}
}

func (g *gate) models(key string) []string {
	g.t.Helper()
	r := g.do(ask{method: "GET", path: "/v1/models", key: key})
	var list modelList
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 || list.Object != "list" {
		g.t.Fatalf("status %d: %s", r.status, r.body)
	}
	var ids []string
	for _, m := range list.Data {
		ids = append(ids, m.ID)
		if m.Object != "model" || m.OwnedBy == "" {
			g.t.Errorf("%+v", m)
		}
	}
	return ids
}

// TestModelList asks what each key gets to see: what it may use, no more.
func TestModelList(t *testing.T) {
	g := open(t, nil)
	for _, c := range []struct {
		name        string
		in          api.KeyInput
		with, never []string
	}{
		{"all", api.KeyInput{}, []string{"house-model", "demo-mini", "demo-large", "gpt-4o-mini", "ghost"}, []string{"claude-sonnet-4-5", "gemini-2.5-pro"}},
		{"one model", api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}, []string{"demo-mini"}, []string{"demo-large", "house-model", "gpt-4o-mini"}},
		{"by provider's name", api.KeyInput{AllowedModels: api.Set([]string{"demo/*"})}, []string{"demo-mini", "demo-large", "house-model"}, []string{"gpt-4o-mini", "ghost"}},
		{"one provider", api.KeyInput{AllowedProviders: api.Set([]string{"openai"})}, []string{"gpt-4o-mini"}, []string{"demo-mini", "house-model", "ghost"}},
		{"none there is", api.KeyInput{AllowedModels: api.Set([]string{"nothing"})}, nil, []string{"demo-mini"}},
	} {
		ids := g.models(g.key(c.in).SecretKey)
		for _, id := range c.with {
			if !slices.Contains(ids, id) {
				t.Errorf("%s: %s is missing in %v", c.name, id, ids)
			}
		}
		for _, id := range c.never {
			if slices.Contains(ids, id) {
				t.Errorf("%s: %s is shown", c.name, id)
			}
		}
		if compact := slices.Compact(slices.Sorted(slices.Values(ids))); len(compact) != len(ids) {
			t.Errorf("%s: some are listed twice: %v", c.name, ids)
		}
	}
	denied := g.key(api.KeyInput{Scopes: api.Set([]string{"chat.completions"})}).SecretKey
	g.do(ask{method: "GET", path: "/v1/models", key: denied}).want(t, http.StatusForbidden, "scope_denied")
}

// TestListedModelsWork calls the models that a key is shown.
func TestListedModelsWork(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{AllowedModels: api.Set([]string{"demo/*", "gpt-4o*"})}).SecretKey
	for _, id := range g.models(key) {
		if id == "demo-embed" {
			continue
		}
		if r := g.do(ask{key: key, model: id, max: 5}); r.status != 200 {
			t.Errorf("%s is listed: %d %s", id, r.status, r.body)
		}
	}
}

// TestOneModel asks for single models.
func TestOneModel(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{AllowedModels: api.Set([]string{"demo/*"})}).SecretKey
	for id, status := range map[string]int{
		"demo-mini": 200, "demo/demo-mini": 200, "house-model": 200, "gpt-4o-mini": 404, "openai/gpt-4o-mini": 404,
		"no-such-model": 404, "anthropic/claude-sonnet-4-5": 404,
	} {
		r := g.do(ask{method: "GET", path: "/v1/models/" + id, key: key})
		if r.status != status || status == 404 && r.fault.Error.Code != "model_not_found" {
			t.Errorf("%s: %d %s", id, r.status, r.body)
		}
	}
}

// TestNamesOfModels looks which model the provider is asked for.
func TestNamesOfModels(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{})
	for _, c := range []struct{ name, provider, sent string }{
		{"demo-mini", "demo", "demo-mini"},
		{"demo/demo-mini", "demo", "demo-mini"},
		{"house-model", "demo", "demo-large"},
		{"demo/unheard/of", "demo", "unheard/of"},
		{"gpt-4o-mini", "openai", "gpt-4o-mini"},
		{"openai/gpt-4o-mini", "openai", "gpt-4o-mini"},
		{"gpt-4o-mini-2024-07-18", "openai", "gpt-4o-mini-2024-07-18"},
	} {
		r := g.do(ask{key: key.SecretKey, model: c.name, max: 5})
		header, body := g.provider.latest()
		var sent struct{ Model string }
		_ = json.Unmarshal([]byte(body), &sent)
		if r.status != 200 || sent.Model != c.sent {
			t.Errorf("%s: status %d, sent %s", c.name, r.status, body)
		}
		credential := map[string]string{"demo": demoCredential, "openai": openaiCredential}[c.provider]
		if header.Get("Authorization") != "Bearer "+credential {
			t.Errorf("%s: sent with %q", c.name, header.Get("Authorization"))
		}
		if row := g.rows(key.APIKey.ID)[0]; row.Provider != c.provider || row.Model != c.sent {
			t.Errorf("%s: booked %+v", c.name, row)
		}
	}
}

// TestAliasIsNoWayRound asks by an alias for what the key may not use. A key that
// is allowed the alias itself may use it, and what it stands for by that name only.
func TestAliasIsNoWayRound(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}).SecretKey
	g.do(ask{key: key, model: "house-model"}).want(t, http.StatusForbidden, "model_denied")
	key = g.key(api.KeyInput{AllowedModels: api.Set([]string{"house-model"})}).SecretKey
	if r := g.do(ask{key: key, model: "house-model"}); r.status != 200 {
		t.Errorf("the allowed alias: %d %s", r.status, r.body)
	}
	g.do(ask{key: key, model: "demo-large"}).want(t, http.StatusForbidden, "model_denied")
}

// TestUnpricedModel is forwarded where nobody counts money, and with a default
// price also where somebody does.
func TestUnpricedModel(t *testing.T) {
	g := open(t, nil)
	none, budget := g.key(api.KeyInput{}), g.key(hard())
	if r := g.do(ask{key: none.SecretKey, model: "demo/unheard-of", max: 5}); r.status != 200 || g.rows(none.APIKey.ID)[0].CostUSD != "0.00" {
		t.Errorf("without a budget: %d %s, %+v", r.status, r.body, g.rows(none.APIKey.ID))
	}
	g.do(ask{key: budget.SecretKey, model: "demo/unheard-of", max: 5}).want(t, http.StatusForbidden, "model_unpriced")
	if _, err := g.admin.UpdateOrganization(t.Context(), api.OrganizationInput{
		DefaultPrice: api.Set(api.DefaultPrice{InputUSDPerMillion: "1.00", OutputUSDPerMillion: "7.00"}),
	}); err != nil {
		t.Fatal(err)
	}
	r := g.do(ask{key: budget.SecretKey, model: "demo/unheard-of", max: 5})
	s := g.provider.Served()
	want := usd(s[len(s)-1].InputTokens*1000 + s[len(s)-1].OutputTokens*7000)
	if r.status != 200 || g.rows(budget.APIKey.ID)[0].CostUSD != want {
		t.Errorf("with a default price: %d %s, %+v, not %s", r.status, r.body, g.rows(budget.APIKey.ID), want)
	}
}
