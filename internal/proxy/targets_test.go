package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// Three targets behind one name, the first of them the cheapest.
const (
	firstTarget  = "openai/gpt-4o-mini"
	secondTarget = "demo/demo-large"
	thirdTarget  = "demo/demo-mini"
)

// openTargets opens a gate in which names stand for several targets.
func openTargets(t *testing.T) *gate {
	return open(t, func(c *config.Config) {
		c.Aliases["fast"] = []string{firstTarget, secondTarget, thirdTarget}
		c.Aliases["far"] = []string{"dead/ghost", secondTarget}
		c.Aliases["claude"] = []string{firstTarget, "demo/demo-large"}
		c.Aliases["strange"] = []string{"dead/nobody-knows", "google/gemini-2.5-flash", secondTarget}
	})
}

// fail makes the provider fail at these models, each with its status, and answer
// for the others as ever. It notes which were asked for, in order.
func (g *gate) fail(status map[string]int, header http.Header) (asked func() []string) {
	var mu sync.Mutex
	var models []string
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // it is in memory
		r.Body = io.NopCloser(bytes.NewReader(body))
		var b struct{ Model string }
		_ = json.Unmarshal(body, &b)
		mu.Lock()
		models = append(models, b.Model)
		mu.Unlock()
		if code := status[b.Model]; code != 0 {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"no %s","type":"server_error","param":null,"code":"from_%s"}}`, b.Model, b.Model)
			return
		}
		g.provider.Provider.ServeHTTP(w, r)
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return models
	}
}

func names(attempts []api.Attempt) string {
	var list []string
	for _, a := range attempts {
		list = append(list, fmt.Sprintf("%s/%s=%d", a.Provider, a.Model, a.Status))
	}
	return strings.Join(list, " ")
}

func TestTheNextTargetTakesAFailedOnesPlace(t *testing.T) {
	g := openTargets(t)
	for _, test := range []struct {
		alias    string
		failing  map[string]int
		attempts string // "" = one
		model    string // that answers; "" = the last failure is passed on
	}{
		{"fast", nil, "", "gpt-4o-mini"},
		{"fast", map[string]int{"gpt-4o-mini": 429}, "openai/gpt-4o-mini=429 demo/demo-large=200", "demo-large"},
		{"fast", map[string]int{"gpt-4o-mini": 500}, "openai/gpt-4o-mini=500 demo/demo-large=200", "demo-large"},
		{"fast", map[string]int{"gpt-4o-mini": 529}, "openai/gpt-4o-mini=529 demo/demo-large=200", "demo-large"},
		{"fast", map[string]int{"gpt-4o-mini": 503, "demo-large": 502}, "openai/gpt-4o-mini=503 demo/demo-large=502 demo/demo-mini=200", "demo-mini"},
		{"fast", map[string]int{"gpt-4o-mini": 503, "demo-large": 502, "demo-mini": 429}, "openai/gpt-4o-mini=503 demo/demo-large=502 demo/demo-mini=429", ""},
		{"fast", map[string]int{"gpt-4o-mini": 503, "demo-large": 400}, "openai/gpt-4o-mini=503 demo/demo-large=400", ""},
		{"fast", map[string]int{"gpt-4o-mini": 400}, "", ""},
		{"fast", map[string]int{"gpt-4o-mini": 401}, "", ""},
		{"fast", map[string]int{"gpt-4o-mini": 404}, "", ""},
		{"fast", map[string]int{"gpt-4o-mini": 499}, "", ""},
		{"far", nil, "dead/ghost=0 demo/demo-large=200", "demo-large"},
		{"gpt-4o-mini", map[string]int{"gpt-4o-mini": 503}, "", ""}, // no alias: nothing takes its place
	} {
		for _, stream := range []bool{false, true} {
			for _, limits := range []api.KeyInput{{}, hard()} {
				g.fail(test.failing, nil)
				limits.ConcurrentLimit, limits.RateLimitPerMinute = api.Set[int64](1), api.Set[int64](1)
				k := g.key(limits)
				r := g.do(ask{key: k.SecretKey, model: test.alias, stream: stream, max: 50})
				row := g.row(k.APIKey.ID)
				if names(row.Attempts) != test.attempts || r.header.Get("X-Tollgate-Attempts") != strings.TrimPrefix(fmt.Sprint(len(row.Attempts)), "0") {
					t.Errorf("%+v: %+v, header %q", test, row.Attempts, r.header.Get("X-Tollgate-Attempts"))
				}
				if row.RequestID != r.header.Get("X-Request-Id") || row.Status != r.status {
					t.Errorf("%+v: %d, %+v", test, r.status, row)
				}
				created, err := g.admin.Key(t.Context(), k.APIKey.ID)
				if err != nil || created.TotalRequests != 1 || created.TotalCostUSD != row.CostUSD {
					t.Errorf("%+v: %+v, %v", test, created, err)
				}
				if test.model == "" {
					last := row.Model
					if row.Outcome != "failed" || row.CostUSD != "0.00" || r.fault.Error.Code != "from_"+last {
						t.Errorf("%+v: %d %s %+v", test, r.status, r.body, row)
					}
					continue
				}
				if !r.complete(stream) || row.Model != test.model || row.Outcome != "settled" || row.CostUSD == "0.00" {
					t.Errorf("%+v: %d %s %+v", test, r.status, r.body, row)
				}
				_, sent := g.provider.latest()
				if !strings.Contains(sent, `"model":"`+test.model+`"`) || !strings.Contains(sent, "50") {
					t.Errorf("%+v: sent %s", test, sent)
				}
			}
		}
	}
}

// TestAnAttemptThatMayHaveBeenServedIsTheLast: what was sent and not answered may
// have been billed, so it is booked as ever, and nothing else is asked.
func TestAnAttemptThatMayHaveBeenServedIsTheLast(t *testing.T) {
	g := openTargets(t)
	for _, fault := range []string{"cut-before", "cut"} {
		k := g.key(hard())
		r := g.do(ask{key: k.SecretKey, model: "fast", max: 50, header: map[string]string{"X-Simulate-Fault": fault}})
		r.want(t, http.StatusBadGateway, "upstream_unavailable")
		if row := g.row(k.APIKey.ID); row.Outcome != "unconfirmed" || row.Model != "gpt-4o-mini" || len(row.Attempts) != 0 || row.CostUSD == "0.00" {
			t.Errorf("%s: %+v", fault, row)
		}
	}
}

// TestTheRulesHoldForEachTarget: what the key may not use is passed over.
func TestTheRulesHoldForEachTarget(t *testing.T) {
	g := openTargets(t)
	for name, test := range map[string]struct {
		alias   string
		in      api.KeyInput
		failing map[string]int
		asked   string
		status  int
		code    string
	}{
		"all":                  {"fast", api.KeyInput{}, nil, "gpt-4o-mini", 200, ""},
		"by the alias's name":  {"fast", api.KeyInput{AllowedModels: api.Set([]string{"fast"})}, map[string]int{"gpt-4o-mini": 503}, "gpt-4o-mini demo-large", 200, ""},
		"only the last":        {"fast", api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}, nil, "demo-mini", 200, ""},
		"not the second":       {"fast", api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o-mini", "demo-mini"})}, map[string]int{"gpt-4o-mini": 503}, "gpt-4o-mini demo-mini", 200, ""},
		"only the first":       {"fast", api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o-mini"})}, map[string]int{"gpt-4o-mini": 503}, "gpt-4o-mini", 503, "from_gpt-4o-mini"},
		"none":                 {"fast", api.KeyInput{AllowedModels: api.Set([]string{"other"})}, nil, "", 403, "model_denied"},
		"one provider":         {"fast", api.KeyInput{AllowedProviders: api.Set([]string{"demo"})}, nil, "demo-large", 200, ""},
		"no provider":          {"fast", api.KeyInput{AllowedProviders: api.Set([]string{"anthropic"})}, nil, "", 403, "provider_denied"},
		"unpriced":             {"strange", hard(), nil, "demo-large", 200, ""},
		"one without a budget": {"strange", api.KeyInput{AllowedProviders: api.Set([]string{"google"})}, nil, "", 403, "provider_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := g.fail(test.failing, nil)
			k := g.key(test.in)
			r := g.do(ask{key: k.SecretKey, model: test.alias, max: 50})
			if r.status != test.status || r.fault.Error.Code != test.code || strings.Join(asked(), " ") != test.asked {
				t.Errorf("%d %s, asked %q", r.status, r.body, asked())
			}
		})
	}
}

// TestATargetThatDoesNotFitIsPassedOver: the limits hold for whatever takes the
// place of a target, and the hold of the failed one does not stand in its way.
func TestATargetThatDoesNotFitIsPassedOver(t *testing.T) {
	g := open(t, func(c *config.Config) {
		cheap, dear := price(t, "1.00"), price(t, "1000.00")
		c.Prices = append(c.Prices,
			config.PriceRow{Provider: "demo", Model: "cheap", MaxOutput: 100, TokenPrices: config.TokenPrices{Input: cheap, Output: cheap}},
			config.PriceRow{Provider: "demo", Model: "alike", MaxOutput: 100, TokenPrices: config.TokenPrices{Input: cheap, Output: cheap}},
			config.PriceRow{Provider: "demo", Model: "dear", MaxOutput: 100, TokenPrices: config.TokenPrices{Input: dear, Output: dear}})
		c.Aliases["up"] = []string{"demo/cheap", "demo/dear", "demo/alike"}
		c.Aliases["top"] = []string{"demo/cheap", "demo/dear"}
	})
	in := api.KeyInput{BudgetLimitCents: api.Set[int64](1)}
	asked := g.fail(map[string]int{"cheap": 503}, nil)
	k := g.key(in)
	if r := g.do(ask{key: k.SecretKey, model: "up", max: 100}); !r.complete(false) || strings.Join(asked(), " ") != "cheap alike" {
		t.Errorf("%d %s, asked %q", r.status, r.body, asked())
	}
	if row := g.row(k.APIKey.ID); names(row.Attempts) != "demo/cheap=503 demo/alike=200" {
		t.Errorf("%+v", row)
	}
	k = g.key(in)
	r := g.do(ask{key: k.SecretKey, model: "top", max: 100})
	r.want(t, 503, "from_cheap")
	if row := g.row(k.APIKey.ID); row.Model != "cheap" || row.Outcome != "failed" || len(row.Attempts) != 0 {
		t.Errorf("%+v", row)
	}
	if r := g.do(ask{key: k.SecretKey, model: "demo/alike", max: 100}); !r.complete(false) {
		t.Errorf("what was held is not given back: %d %s", r.status, r.body)
	}
}

// TestNoCapIsPassedByFallingBack: many requests at once, whose first target fails
// and whose second costs more, spend no more than the budget has.
func TestNoCapIsPassedByFallingBack(t *testing.T) {
	g := openTargets(t)
	g.fail(map[string]int{"gpt-4o-mini": 503}, nil)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 12 {
				r := g.do(ask{key: k.SecretKey, model: "fast", max: 100, header: map[string]string{"X-Simulate-Output-Tokens": "100"}})
				if r.status != 200 && r.status != 402 && r.status != 429 && r.status != 503 {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		})
	}
	wg.Wait()
	var sum int64
	for _, row := range g.rows(k.APIKey.ID) {
		sum += nano(t, row.CostUSD)
		if row.Outcome == "settled" && !strings.HasPrefix(names(row.Attempts), "openai/gpt-4o-mini=503 demo/demo-") {
			t.Errorf("%+v", row)
		}
	}
	if billed := g.provider.Stats(); sum > 10_000_000 || sum == 0 || billed.Requests == 0 {
		t.Errorf("$%s of $0.01", usd(sum))
	}
	if now, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || nano(t, now.TotalCostUSD) != sum {
		t.Errorf("%+v, %v, want $%s", now, err, usd(sum))
	}
}

// TestATargetThatAsksForRestIsAskedLast: what a provider says of when to come
// again holds for the requests that follow, as long as there is another target.
func TestATargetThatAsksForRestIsAskedLast(t *testing.T) {
	g := openTargets(t)
	k := g.key(api.KeyInput{})
	asked := g.fail(map[string]int{"gpt-4o-mini": 429}, http.Header{"Retry-After": {"3600"}})
	for range 2 {
		if r := g.do(ask{key: k.SecretKey, model: "fast"}); !r.complete(false) {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if got := strings.Join(asked(), " "); got != "gpt-4o-mini demo-large demo-large" {
		t.Errorf("asked %s", got)
	}
	asked = g.fail(map[string]int{"demo-large": 500, "demo-mini": 500}, nil)
	if r := g.do(ask{key: k.SecretKey, model: "fast"}); !r.complete(false) || strings.Join(asked(), " ") != "demo-large demo-mini gpt-4o-mini" {
		t.Errorf("%d %s, asked %q", r.status, r.body, asked())
	}
	if r := g.do(ask{key: k.SecretKey, model: "gpt-4o-mini"}); !r.complete(false) {
		t.Errorf("by its own name: %d %s", r.status, r.body)
	}
}

// TestExplainShowsTheTargets: which comes first, which would follow, and which are
// passed over.
func TestExplainShowsTheTargets(t *testing.T) {
	g := openTargets(t)
	for name, test := range map[string]struct {
		in     api.KeyInput
		alias  string
		format string
		code   string
		detail string
	}{
		"all":         {api.KeyInput{}, "fast", "", "", "The model is openai/gpt-4o-mini. Where its provider answers with 429 or 5xx, or cannot be reached, demo/demo-large, then demo/demo-mini takes its place."},
		"some":        {api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}, "fast", "", "", "The model is demo/demo-mini. Passed over: openai/gpt-4o-mini (model_denied), demo/demo-large (model_denied)."},
		"none":        {api.KeyInput{AllowedModels: api.Set([]string{"other"})}, "fast", "", "model_denied", "The model is openai/gpt-4o-mini."},
		"unpriced":    {hard(), "strange", "", "", "The model is demo/demo-large. Passed over: dead/nobody-knows (model_unpriced), google/gemini-2.5-flash (provider_unconfigured)."},
		"a format":    {api.KeyInput{}, "claude", "anthropic", "", "The model is demo/demo-large. Passed over: openai/gpt-4o-mini (model_not_found)."},
		"no format":   {api.KeyInput{}, "gpt-4o-mini", "anthropic", "model_not_found", ""},
		"no provider": {api.KeyInput{AllowedProviders: api.Set([]string{"google"})}, "strange", "", "provider_denied", "The model is dead/nobody-knows."},
	} {
		got, err := g.admin.Explain(t.Context(), api.ExplainRequest{KeyID: g.key(test.in).APIKey.ID, Model: test.alias, APIFormat: test.format})
		if err != nil || got.Code != test.code {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for _, step := range got.Steps {
			if step.Rule == "catalog" && test.detail != "" && step.Detail != test.detail {
				t.Errorf("%s: %s", name, step.Detail)
			}
		}
	}
}

// TestOnlyTargetsThatSpeakTheFormat: a target that does not have the route is passed
// over, and an alias is listed where one of its targets can be used.
func TestOnlyTargetsThatSpeakTheFormat(t *testing.T) {
	g := openTargets(t)
	k := g.key(api.KeyInput{})
	body := `{"model":"claude","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`
	if r := g.do(ask{key: k.SecretKey, path: "/v1/messages", body: body}); r.status != 200 || g.row(k.APIKey.ID).Model != "demo-large" {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, test := range []struct {
		models []string
		listed bool
	}{{nil, true}, {[]string{"demo-mini"}, true}, {[]string{"fast"}, true}, {[]string{"other"}, false}} {
		in := api.KeyInput{}
		if test.models != nil {
			in.AllowedModels = api.Set(test.models)
		}
		k := g.key(in)
		list, one := g.do(ask{key: k.SecretKey, method: "GET", path: "/v1/models"}), g.do(ask{key: k.SecretKey, method: "GET", path: "/v1/models/fast"})
		if strings.Contains(list.body, `"fast"`) != test.listed || (one.status == 200) != test.listed {
			t.Errorf("%v: %s; %d %s", test.models, list.body, one.status, one.body)
		}
	}
}
