package proxy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/secret"
)

const anthropicCredential = "sk-ant-credential-2342"

// openNative starts a gate that has Anthropic and Google, too.
func openNative(t *testing.T) *gate {
	return open(t, func(c *config.Config) {
		base := strings.TrimSuffix(c.Providers["openai"].BaseURL, "/v1")
		c.Providers["anthropic"] = config.Provider{BaseURL: base, APIKey: secret.New(anthropicCredential)}
		c.Providers["google"] = config.Provider{BaseURL: base, APIKey: secret.New(googleCredential)}
		c.Aliases["house-flash"] = []string{"google/gemini-2.5-flash"}
	})
}

// turn is a body of Anthropic's Messages.
func turn(model string, more string) string {
	return `{"model":"` + model + `","max_tokens":500,"messages":[{"role":"user","content":"Hello, who are you?"}]` + more + `}`
}

// anthropicError is the error object of Anthropic's API reference, with our code.
type anthropicError struct {
	Type, RequestID string
	Error           struct{ Type, Message, Code string }
}

func (r reply) wantAnthropic(t *testing.T, status int, kind, code string) {
	t.Helper()
	var e anthropicError
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != status || e.Type != "error" || e.Error.Type != kind || e.Error.Code != code || e.Error.Message == "" {
		t.Errorf("status %d, %+v, not %d %s %s: %.300s", r.status, e, status, kind, code, r.body)
	}
	if r.header.Get("Request-Id") == "" {
		t.Errorf("no request-id: %v", r.header)
	}
}

// TestAnthropicMessages takes requests to Anthropic's own routes, with its own
// headers both ways, and books what it reported.
func TestAnthropicMessages(t *testing.T) {
	g := openNative(t)
	for name, c := range map[string]struct {
		path, more string
		header     map[string]string
		stream     bool
	}{
		"whole":       {path: "/v1/messages"},
		"streamed":    {path: "/v1/messages", more: `,"stream":true`, stream: true},
		"prefixed":    {path: "/anthropic/v1/messages?beta=true"},
		"x-api-key":   {path: "/v1/messages?key=somebody", header: map[string]string{"Authorization": "", "X-Api-Key": "the key"}},
		"cached":      {path: "/v1/messages", header: map[string]string{"X-Simulate-Cached-Tokens": "1000", "X-Simulate-Cache-Write-Tokens": "500", "X-Simulate-Cache-Write-1h-Tokens": "200", "X-Simulate-Input-Tokens": "1700"}},
		"gzip":        {path: "/v1/messages", more: `,"stream":true`, stream: true, header: map[string]string{"X-Simulate-Fault": "gzip"}},
		"thinking":    {path: "/v1/messages", more: `,"stream":true`, stream: true, header: map[string]string{"X-Simulate-Reasoning-Tokens": "40"}},
		"parallel":    {path: "/v1/messages", more: `,"stream":true,"tools":[{"name":"f"}]`, stream: true, header: map[string]string{"X-Simulate-Tool": "f", "X-Simulate-Tool-Calls": "3"}},
		"novelties":   {path: "/v1/messages", more: `,"stream":true`, stream: true, header: map[string]string{"X-Simulate-Fault": "novelties"}},
		"usage twice": {path: "/v1/messages", more: `,"stream":true`, stream: true, header: map[string]string{"X-Simulate-Fault": "usage-twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			a := ask{path: c.path, key: k.SecretKey, body: turn("claude-sonnet-4-5", c.more), header: map[string]string{
				"Anthropic-Version": "2023-06-01", "Anthropic-Beta": "interleaved-thinking-2025-05-14", "Anthropic-Workspace-Id": "wrkspc_1",
			}}
			for name, value := range c.header {
				if value == "the key" {
					value = k.SecretKey
				}
				a.header[name] = value
			}
			r := g.do(a)
			if r.status != http.StatusOK || c.stream != strings.HasSuffix(r.body, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			served := g.provider.Served()[0]
			if id := r.header.Get("Request-Id"); id != served.UpstreamID || r.header.Get("X-Request-Id") != served.RequestID {
				t.Errorf("request-id %q and x-request-id %q, the provider had %+v", id, r.header.Get("X-Request-Id"), served)
			}
			sent, _ := g.provider.latest()
			if sent.Get("X-Api-Key") != anthropicCredential || sent.Get("Authorization") != "" || sent.Get("Anthropic-Version") != "2023-06-01" ||
				sent.Get("Anthropic-Beta") != "interleaved-thinking-2025-05-14" || sent.Get("Anthropic-Workspace-Id") != "" {
				t.Errorf("sent with %v", sent)
			}
			row := g.row(k.APIKey.ID)
			if row.Outcome != "settled" || row.APIFormat != "anthropic" || row.Endpoint != "/v1/messages" || row.Provider != "anthropic" || row.Stream != c.stream {
				t.Errorf("booked %+v", row)
			}
			if row.InputTokens+row.CacheReadTokens+row.CacheWriteTokens != served.InputTokens || row.CacheReadTokens != served.CachedTokens ||
				row.CacheWriteTokens != served.CacheWriteTokens || row.OutputTokens != served.OutputTokens || row.ReasoningTokens != served.ReasoningTokens {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			// $3 and $15 a million, $0.30 from the cache, $3.75 into it, $6 for an hour.
			want := 3000*row.InputTokens + 300*row.CacheReadTokens + 3750*(row.CacheWriteTokens-served.CacheWrite1h) + 6000*served.CacheWrite1h + 15000*row.OutputTokens
			if got := nano(t, row.CostUSD); got != want {
				t.Errorf("cost %d, want %d", got, want)
			}
		})
	}
}

