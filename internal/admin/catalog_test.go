package admin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/api"
	"tollgate/client"
)

func ptr[T any](v T) *T { return &v }

// What a preset shows is what the reference says, and what a key gets that is made
// with it.
func TestB9_PresetsAreShownAsTheyAreUsed(t *testing.T) {
	h := newHouse(t)
	list, err := h.Presets(t.Context(), client.PageQuery{})
	must(t, err)
	limits := func(minute, hour, day int64) api.Limits {
		return api.Limits{RateLimitPerMinute: &minute, RateLimitPerHour: &hour, RateLimitPerDay: &day, IsUnlimited: true}
	}
	want := map[string]api.Preset{
		"default": {
			Description: "Default API key with standard permissions", Tags: []string{"default"},
			Permissions: map[string]bool{"read": true, "write": true, "chat": true, "embeddings": true},
			Scopes:      []string{"chat.completions", "embeddings.create", "models.list"}, Limits: limits(60, 3600, 86400),
		},
		"restricted": {
			Tags: []string{"restricted"}, Permissions: map[string]bool{"read": true, "chat": true},
			Scopes: []string{"chat.completions"}, Limits: limits(30, 1800, 43200),
		},
		"chatbot": {
			Kind: ptr("chatbot"), Tags: []string{"chatbot", "chatbot-{id}"}, Permissions: map[string]bool{"chatbot": true},
			Scopes: []string{"chatbot.chat"}, Limits: limits(100, 6000, 144000),
			AllowedEndpoints: []string{"/api/v1/chatbot/external/{id}/chat", "/chatbots/{id}/v1/chat/completions"},
		},
		"standalone": {
			Kind: ptr("standalone"), Tags: []string{}, Permissions: map[string]bool{},
			Limits: api.Limits{RateLimitPerMinute: ptr[int64](100), ConcurrentLimit: ptr[int64](5), IsUnlimited: true},
		},
	}
	if len(list.Presets) != len(want) || list.Total != len(want) {
		t.Fatalf("%d presets", len(list.Presets))
	}
	for _, p := range list.Presets {
		one, err := h.Preset(t.Context(), p.Name)
		must(t, err)
		if diff := cmp.Diff(p, one); diff != "" {
			t.Errorf("%s, alone and in the list: %s", p.Name, diff)
		}
		p.Name, p.About, p.Needs = "", "", nil
		if diff := cmp.Diff(want[one.Name], p); diff != "" {
			t.Errorf("%s: %s", one.Name, diff)
		}
		k := h.createKey(t, api.KeyInput{
			Preset: api.Set(one.Name), AllowedModels: api.Set([]string{"gpt-4o-mini"}),
			AllowedEndpoints: endpointsFor(one.Name), AllowedChatbots: chatbotsFor(one.Name),
		}).APIKey
		made := api.Preset{
			Kind: p.Kind, Description: k.Description, Tags: generic(k.Tags), Permissions: k.Permissions, Scopes: k.Scopes,
			AllowedEndpoints: generic(k.AllowedEndpoints), Limits: k.Limits,
		}
		if one.Name == "restricted" {
			made.AllowedEndpoints = nil
		}
		if diff := cmp.Diff(p, made); diff != "" || p.Kind != nil && *p.Kind != k.Kind {
			t.Errorf("a key made with %s: %s", one.Name, diff)
		}
	}
	if _, err = h.Preset(t.Context(), "none"); refused(err) != "not_found" {
		t.Errorf("an unknown preset: %v", err)
	}
}

func endpointsFor(preset string) api.Optional[[]string] {
	if preset == "restricted" {
		return api.Set([]string{"/v1/chat/completions"})
	}
	return api.Optional[[]string]{}
}

func chatbotsFor(preset string) api.Optional[[]string] {
	if preset == "chatbot" {
		return api.Set([]string{"bot_7"})
	}
	return api.Optional[[]string]{}
}

// generic puts {id} where the chatbot of the test stands.
func generic(words []string) []string {
	if words == nil {
		return nil
	}
	out := []string{}
	for _, w := range words {
		out = append(out, strings.ReplaceAll(w, "bot_7", "{id}"))
	}
	return out
}

