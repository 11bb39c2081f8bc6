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

const cohereCredential = "co-credential-2718"

func openCohere(t *testing.T) *gate {
	return open(t, func(c *config.Config) {
		c.Providers["cohere"] = config.Provider{BaseURL: strings.TrimSuffix(c.Providers["openai"].BaseURL, "/v1"), APIKey: secret.New(cohereCredential)}
		c.Aliases["house-rank"] = []string{"cohere/rerank-v3.5"}
	})
}

const commanded = `"messages":[{"role":"user","content":"Hello, who are you?"}],"max_tokens":500`

// wantCohere fails unless the answer is an error in Cohere's shape.
func (r reply) wantCohere(t *testing.T, status int, code string) {
	t.Helper()
	var e struct{ Message, Code, ID string }
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != status || e.Message == "" || e.Code != code || e.ID == "" {
		t.Errorf("status %d, not %d %s: %.500s", r.status, status, code, r.body)
	}
}

// TestCohere takes requests to Cohere's own routes, and books what is billed.
func TestCohere(t *testing.T) {
	g := openCohere(t)
	const tool = `,"tools":[{"type":"function","function":{"name":"f"}}]`
	for name, c := range map[string]struct {
		path, body           string
		simulate             map[string]string
		model                string // "" = command-a-03-2025
		input, output, units int64  // prices in nano-dollars
	}{
		"whole":       {path: "/v2/chat", body: commanded},
		"streamed":    {path: "/v2/chat", body: commanded + `,"stream":true`},
		"thoughts":    {path: "/v2/chat", body: commanded + `,"stream":true,"thinking":{"token_budget":100}`, simulate: map[string]string{"Reasoning-Tokens": "40"}},
		"tools":       {path: "/v2/chat", body: commanded + `,"stream":true` + tool, simulate: map[string]string{"Tool": "f", "Tool-Calls": "3"}},
		"tools whole": {path: "/v2/chat", body: commanded + tool, simulate: map[string]string{"Tool": "f", "Tool-Calls": "2"}},
		"novelties":   {path: "/v2/chat", body: commanded + `,"stream":true`, simulate: map[string]string{"Fault": "novelties"}},
		"usage twice": {path: "/v2/chat", body: commanded + `,"stream":true`, simulate: map[string]string{"Fault": "usage-twice"}},
		"gzip":        {path: "/v2/chat", body: commanded + `,"stream":true`, simulate: map[string]string{"Fault": "gzip"}},
		"documents":   {path: "/v2/chat", body: commanded + `,"documents":["The sky is blue.",{"data":{"text":"So is the sea."}}]`},
		"embed":       {path: "/v2/embed", model: "embed-v4.0", body: `"input_type":"search_query","texts":["One","Two"]`},
		"rerank":      {path: "/v2/rerank", model: "rerank-v3.5", body: `"query":"What?","documents":["One","Two"]`},
		"rerank many": {path: "/v2/rerank?key=x", model: "house-rank", body: `"query":"What?","documents":["` + strings.Repeat(`x","`, 250) + `y"]`},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			model := c.model
			if model == "" {
				model = "command-a-03-2025"
			}
			a := ask{path: c.path, key: k.SecretKey, body: `{"model":"` + model + `",` + c.body + `}`, header: map[string]string{"X-Client-Name": "mine"}}
			for name, value := range c.simulate {
				a.header["X-Simulate-"+name] = value
			}
			r := g.do(a)
			if r.status != http.StatusOK || strings.Contains(c.body, `"stream":true`) != strings.HasSuffix(r.body, "data: [DONE]\n\n") {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			if sent, _ := g.provider.latest(); sent.Get("Authorization") != "Bearer "+cohereCredential || sent.Get("X-Client-Name") != "mine" || strings.Contains(g.provider.latestURI(), "?") {
				t.Errorf("sent to %s with %v", g.provider.latestURI(), sent)
			}
			if r.header.Get("X-Trial-Endpoint-Call-Remaining") != "" {
				t.Errorf("the account's limits are shown: %v", r.header)
			}
			path, _, _ := strings.Cut(c.path, "?")
			row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
			if row.Outcome != "settled" || row.APIFormat != "cohere" || row.Endpoint != path || row.Provider != "cohere" || row.UpstreamRequestID != served.UpstreamID {
				t.Errorf("booked %+v", row)
			}
			if row.InputTokens != served.InputTokens || row.OutputTokens != served.OutputTokens || row.Searches != served.SearchUnits {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			want := 2500*served.InputTokens + 10_000*served.OutputTokens
			switch path {
			case "/v2/embed":
				want = 120 * served.InputTokens
			case "/v2/rerank":
				want = 2_000_000 * served.SearchUnits
			}
			if got := nano(t, row.CostUSD); got != want || want == 0 {
				t.Errorf("cost %d, want %d", got, want)
			}
		})
	}
}

