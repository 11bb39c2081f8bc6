package proxy_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tollgate/api"
)

const responses = "/v1/responses"

// response is a body of OpenAI's Responses.
func response(model, more string) string {
	return `{"model":"` + model + `","instructions":"Be brief.","input":[{"role":"user","content":"Hello, who are you?"}]` + more + `}`
}

// TestResponses books what the provider reports of a Response, streamed or not.
func TestResponses(t *testing.T) {
	g := open(t, nil)
	for name, c := range map[string]struct {
		more   string
		header map[string]string
		last   string // event of a stream; "" = it is none
		model  string
	}{
		"whole":       {},
		"streamed":    {more: `,"stream":true`, last: "response.completed"},
		"cached":      {header: map[string]string{"X-Simulate-Cached-Tokens": "1000", "X-Simulate-Input-Tokens": "1700"}},
		"gzip":        {more: `,"stream":true`, last: "response.completed", header: map[string]string{"X-Simulate-Fault": "gzip"}},
		"reasoning":   {more: `,"stream":true`, last: "response.completed", header: map[string]string{"X-Simulate-Reasoning-Tokens": "40"}},
		"tools":       {more: `,"tools":[{"type":"function","name":"f"}]`, header: map[string]string{"X-Simulate-Tool": "f", "X-Simulate-Tool-Calls": "2"}},
		"parallel":    {more: `,"stream":true,"tools":[{"type":"function","name":"f"}]`, last: "response.completed", header: map[string]string{"X-Simulate-Tool": "f", "X-Simulate-Tool-Calls": "3"}},
		"length":      {more: `,"stream":true,"max_output_tokens":16`, last: "response.incomplete"},
		"novelties":   {more: `,"stream":true`, last: "response.completed", header: map[string]string{"X-Simulate-Fault": "novelties"}},
		"usage twice": {more: `,"stream":true`, last: "response.completed", header: map[string]string{"X-Simulate-Fault": "usage-twice"}},
		"Pro":         {model: "gpt-5-pro"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			model := "gpt-5-mini"
			if c.model != "" {
				model = c.model
			}
			r := g.do(ask{path: responses, key: k.SecretKey, body: response("openai/"+model, c.more), header: c.header})
			if r.status != http.StatusOK || c.last != "" && !strings.Contains(r.body, "event: "+c.last+"\n") {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			served, row := g.provider.Served()[0], g.row(k.APIKey.ID)
			if row.Outcome != "settled" || row.APIFormat != "openai" || row.Endpoint != responses || row.Provider != "openai" || row.Stream != (c.last != "") {
				t.Errorf("booked %+v", row)
			}
			if row.InputTokens+row.CacheReadTokens != served.InputTokens || row.CacheReadTokens != served.CachedTokens ||
				row.OutputTokens != served.OutputTokens || row.ReasoningTokens != served.ReasoningTokens || served.Model != model {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			want := 250*row.InputTokens + 25*row.CacheReadTokens + 2000*row.OutputTokens
			if model == "gpt-5-pro" {
				want = 15_000*row.InputTokens + 120_000*row.OutputTokens
			}
			if got := nano(t, row.CostUSD); got != want {
				t.Errorf("cost %d, want %d", got, want)
			}
			if c.last == "" && nano(t, r.header.Get("X-Tollgate-Cost-Usd")) != want {
				t.Errorf("the header says %s", r.header.Get("X-Tollgate-Cost-Usd"))
			}
		})
	}
}

// TestResponsesAreClamped lets a budget end an answer, by the field that Responses
// have, and by no other.
func TestResponsesAreClamped(t *testing.T) {
	g := open(t, nil)
	for _, provider := range []string{"openai", "demo"} {
		k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
		r := g.do(ask{path: responses, key: k.SecretKey, body: `{"model":"` + provider + `/gpt-5","input":"Hi","stream":true}`, header: map[string]string{"X-Simulate-Output-Tokens": "5000"}})
		if provider == "demo" {
			r.want(t, http.StatusForbidden, "model_unpriced")
			continue
		}
		cap, ok := strings.CutPrefix(r.header.Get("X-Tollgate-Clamped"), "max_tokens=")
		if r.status != http.StatusOK || !ok || !strings.Contains(r.body, "event: response.incomplete") {
			t.Fatalf("status %d, clamped %q: %.300s", r.status, cap, r.body)
		}
		if _, body := g.provider.latest(); body != `{"max_output_tokens":`+cap+`,"model":"gpt-5","input":"Hi","stream":true}` {
			t.Errorf("sent %s", body)
		}
		row := g.row(k.APIKey.ID)
		if n, _ := strconv.ParseInt(cap, 10, 64); row.OutputTokens != n || nano(t, row.CostUSD) > 10_000_000 {
			t.Errorf("with a cap of %s: %+v", cap, row)
		}
	}
}

func TestResponsesThatAreRefused(t *testing.T) {
	g := open(t, nil)
	free := g.key(api.KeyInput{}).SecretKey
	budget := g.key(hard()).SecretKey
	tokens := g.key(api.KeyInput{TokensPerDay: api.Set[int64](10_000_000)}).SecretKey
	for name, c := range map[string]struct {
		key, body, code string
		status          int
	}{
		"in the background":           {key: free, body: response("gpt-5-mini", `,"background":true`), status: 400, code: "invalid_field"},
		"search under a budget":       {key: budget, body: response("gpt-5-mini", `,"tools":[{"type":"web_search"}]`), status: 403, code: "model_unpriced"},
		"search under a tokens limit": {key: tokens, body: response("gpt-5-mini", `,"tools":[{"type":"file_search"}]`), status: 400, code: "invalid_field"},
		"search":                      {key: free, body: response("gpt-5-mini", `,"tools":[{"type":"web_search"}]`), status: 200},
		"stored prompt":               {key: tokens, body: response("gpt-5-mini", `,"prompt":{"id":"p"}`), status: 400, code: "invalid_field"},
		"not known under a limit":     {key: tokens, body: response("gpt-5-mini", `,"novelty":1`), status: 400, code: "invalid_field"},
		"not known":                   {key: free, body: response("gpt-5-mini", `,"novelty":1`), status: 200},
		"what was said before":        {key: tokens, body: response("gpt-5-mini", `,"previous_response_id":"resp_1"`), status: 200},
		"priority under a budget":     {key: budget, body: response("gpt-5-nano", `,"service_tier":"priority"`), status: 403, code: "model_unpriced"},
		"another provider's":          {key: free, body: response("anthropic/claude-sonnet-4-5", ``), status: 404, code: "model_not_found"},
		"chat's field":                {key: budget, body: response("gpt-5-mini", `,"max_tokens":5`), status: 400, code: "invalid_field"},
		"two caps":                    {key: free, body: response("gpt-5-mini", `,"max_output_tokens":5,"max_output_tokens":6`), status: 400, code: "duplicate_field"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			r := g.do(ask{path: responses, key: c.key, body: c.body})
			if c.status == 200 {
				if r.status != 200 {
					t.Errorf("status %d: %.300s", r.status, r.body)
				}
				return
			}
			r.want(t, c.status, c.code)
		})
	}
}