func TestModels(t *testing.T) {
	h := newHouse(t)
	seen, after := map[string]bool{}, ""
	for {
		list, err := h.Models(t.Context(), client.ModelQuery{PageQuery: client.PageQuery{Size: 50, After: after}})
		must(t, err)
		if len(list.Models) == 0 {
			break
		}
		for _, m := range list.Models {
			if seen[m.ID] {
				t.Fatalf("%s twice", m.ID)
			}
			seen[m.ID], after = true, m.ID
		}
	}
	all, err := h.Models(t.Context(), client.ModelQuery{PageQuery: client.PageQuery{Size: 1}})
	must(t, err)
	if all.Total != len(seen) || len(seen) < 100 {
		t.Errorf("%d models by cursor, %d in all", len(seen), all.Total)
	}
	for name, tc := range map[string]struct {
		q    client.ModelQuery
		fits func(api.Model) bool
	}{
		"of a provider": {client.ModelQuery{Provider: "google"}, func(m api.Model) bool { return m.Provider == "google" }},
		"embeddings":    {client.ModelQuery{Capability: "embeddings"}, func(m api.Model) bool { return strings.Contains(strings.Join(m.Capabilities, " "), "embeddings") }},
		"searched":      {client.ModelQuery{Search: "GPT-4O-mini"}, func(m api.Model) bool { return strings.Contains(m.ID, "gpt-4o-mini") }},
		"configured":    {client.ModelQuery{Configured: ptr(false)}, func(m api.Model) bool { return m.Provider == "cohere" && !m.IsConfigured }},
		"unpriced":      {client.ModelQuery{Priced: ptr(false)}, func(m api.Model) bool { return !m.IsPriced }},
	} {
		tc.q.Size = 1000
		list, err := h.Models(t.Context(), tc.q)
		must(t, err)
		if list.Total == 0 || list.Total == len(seen) {
			t.Errorf("%s: %d of %d", name, list.Total, len(seen))
		}
		for _, m := range list.Models {
			if !tc.fits(m) {
				t.Errorf("%s: %+v", name, m)
			}
		}
	}
	if _, err := h.Models(t.Context(), client.ModelQuery{PageQuery: client.PageQuery{After: "openai/none"}}); refused(err) != "validation_failed" {
		t.Errorf("after what is not there: %v", err)
	}
}

func TestModelByName(t *testing.T) {
	h := newHouse(t)
	for name, want := range map[string]struct {
		id, price string
		priced    bool
	}{
		"gpt-4o-mini":            {"openai/gpt-4o-mini", "openai/gpt-4o-mini", true},
		"gpt-4o-mini-2024-07-18": {"openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini", true},
		"azure/gpt-4o-mini":      {"azure/gpt-4o-mini", "azure/gpt-4o-mini", true},
		"ft:gpt-4o-mini:acme::x": {"openai/ft:gpt-4o-mini:acme::x", "openai/ft:gpt-4o-mini*", true},
		"openai/of-tomorrow":     {"openai/of-tomorrow", "", false},
	} {
		m, err := h.Model(t.Context(), name)
		must(t, err)
		price := ""
		if m.PriceID != nil {
			price = *m.PriceID
		}
		if m.ID != want.id || price != want.price || m.IsPriced != want.priced || (m.Prices != nil) != want.priced {
			t.Errorf("%s: %+v", name, m)
		}
		if price == "" {
			continue
		}
		row, err := h.Price(t.Context(), price)
		must(t, err)
		if diff := cmp.Diff(row.ModelPricing, *m.Prices); diff != "" || row.Source != "builtin" {
			t.Errorf("%s: %s %s", name, row.Source, diff)
		}
	}
	if _, err := h.Model(t.Context(), "of-tomorrow"); refused(err) != "model_not_found" {
		t.Errorf("an unknown name: %v", err)
	}
	resp, body := h.send(t, request{method: "GET", path: "/api/v1/models/openai%2Fgpt-4o-mini"})
	if resp.StatusCode != 200 || !strings.Contains(body, `"id":"openai/gpt-4o-mini"`) {
		t.Errorf("an escaped slash: %d %s", resp.StatusCode, body)
	}
}

func TestPrices(t *testing.T) {
	h := newHouse(t)
	row, err := h.Price(t.Context(), "openai/gpt-5.5")
	must(t, err)
	if len(row.Tiers) != 2 || row.Tiers[0].InputUSDPerMillion != "5.00" || row.Tiers[0].CacheWriteUSDPerMillion != "5.00" ||
		row.Tiers[1].AboveInputTokens != 272000 || row.Tiers[1].OutputUSDPerMillion != "45.00" {
		t.Errorf("%+v", row)
	}
	list, err := h.Prices(t.Context(), client.PriceQuery{Provider: "openai", Model: "ft:gpt-4o-mini*"})
	must(t, err)
	if list.Total != 1 || list.Prices[0].ID != "openai/ft:gpt-4o-mini*" {
		t.Errorf("%+v", list)
	}
	if list, err = h.Prices(t.Context(), client.PriceQuery{Source: "config"}); err != nil || list.Total != 0 {
		t.Errorf("%d of the configuration, %v", list.Total, err)
	}
	if _, err := h.Price(t.Context(), "openai/none"); refused(err) != "not_found" {
		t.Errorf("an unknown row: %v", err)
	}
}

func TestRoleByName(t *testing.T) {
	h := newHouse(t)
	list, err := h.Roles(t.Context(), client.PageQuery{})
	must(t, err)
	for _, want := range list.Roles {
		got, err := h.Role(t.Context(), want.Name)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := h.Role(t.Context(), "king"); refused(err) != "not_found" || list.Total != len(list.Roles) {
		t.Errorf("%v, %d roles", err, list.Total)
	}
}