// TestAnthropicRefusals are in Anthropic's shape, whoever refuses.
func TestAnthropicRefusals(t *testing.T) {
	g := openNative(t)
	free := g.key(api.KeyInput{}).SecretKey
	budget := g.key(hard()).SecretKey
	tokens := g.key(api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)}).SecretKey
	none := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)}).SecretKey
	for name, c := range map[string]struct {
		ask        ask
		status     int
		kind, code string
	}{
		"no key":              {ask{}, 401, "authentication_error", "key_missing"},
		"wrong key":           {ask{key: "tg_wrong"}, 401, "authentication_error", "key_invalid"},
		"another path":        {ask{key: free, path: "/anthropic/v1/complete"}, 404, "not_found_error", "not_found"},
		"another method":      {ask{key: free, method: "GET", path: "/v1/messages"}, 405, "invalid_request_error", "method_not_allowed"},
		"scope":               {ask{key: g.key(api.KeyInput{Scopes: api.Set([]string{"tokens.count"})}).SecretKey}, 403, "permission_error", "scope_denied"},
		"format":              {ask{key: g.key(api.KeyInput{AllowedAPIFormats: api.Set([]string{"openai"})}).SecretKey}, 403, "permission_error", "format_denied"},
		"no JSON":             {ask{key: free, body: "{"}, 400, "invalid_request_error", "invalid_json"},
		"unknown model":       {ask{key: free, body: turn("no-such-model", "")}, 404, "not_found_error", "model_not_found"},
		"another's model":     {ask{key: free, body: turn("gpt-4o-mini", "")}, 404, "not_found_error", "model_not_found"},
		"another's, by name":  {ask{key: free, body: turn("openai/x", "")}, 404, "not_found_error", "model_not_found"},
		"model not allowed":   {ask{key: g.key(api.KeyInput{AllowedModels: api.Set([]string{"claude-haiku*"})}).SecretKey}, 403, "permission_error", "model_denied"},
		"fallbacks":           {ask{key: free, body: turn("claude-sonnet-4-5", `,"fallbacks":"default"`)}, 400, "invalid_request_error", "invalid_field"},
		"search under budget": {ask{key: budget, body: turn("claude-sonnet-4-5", `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`)}, 403, "permission_error", "model_unpriced"},
		"search under tokens": {ask{key: tokens, body: turn("claude-sonnet-4-5", `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`)}, 400, "invalid_request_error", "invalid_field"},
		"fast under budget":   {ask{key: budget, body: turn("claude-sonnet-4-5", `,"speed":"fast"`)}, 403, "permission_error", "model_unpriced"},
		"new under budget":    {ask{key: budget, body: turn("claude-opus-4-6", `,"novelty":1`)}, 400, "invalid_request_error", "invalid_field"},
		"thinking above cap":  {ask{key: budget, body: turn("claude-sonnet-4-5", `,"thinking":{"type":"enabled","budget_tokens":30000}`)}, 400, "invalid_request_error", "invalid_field"},
		"nothing left":        {ask{key: none}, 402, "billing_error", "budget_exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.ask
			if a.path == "" {
				a.path = "/v1/messages"
			}
			if a.body == "" && a.method == "" {
				a.body = turn("claude-sonnet-4-5", "")
			}
			r := g.do(a)
			r.wantAnthropic(t, c.status, c.kind, c.code)
			if (c.status < 500 && c.status != 429) != (r.header.Get("X-Should-Retry") == "false") {
				t.Errorf("x-should-retry %q", r.header.Get("X-Should-Retry"))
			}
		})
	}
	// The provider's own come as they are.
	for status, kind := range map[string]string{"429": "rate_limit_error", "529": "overloaded_error"} {
		r := g.do(ask{path: "/v1/messages", key: free, body: turn("claude-sonnet-4-5", ""), header: map[string]string{"X-Simulate-Fault": "status=" + status}})
		var e struct{ Error struct{ Type string } }
		if _ = json.Unmarshal([]byte(r.body), &e); e.Error.Type != kind || r.header.Get("Request-Id") == r.header.Get("X-Request-Id") {
			t.Errorf("%s: %v %s", status, r.header, r.body)
		}
	}
}

