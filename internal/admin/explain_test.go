package admin_test

import (
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// verdicts is the trace as "rule verdict code", for tables.
func verdicts(r api.ExplainResult) map[string]string {
	out := map[string]string{}
	for _, s := range r.Steps {
		out[s.Rule] = strings.TrimSpace(s.Verdict + " " + s.Code)
	}
	return out
}

func TestExplain(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{
		AllowedModels: api.Set([]string{"gpt-4o*", "command*", "huggingface/*"}), AllowedIPs: api.Set([]string{"203.0.113.0/24"}),
		Scopes: api.Set([]string{"chat.completions"}), BudgetLimitCents: api.Set[int64](1), TokensPerDay: api.Set[int64](50_000),
	})
	for name, tc := range map[string]struct {
		ask      api.ExplainRequest
		code     string // of the first refusal; "" = allowed
		rule, is string // one step
	}{
		"allowed":              {api.ExplainRequest{Model: "gpt-4o-mini", IP: "203.0.113.7", MaxOutputTokens: 10}, "", "allowed", ""},
		"no address given":     {api.ExplainRequest{Model: "gpt-4o-mini"}, "", "ip", "skip"},
		"wrong address":        {api.ExplainRequest{Model: "gpt-4o-mini", IP: "198.51.100.1"}, "ip_denied", "ip", "deny ip_denied"},
		"wrong model":          {api.ExplainRequest{Model: "gpt-4.1"}, "model_denied", "model", "deny model_denied"},
		"wrong route":          {api.ExplainRequest{Endpoint: "/v1/embeddings"}, "scope_denied", "scope", "deny scope_denied"},
		"unknown model":        {api.ExplainRequest{Model: "no-such-model"}, "model_not_found", "catalog", "deny model_not_found"},
		"no credential":        {api.ExplainRequest{Model: "cohere/command-r"}, "provider_unconfigured", "provider_configured", "deny provider_unconfigured"},
		"no price":             {api.ExplainRequest{Model: "huggingface/nobody/nothing"}, "model_unpriced", "price", "deny model_unpriced"},
		"more than is left":    {api.ExplainRequest{Model: "gpt-4o", InputTokens: 10_000_000}, "tokens_limited", "budget_limit_cents", "deny budget_exceeded"},
		"output is shortened":  {api.ExplainRequest{Model: "gpt-4o", MaxOutputTokens: 16_000}, "", "budget_limit_cents", "allow"},
		"only the key":         {api.ExplainRequest{}, "", "rate_limit_per_minute", "allow"},
		"refused goes on":      {api.ExplainRequest{Model: "gpt-4.1", IP: "198.51.100.1"}, "ip_denied", "model", "deny model_denied"},
		"another's route":      {api.ExplainRequest{Model: "gpt-4o", APIFormat: "anthropic", IP: "203.0.113.7"}, "model_not_found", "catalog", "deny model_not_found"},
		"a path as written":    {api.ExplainRequest{Model: "gemini-2.5-flash", Endpoint: "/v1beta/models/gemini-2.5-flash:generateContent", IP: "203.0.113.7"}, "model_denied", "catalog", "allow"},
		"its own route":        {api.ExplainRequest{Model: "claude-sonnet-4-5", APIFormat: "anthropic", IP: "203.0.113.7"}, "model_denied", "catalog", "allow"},
		"a route for nothing":  {api.ExplainRequest{Model: "claude-opus-5", Endpoint: "/v1/messages/count_tokens", InputTokens: 1e9}, "scope_denied", "budget_limit_cents", "allow"},
		"unknown key":          {api.ExplainRequest{Key: "tg_nobody"}, "key_invalid", "key", "deny key_invalid"},
		"a management key":     {api.ExplainRequest{Key: rootKey}, "key_invalid", "key", "deny key_invalid"},
		"an embedding's cap":   {api.ExplainRequest{Model: "text-embedding-3-small", Endpoint: "/v1/embeddings"}, "scope_denied", "model", "deny model_denied"},
		"IPv4 written as IPv6": {api.ExplainRequest{IP: "::ffff:203.0.113.7"}, "", "ip", "allow"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.ask.Key == "" {
				tc.ask.Key = made.SecretKey
			}
			got, err := h.Explain(t.Context(), tc.ask)
			must(t, err)
			if got.Code != tc.code || got.Allowed != (tc.code == "") || got.Reason == "" {
				t.Errorf("allowed %v, code %q (%s), want %q\n%v", got.Allowed, got.Code, got.Reason, tc.code, verdicts(got))
			}
			if tc.rule != "allowed" && verdicts(got)[tc.rule] != tc.is {
				t.Errorf("%s: %q, want %q", tc.rule, verdicts(got)[tc.rule], tc.is)
			}
		})
	}
}