// TestCohereRefusals are in Cohere's shape, whoever refuses.
func TestCohereRefusals(t *testing.T) {
	g := openCohere(t)
	free := g.key(api.KeyInput{}).SecretKey
	budget := g.key(hard()).SecretKey
	chatting := `{"model":"command-a-03-2025",` + commanded + `%}`
	for name, c := range map[string]struct {
		path, key, body string
		status          int
		code            string
	}{
		"no key":               {"/v2/chat", "", strings.Replace(chatting, "%", "", 1), 401, "key_missing"},
		"no such path":         {"/v2/tokenize", free, "{}", 404, "not_found"},
		"another's model":      {"/v2/chat", free, `{"model":"gpt-4o",` + commanded + `}`, 404, "model_not_found"},
		"no model":             {"/v2/chat", free, `{` + commanded + `}`, 400, "invalid_field"},
		"format":               {"/v2/chat", g.key(api.KeyInput{AllowedAPIFormats: api.Set([]string{"openai"})}).SecretKey, "{}", 403, "format_denied"},
		"scope":                {"/v2/rerank", g.key(api.KeyInput{Scopes: api.Set([]string{"chat.completions"})}).SecretKey, "{}", 403, "scope_denied"},
		"no price":             {"/v2/chat", budget, `{"model":"cohere/north-mini-code-1-0",` + commanded + `}`, 403, "model_unpriced"},
		"a chat model ranks":   {"/v2/rerank", budget, `{"model":"command-a-03-2025","query":"a","documents":["b"]}`, 403, "model_unpriced"},
		"images have no price": {"/v2/embed", budget, `{"model":"embed-v4.0","images":["data:image/png;base64,AA"]}`, 403, "model_unpriced"},
		"nothing left":         {"/v2/rerank", g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)}).SecretKey, `{"model":"rerank-v3.5","query":"a","documents":["b"]}`, 402, "budget_exceeded"},
		"unknown field":        {"/v2/chat", budget, strings.Replace(chatting, "%", `,"connectors":[]`, 1), 400, "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.do(ask{path: c.path, key: c.key, body: c.body}).wantCohere(t, c.status, c.code)
		})
	}
}

// TestCohereUnits are held before they are billed: a cent pays for five searches of
// a hundred documents, and not for six.
func TestCohereUnits(t *testing.T) {
	g := openCohere(t)
	for n, status := range map[int]int{500: 200, 501: 402} {
		k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
		r := g.do(ask{path: "/v2/rerank", key: k.SecretKey, body: `{"model":"rerank-v3.5","query":"a","documents":["` + strings.Repeat(`x","`, n-1) + `y"]}`})
		if r.status != status {
			t.Errorf("%d documents: status %d: %.300s", n, r.status, r.body)
		}
		if status == 200 {
			if row := g.row(k.APIKey.ID); row.Searches != 5 || nano(t, row.CostUSD) != 10_000_000 || row.InputTokens != 0 {
				t.Errorf("%+v", row)
			}
		}
	}
}

// TestCohereIsClamped to what is left, by the provider itself.
func TestCohereIsClamped(t *testing.T) {
	g := openCohere(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
	r := g.do(ask{path: "/v2/chat", key: k.SecretKey, body: `{"model":"command-a-03-2025","messages":[{"role":"user","content":"Hi"}]}`, header: map[string]string{"X-Simulate-Output-Tokens": "5000"}})
	row := g.row(k.APIKey.ID)
	if r.status != 200 || r.header.Get("X-Tollgate-Clamped") == "" || !strings.Contains(r.body, `"MAX_TOKENS"`) || row.OutputTokens < 700 || nano(t, row.CostUSD) > 10_000_000 {
		t.Errorf("status %d, %v: %+v", r.status, r.header, row)
	}
}

// TestCohereEndings are booked as the contract says, also of what is billed by the
// search.
func TestCohereEndings(t *testing.T) {
	g := openCohere(t)
	const ranking = `{"model":"rerank-v3.5","query":"a","documents":["b"]}`
	streaming := `{"model":"command-a-03-2025",` + commanded + `,"stream":true}`
	for name, c := range map[string]struct {
		key               api.KeyInput
		path, body, fault string
		outcome, ends     string
		searches          int64
	}{
		"cut":                  {hard(), "/v2/chat", streaming, "cut", "unconfirmed", "broke off in the middle of its answer.\"}}\n\n", 0},
		"cut, no limit":        {api.KeyInput{}, "/v2/chat", streaming, "cut", "estimated", "broke off in the middle of its answer.\"}}\n\n", 0},
		"error":                {api.KeyInput{}, "/v2/chat", streaming, "error-mid", "estimated", "overloaded.\"}}\n\n", 0},
		"no usage":             {hard(), "/v2/chat", streaming, "no-usage", "estimated", "[DONE]\n\n", 0},
		"rerank, no usage":     {hard(), "/v2/rerank", ranking, "no-usage", "estimated", "}", 1},
		"rerank, no answer":    {api.KeyInput{}, "/v2/rerank", ranking, "cut-before", "estimated", "}", 1},
		"rerank, unconfirmed":  {hard(), "/v2/rerank", ranking, "cut-before", "unconfirmed", "}", 0},
		"rerank, refused":      {hard(), "/v2/rerank", ranking, "status=422", "failed", "}", 0},
		"rerank, in two parts": {hard(), "/v2/rerank", ranking, "cut", "unconfirmed", "}", 0},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			k := g.key(c.key)
			r := g.do(ask{path: c.path, key: k.SecretKey, body: c.body, header: map[string]string{"X-Simulate-Fault": c.fault}})
			row := g.row(k.APIKey.ID)
			if !strings.HasSuffix(r.body, c.ends) || row.Outcome != c.outcome || row.Searches != c.searches {
				t.Errorf("%d %s: %+v", r.status, r.body, row)
			}
			if cost := nano(t, row.CostUSD); (cost > 0) != (c.outcome != "failed") || c.path == "/v2/rerank" && cost > 2_000_000 {
				t.Errorf("cost %d: %+v", cost, row)
			}
		})
	}
}