// TestAnthropicStreamThatBreaks ends with an event of Anthropic's, and is booked
// with what can be known.
func TestAnthropicStreamThatBreaks(t *testing.T) {
	g := openNative(t)
	for _, in := range []api.KeyInput{{}, hard()} {
		g.provider.Reset()
		k := g.key(in)
		r := g.do(ask{path: "/v1/messages", key: k.SecretKey, body: turn("claude-sonnet-4-5", `,"stream":true`), header: map[string]string{"X-Simulate-Fault": "cut"}})
		if !strings.Contains(r.body, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"") || !strings.HasSuffix(r.body, "\n\n") {
			t.Errorf("%.2000s", r.body)
		}
		row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
		if in.BudgetLimitCents.IsZero() {
			if row.Outcome != "estimated" || row.InputTokens != served.InputTokens || row.OutputTokens < 10 || row.OutputTokens > served.OutputTokens {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
		} else if row.Outcome != "unconfirmed" || row.OutputTokens != 500 {
			t.Errorf("booked %+v", row)
		}
	}
}

// TestAnthropicCountsTokens for nothing, also where nothing is left to spend.
func TestAnthropicCountsTokens(t *testing.T) {
	g := openNative(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0), Scopes: api.Set([]string{"tokens.count"})})
	r := g.do(ask{path: "/v1/messages/count_tokens", key: k.SecretKey, body: `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hello, who are you?"}]}`})
	if r.status != http.StatusOK || !strings.Contains(r.body, `"input_tokens":`) || r.header.Get("X-Tollgate-Cost-Usd") != "0.00" {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	more := g.key(hard())
	r = g.do(ask{path: "/v1/messages/count_tokens", key: more.SecretKey, body: turn("claude-sonnet-4-5", `,"novelty":1,"tools":[{"type":"web_search_20250305","name":"web_search"}]`)})
	if r.status != http.StatusOK {
		t.Errorf("what costs nothing needs no bound: status %d: %s", r.status, r.body)
	}
	row := g.row(k.APIKey.ID)
	if row.Outcome != "settled" || row.InputTokens != 0 || nano(t, row.CostUSD) != 0 || row.Endpoint != "/v1/messages/count_tokens" {
		t.Errorf("booked %+v", row)
	}
}