// TestResponsesThatBreakOff are told in the way of the route, and booked with what
// they can have used.
func TestResponsesThatBreakOff(t *testing.T) {
	g := open(t, nil)
	for fault, c := range map[string]struct{ outcome, says string }{
		"cut":       {outcome: "unconfirmed", says: `"code":"upstream_unavailable"`},
		"error-mid": {outcome: "unconfirmed", says: `"code":"server_error"`},
		"no-usage":  {outcome: "estimated", says: "response.completed"},
		"bad-json":  {outcome: "settled", says: "response.completed"},
	} {
		t.Run(fault, func(t *testing.T) {
			g.t = t
			k := g.key(hard())
			r := g.do(ask{path: responses, key: k.SecretKey, body: response("gpt-5-mini", `,"stream":true`), header: map[string]string{"X-Simulate-Fault": fault}})
			if r.status != http.StatusOK || !strings.Contains(r.body, c.says) {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
			if fault == "cut" && !strings.HasSuffix(r.body, "}}\n\n") || fault == "cut" && !strings.Contains(r.body, "event: error\ndata: {\"type\":\"error\",") {
				t.Errorf("it ends with %s", r.body[len(r.body)-300:])
			}
			if row := g.row(k.APIKey.ID); row.Outcome != c.outcome || nano(t, row.CostUSD) == 0 || row.OutputTokens == 0 && c.outcome == "estimated" {
				t.Errorf("booked %+v", row)
			}
		})
	}
}