// What is not billed in tokens is judged by its own price.
func TestExplainOfMedia(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](5), TokensPerDay: api.Set[int64](100)})
	for name, tc := range map[string]struct {
		endpoint, model, code string
		asked                 string // of the budget; "" = not looked at
	}{
		"a picture":              {"/v1/images/generations", "dall-e-2", "", "0.02"},
		"a dear picture":         {"/v1/images/generations", "dall-e-3", "budget_exceeded", "0.12"},
		"a picture's tokens":     {"/v1/images/generations", "gpt-image-1", "tokens_limited", ""},
		"no price":               {"/v1/images/generations", "openai/no-such-model", "model_unpriced", ""},
		"speech":                 {"/v1/audio/speech", "tts-1", "", "0.00"},
		"a recording":            {"/v1/audio/transcriptions", "whisper-1", "", "0.00"},
		"a chat's price":         {"/v1/chat/completions", "tts-1", "model_unpriced", ""},
		"moderations":            {"/v1/moderations", "omni-moderation-latest", "", ""},
		"a Response":             {"/v1/responses", "gpt-5.3-codex", "", ""}, // shortened
		"a Response of Claude's": {"/v1/responses", "anthropic/claude-sonnet-4-5", "model_not_found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.Explain(t.Context(), api.ExplainRequest{Key: made.SecretKey, Endpoint: tc.endpoint, Model: tc.model, MaxOutputTokens: 5000})
			must(t, err)
			if got.Code != tc.code {
				t.Errorf("code %q, want %q: %v", got.Code, tc.code, verdicts(got))
			}
			for _, s := range got.Steps {
				if tc.asked != "" && s.Limit != nil && s.Limit.Asked.USD != nil && *s.Limit.Asked.USD != tc.asked {
					t.Errorf("asks for $%s, want $%s", *s.Limit.Asked.USD, tc.asked)
				}
			}
		})
	}
}

func TestExplainByID(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	_, err := h.DeactivateKey(t.Context(), id)
	must(t, err)
	got, err := h.Explain(t.Context(), api.ExplainRequest{KeyID: id})
	must(t, err)
	if got.Code != "key_disabled" || got.KeyID != id {
		t.Errorf("a disabled key: %+v", got)
	}
	if code := h.code(t, request{method: "POST", path: "/api/v1/explain", body: `{"key_id":"key_none"}`}); code != "not_found" {
		t.Errorf("an unknown id: %s", code)
	}
}

func TestExplainBadRequests(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]string{
		`{}`:                                    "key_id",
		`{"key":"a","key_id":"b"}`:              "key_id",
		`{"key":"a","ip":"nowhere"}`:            "ip",
		`{"key":"a","ip":7}`:                    "ip",
		`{"key":"a","input_tokens":-1}`:         "input_tokens",
		`{"key":"a","max_output_tokens":"ten"}`: "max_output_tokens",
		`{"key":"a","max_output_tokens":1.5}`:   "max_output_tokens",
		`{"key":"a","endpoint":"/v9"}`:          "endpoint",
		`{"key":"a","api_format":"telex"}`:      "api_format",
		`{"key":"a","Model":"x"}`:               "Model",
	} {
		_, p := h.problem(t, request{method: "POST", path: "/api/v1/explain", body: body})
		if p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Field != want {
			t.Errorf("%s: %s %+v, want the field %s", body, p.Code, p.Errors, want)
		}
	}
	_, p := h.problem(t, request{method: "POST", path: "/api/v1/explain", body: `{"key":"a","endpoint":"/providers/openai/v1/files"}`})
	if len(p.Errors) != 1 || p.Errors[0].Field != "endpoint" || !strings.Contains(p.Detail, "passes through") {
		t.Errorf("what passes through: %+v", p)
	}
	for body, want := range map[string]string{`{"key":"a","key":"b"}`: "duplicate_field", `{"key":`: "invalid_json", `{"key":"a"}x`: "invalid_json"} {
		if code := h.code(t, request{method: "POST", path: "/api/v1/explain", body: body}); code != want {
			t.Errorf("%s: %s, want %s", body, code, want)
		}
	}
}

// Explaining shows what others hold, and takes nothing itself.
func TestExplainTakesNothing(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{RateLimitPerMinute: api.Set[int64](2), ConcurrentLimit: api.Set[int64](1), BudgetLimitCents: api.Set[int64](100)})
	ask := api.ExplainRequest{Key: made.SecretKey, Model: "gpt-4o-mini", MaxOutputTokens: 10}
	for range 5 {
		got, err := h.Explain(t.Context(), ask)
		must(t, err)
		if !got.Allowed {
			t.Fatalf("explaining took something: %s", got.Reason)
		}
	}
	grant, err := h.authority.Authenticate(t.Context(), made.SecretKey)
	must(t, err)
	hold, err := h.ledger.Reserve(t.Context(), &ledger.Request{
		Chain: grant.Chain(), InputCost: money.Cent, Entry: ledger.Entry{OrganizationID: grant.OrganizationID(), KeyID: grant.KeyID()},
	})
	must(t, err)
	got, err := h.Explain(t.Context(), ask)
	must(t, err)
	if got.Code != "concurrency_limited" {
		t.Errorf("with the only slot taken: %q", got.Code)
	}
	for _, s := range got.Steps {
		if s.Rule == "budget_limit_cents" && (*s.Limit.Max.USD != "1.00" || *s.Limit.Held.USD != "0.01" || *s.Limit.Used.USD != "0.00") {
			t.Errorf("budget: %s max, %s held, %s used", *s.Limit.Max.USD, *s.Limit.Held.USD, *s.Limit.Used.USD)
		}
	}
	hold.Release(502, "", "")
	if got, err = h.Explain(t.Context(), ask); err != nil || !got.Allowed {
		t.Errorf("after release: %v %s", err, got.Reason)
	}
}