// TestAnthropicModelList shows what the route can reach and the key may use.
func TestAnthropicModelList(t *testing.T) {
	g := openNative(t)
	k := g.key(api.KeyInput{AllowedModels: api.Set([]string{"claude-haiku-4-5", "claude-opus-5", "gpt-4o", "demo-mini"})}).SecretKey
	var ids []string
	for _, a := range []ask{
		{path: "/v1/models", header: map[string]string{"Anthropic-Version": "2023-06-01"}},
		{path: "/v1/models", header: map[string]string{"Authorization": "", "X-Api-Key": k}},
		{path: "/anthropic/v1/models"},
	} {
		a.method, a.key = "GET", k
		r := g.do(a)
		var list struct {
			Data    []struct{ ID, Type string }
			HasMore *bool `json:"has_more"`
		}
		if err := json.Unmarshal([]byte(r.body), &list); err != nil || list.HasMore == nil {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
		ids = nil
		for _, m := range list.Data {
			ids = append(ids, m.ID)
		}
		if got := strings.Join(ids, " "); got != "claude-haiku-4-5 claude-opus-5 demo-mini" {
			t.Errorf("%s %v: %s", a.path, a.header, got)
		}
	}
	one := g.do(ask{method: "GET", path: "/anthropic/v1/models/claude-opus-5", key: k})
	if one.status != http.StatusOK || !strings.Contains(one.body, `"type":"model","id":"claude-opus-5"`) {
		t.Errorf("status %d: %s", one.status, one.body)
	}
	g.do(ask{method: "GET", path: "/anthropic/v1/models/gpt-4o", key: k}).wantAnthropic(t, 404, "not_found_error", "model_not_found")
}

// TestAnthropicThinkingIsShortened as far as its least budget, and no further.
func TestAnthropicThinkingIsShortened(t *testing.T) {
	g := openNative(t)
	body := strings.Replace(turn("claude-sonnet-4-5", `,"thinking":{"type":"enabled","budget_tokens":4000}`), "500", "8000", 1)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](4)}) // some 2,500 tokens of output
	r := g.do(ask{path: "/v1/messages", key: k.SecretKey, body: body})
	_, sent := g.provider.latest()
	var got struct {
		MaxTokens int64 `json:"max_tokens"`
		Thinking  struct {
			Budget int64 `json:"budget_tokens"`
		}
	}
	if err := json.Unmarshal([]byte(sent), &got); err != nil || r.status != http.StatusOK || r.header.Get("X-Tollgate-Clamped") == "" {
		t.Fatalf("status %d, %v: %s", r.status, r.header, sent)
	}
	if got.MaxTokens < 2000 || got.MaxTokens > 2700 || got.Thinking.Budget != got.MaxTokens-64 {
		t.Errorf("sent %+v", got)
	}
	k = g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)}) // less than 1,024 tokens
	g.do(ask{path: "/v1/messages", key: k.SecretKey, body: body}).wantAnthropic(t, 402, "billing_error", "budget_exceeded")
}

// TestAnthropicLongContext is held for where a caller asks for it: a document can
// fill all of it.
func TestAnthropicLongContext(t *testing.T) {
	g := openNative(t)
	body := `{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]}]}`
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](200)}).SecretKey // 200,000 tokens are 60 cents, a million six dollars
	if r := g.do(ask{path: "/v1/messages", key: k, body: body}); r.status != http.StatusOK {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	r := g.do(ask{path: "/v1/messages", key: k, body: body, header: map[string]string{"Anthropic-Beta": "a,context-1m-2025-08-07"}})
	r.wantAnthropic(t, 402, "billing_error", "budget_exceeded")
}
