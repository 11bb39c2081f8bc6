package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// openPassages opens a gate through which some of what a provider has can be reached.
func openPassages(t *testing.T) *gate {
	return open(t, func(c *config.Config) {
		p := c.Providers["openai"]
		p.Passthrough = []config.Passthrough{
			{Method: "GET", Path: "/v1/files*", Free: true},
			{Method: "POST", Path: "/v1/jobs", Request: price(t, "0.004")},
			{Path: "/v1/told", Usage: "openai", Model: "gpt-4o-mini", MaxInputTokens: 1000, MaxOutputTokens: 1000},
			{Path: "/v1/unpriced", Usage: "openai", MaxInputTokens: 1000, MaxOutputTokens: 1000},
			{Path: "/v1/shown", InputTokens: "/meta/units/0/in", OutputTokens: "/meta/out", Model: "gpt-4o-mini", MaxInputTokens: 1000, MaxOutputTokens: 1000},
			{Path: "/*", Free: true, Method: "DELETE"},
		}
		c.Providers["openai"] = p
		c.Providers["google"] = config.Provider{BaseURL: strings.TrimSuffix(p.BaseURL, "/v1"), APIKey: p.APIKey}
		c.Providers["anthropic"] = config.Provider{BaseURL: strings.TrimSuffix(p.BaseURL, "/v1"), APIKey: p.APIKey}
	})
}

// recorded is a request as the provider got it.
type recorded struct {
	method, uri, body string
	header            http.Header
}

// tells makes the provider answer every request with this, and gives them.
func (g *gate) tells(status int, contentType, body string) (got func() []recorded) {
	var mu sync.Mutex
	var all []recorded
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // it is in memory
		mu.Lock()
		all = append(all, recorded{r.Method, r.RequestURI, string(b), r.Header})
		mu.Unlock()
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-Custom", "yes "+openaiCredential)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	return func() []recorded {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestWhatPassesThroughToAProvider(t *testing.T) {
	g := openPassages(t)
	k := g.key(api.KeyInput{})
	for _, test := range []struct {
		method, path, body string
		contentType        string
		uri                string // at the provider
		header             string // that has the credential
	}{
		{"GET", "/providers/openai/v1/files/file-1?purpose=a&key=" + k.SecretKey + "&b=%20c", "", "", "/v1/files/file-1?purpose=a&b=%20c", "Authorization"},
		{"POST", "/providers/openai/v1/files", "--x\r\nnot JSON\x00\r\n--x--", "multipart/form-data; boundary=x", "/v1/files", "Authorization"},
		{"PUT", "/providers/openai/metrics", "1", "text/plain", "/metrics", "Authorization"},
		{"PATCH", "/providers/openai/v1/things/a:b@c,d", "{}", "application/json", "/v1/things/a:b@c,d", "Authorization"},
		{"DELETE", "/providers/openai/v1/files/file-1", "", "", "/v1/files/file-1", "Authorization"},
		{"HEAD", "/providers/openai/v1/files/file-1", "", "", "/v1/files/file-1", "Authorization"},
		{"GET", "/providers/openai/v1/models", "", "", "/v1/models", "Authorization"},
		{"GET", "/providers/openai/v1/chat/completions", "", "", "/v1/chat/completions", "Authorization"}, // those that are stored
		{"GET", "/providers/anthropic/v1/files", "", "", "/v1/files", "X-Api-Key"},
		{"POST", "/providers/google/upload/v1beta/files", "x", "video/mp4", "/upload/v1beta/files", "X-Goog-Api-Key"},
		{"POST", "/providers/google/v1beta/openai/batches", "{}", "application/json", "/v1beta/openai/batches", "Authorization"},
		{"GET", "/providers/demo/v1/anything", "", "", "/v1/anything", "Authorization"},
	} {
		got := g.tells(200, "application/octet-stream", "\x00\x01 is not JSON either "+openaiCredential)
		r := g.do(ask{method: test.method, path: test.path, key: k.SecretKey, body: test.body, header: map[string]string{
			"Content-Type": test.contentType, "X-Api-Key": k.SecretKey, "Api-Key": k.SecretKey, "X-Goog-Api-Key": k.SecretKey, "Cookie": "c=d",
			"X-Custom": "kept", "X-Forwarded-For": "192.0.2.1", "Openai-Organization": "org-x",
		}})
		if len(got()) != 1 || r.status != 200 {
			t.Errorf("%s %s: %d %s, %+v", test.method, test.path, r.status, r.body, got())
			continue
		}
		at := got()[0]
		if at.method != test.method || at.uri != test.uri || at.body != test.body || at.header.Get("Content-Type") != test.contentType || at.header.Get("X-Custom") != "kept" {
			t.Errorf("%s %s: got %+v", test.method, test.path, at)
		}
		all := fmt.Sprint(at)
		if strings.Contains(all, k.SecretKey) || at.header.Get("Cookie")+at.header.Get("X-Forwarded-For")+at.header.Get("Openai-Organization") != "" || !strings.Contains(at.header.Get(test.header), "credential") {
			t.Errorf("%s %s: %v", test.method, test.path, at.header)
		}
		if want := "\x00\x01 is not JSON either "; test.method != "HEAD" && !strings.HasPrefix(r.body, want) {
			t.Errorf("%s %s: %q", test.method, test.path, r.body)
		}
		if !strings.HasPrefix(test.path, "/providers/demo") && strings.Contains(r.body+fmt.Sprint(r.header), openaiCredential) || r.header.Get("Set-Cookie") != "" {
			t.Errorf("%s %s: %q %v", test.method, test.path, r.body, r.header)
		}
	}
	for _, row := range g.rows(k.APIKey.ID) {
		if row.CostUSD != "0.00" || row.Outcome != "settled" && row.Outcome != "estimated" || row.Status != 200 {
			t.Errorf("%+v", row)
		}
	}
	if strings.Contains(g.log.String(), k.SecretKey) || strings.Contains(g.log.String(), openaiCredential) {
		t.Error("a secret is in the log")
	}
}

// TestHowWhatPassesThroughIsMetered: by the rule, under a hard limit and without one.
func TestHowWhatPassesThroughIsMetered(t *testing.T) {
	g := openPassages(t)
	const (
		usage  = `{"id":"x","usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}`
		events = "data: {\"id\":\"x\",\"choices\":[]," + `"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}` + "\n\ndata: [DONE]\n\n"
	)
	for _, test := range []struct {
		method, path, kind, answer string
		status                     int
		outcome                    string
		in, out                    int64
		cost                       string
	}{
		{"GET", "/v1/files/a", "text/plain", "a", 200, "settled", 0, 0, "0.00"},
		{"GET", "/v1/files/a", "text/plain", "no", 404, "failed", 0, 0, "0.00"},
		{"POST", "/v1/jobs", "text/plain", "a", 200, "settled", 0, 0, "0.004"},
		{"POST", "/v1/jobs", "text/plain", "no", 400, "failed", 0, 0, "0.00"},
		{"POST", "/v1/told", "application/json", usage, 200, "settled", 100, 10, "0.000021"},
		{"POST", "/v1/told", "text/event-stream", events, 200, "settled", 100, 10, "0.000021"},
		{"POST", "/v1/told", "application/json", "{}", 200, "unconfirmed", 1000, 1000, ""},
		{"POST", "/v1/told", "audio/mpeg", "\x00", 200, "unconfirmed", 1000, 1000, ""},
		{"POST", "/v1/told", "application/json", `{"error":1}`, 500, "failed", 0, 0, "0.00"},
		{"POST", "/v1/shown", "application/json", `{"meta":{"units":[{"in":7.2}],"out":3}}`, 200, "settled", 8, 3, "0.000003"},
		{"POST", "/v1/shown", "application/json", `{"meta":{"units":[{"in":7}]}}`, 200, "unconfirmed", 1000, 1000, ""},
		{"POST", "/v1/shown", "application/json", `{"meta":{"units":[{"in":7}],"out":3},"x":"` + strings.Repeat("x", 1<<20) + `"}`, 200, "unconfirmed", 1000, 1000, ""},
	} {
		for name, in := range map[string]api.KeyInput{"hard": hard(), "unlimited": {}, "tokens": {TokensPerDay: api.Set[int64](100_000)}} {
			k := g.key(in)
			g.tells(test.status, test.kind, test.answer)
			r := g.do(ask{method: test.method, path: "/providers/openai" + test.path, key: k.SecretKey, body: "{}"})
			row := g.row(k.APIKey.ID)
			if r.status != test.status || r.body != test.answer || row.Outcome != test.outcome || row.InputTokens != test.in || row.OutputTokens != test.out || test.cost != "" && row.CostUSD != test.cost {
				t.Errorf("%s: %s %s: %d %.200q, %+v", name, test.method, test.path, r.status, r.body, row)
			}
			if row.RequestID != r.header.Get("X-Request-Id") || !strings.HasPrefix(row.Endpoint, "/providers/openai/v1/") {
				t.Errorf("%+v", row)
			}
		}
	}
}

// TestWhatMayNotPassThrough: what is not metered is not for keys with limits, and
// what says no model is not for keys that are for some models only.
func TestWhatMayNotPassThrough(t *testing.T) {
	g := openPassages(t)
	models := func(list ...string) api.KeyInput { return api.KeyInput{AllowedModels: api.Set(list)} }
	for name, test := range map[string]struct {
		in           api.KeyInput
		method, path string
		status       int
		code         string
	}{
		"a budget":               {hard(), "POST", "/providers/openai/v1/other", 403, "model_unpriced"},
		"a soft budget":          {api.KeyInput{BudgetLimitCents: api.Set[int64](10), BudgetMode: api.Set("soft")}, "POST", "/providers/openai/v1/other", 403, "model_unpriced"},
		"tokens":                 {api.KeyInput{TokensPerMonth: api.Set[int64](1e9)}, "POST", "/providers/openai/v1/other", 403, "model_unpriced"},
		"a balance":              {api.KeyInput{InitialBalanceUSD: api.Set("5")}, "POST", "/providers/openai/v1/other", 403, "model_unpriced"},
		"no price":               {hard(), "POST", "/providers/openai/v1/unpriced", 403, "model_unpriced"},
		"no price, only tokens":  {api.KeyInput{TokensPerDay: api.Set[int64](10_000)}, "POST", "/providers/openai/v1/unpriced", 200, ""},
		"too large":              {api.KeyInput{TokensPerDay: api.Set[int64](1999)}, "POST", "/providers/openai/v1/told", 429, "tokens_limited"},
		"just fits":              {api.KeyInput{TokensPerDay: api.Set[int64](2000)}, "POST", "/providers/openai/v1/told", 200, ""},
		"some models":            {models("gpt-4o*"), "POST", "/providers/openai/v1/other", 403, "model_denied"},
		"a price says no model":  {models("gpt-4o*"), "POST", "/providers/openai/v1/jobs", 403, "model_denied"},
		"some models, and named": {models("gpt-4o*"), "POST", "/providers/openai/v1/told", 200, ""},
		"other models":           {models("demo*"), "POST", "/providers/openai/v1/told", 403, "model_denied"},
		"some models, and free":  {models("demo*"), "GET", "/providers/openai/v1/files", 200, ""},
		"another provider":       {api.KeyInput{AllowedProviders: api.Set([]string{"demo"})}, "GET", "/providers/openai/v1/files", 403, "provider_denied"},
		"and not free":           {api.KeyInput{AllowedProviders: api.Set([]string{"demo"})}, "POST", "/providers/openai/v1/other", 403, "provider_denied"},
		"another scope":          {api.KeyInput{Scopes: api.Set([]string{"chat.completions"})}, "GET", "/providers/openai/v1/files", 403, "scope_denied"},
		"its scope":              {api.KeyInput{Scopes: api.Set([]string{"provider.passthrough"})}, "GET", "/providers/openai/v1/files", 200, ""},
		"another path":           {api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/*"})}, "GET", "/providers/openai/v1/files", 403, "endpoint_denied"},
		"its path":               {api.KeyInput{AllowedEndpoints: api.Set([]string{"/providers/openai/v1/files*"})}, "GET", "/providers/openai/v1/files/a", 200, ""},
		"another format":         {api.KeyInput{AllowedAPIFormats: api.Set([]string{"anthropic"})}, "GET", "/providers/openai/v1/files", 403, "format_denied"},
		"no such provider":       {api.KeyInput{}, "GET", "/providers/nobody/v1/files", 404, "not_found"},
		"no credential":          {api.KeyInput{}, "GET", "/providers/huggingface/v1/files", 503, "provider_unconfigured"},
		"a method":               {api.KeyInput{}, "TRACE", "/providers/openai/v1/files", 405, "method_not_allowed"},
		"a rate":                 {api.KeyInput{ConcurrentLimit: api.Set[int64](0)}, "GET", "/providers/openai/v1/files", 429, "concurrency_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.tells(200, "application/json", `{"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
			r := g.do(ask{method: test.method, path: test.path, key: g.key(test.in).SecretKey, body: "{}"})
			if r.status != test.status || r.fault.Error.Code != test.code || (len(got()) == 1) != (test.status == 200) {
				t.Errorf("%d %s, %+v", r.status, r.body, got())
			}
		})
	}
	if r := g.do(ask{method: "GET", path: "/providers/openai/v1/files", key: "tg_nobody"}); r.status != 401 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestNothingElseIsReachedByAPath: a path means what it says, or nothing.
func TestNothingElseIsReachedByAPath(t *testing.T) {
	g := openPassages(t)
	k := g.key(api.KeyInput{})
	got := g.tells(200, "application/json", "{}")
	for _, path := range []string{
		"/v1/../secret", "/v1/%2e%2e/secret", "/v1/%2E./secret", "/../x", "/v1/..", "/v1/.", "/v1/./files", "//evil.example/x", "/v1//files", "/v1/files%2fx", "/v1%2Ffiles",
		"/v1/a%5cb", "/v1/a%20b", "/v1/a%00b", "/v1/;x", "/v1/é", "/v1/chat%2Fcompletions", "/v1/x%3Fy",
		"/v1/Chat/Completions", "/v1/chat/completions/", "/V1/chat/completions", "/v1//chat/completions", "/v1/EMBEDDINGS",
	} {
		for _, method := range []string{"POST", "DELETE"} {
			if r := g.do(ask{method: method, path: "/providers/openai" + path, key: k.SecretKey}); r.status != 404 {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
		}
	}
	for _, path := range []string{"/v1beta/models/gemini-2.5-flash:GenerateContent", "/v1beta/openai/Chat/completions", "/V1BETA/models/x:generateContent/", "/v1/models/gemini-2.5-flash:generateContent", "/v1beta/tunedModels/x:generateContent"} {
		if r := g.do(ask{path: "/providers/google" + path, key: k.SecretKey}); r.status != 404 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if len(got()) != 0 {
		t.Errorf("%+v", got())
	}
}

// TestRoutesAreNotEvaded: what there is a route for goes the way of that, with all
// rules and caps, and to the provider that the path names.
func TestRoutesAreNotEvaded(t *testing.T) {
	g := openPassages(t)
	const chatPath = "/providers/openai/v1/chat/completions"
	for name, test := range map[string]struct {
		in     api.KeyInput
		path   string
		model  string
		status int
		code   string
		sent   string // the model at the provider
	}{
		"plain":              {api.KeyInput{}, chatPath, "gpt-4o-mini", 200, "", "gpt-4o-mini"},
		"a budget":           {hard(), chatPath, "gpt-4o-mini", 200, "", "gpt-4o-mini"},
		"not the alias":      {api.KeyInput{}, chatPath, "house-model", 200, "", "house-model"},
		"not another's":      {api.KeyInput{}, chatPath, "demo/demo-large", 200, "", "demo/demo-large"},
		"another model":      {api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}, chatPath, "gpt-4o-mini", 403, "model_denied", ""},
		"an alias's name":    {api.KeyInput{AllowedModels: api.Set([]string{"house-model"})}, chatPath, "gpt-4o-mini", 403, "model_denied", ""},
		"another provider":   {api.KeyInput{AllowedProviders: api.Set([]string{"demo"})}, chatPath, "gpt-4o-mini", 403, "provider_denied", ""},
		"only one scope":     {api.KeyInput{Scopes: api.Set([]string{"provider.passthrough"})}, chatPath, "gpt-4o-mini", 403, "scope_denied", ""},
		"only the other":     {api.KeyInput{Scopes: api.Set([]string{"chat.completions"})}, chatPath, "gpt-4o-mini", 403, "scope_denied", ""},
		"both":               {api.KeyInput{Scopes: api.Set([]string{"chat.completions", "provider.passthrough"})}, chatPath, "gpt-4o-mini", 200, "", "gpt-4o-mini"},
		"the route's path":   {api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/chat/completions"})}, chatPath, "gpt-4o-mini", 403, "endpoint_denied", ""},
		"no price":           {hard(), chatPath, "nobody-knows", 403, "model_unpriced", ""},
		"no money":           {api.KeyInput{BudgetLimitCents: api.Set[int64](0)}, chatPath, "gpt-4o-mini", 402, "budget_exceeded", ""},
		"Google's other way": {api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}, "/providers/google/v1beta/openai/chat/completions", "gemini-2.5-flash", 403, "model_denied", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g.provider.answers(nil)
			k := g.key(test.in)
			r := g.do(ask{path: test.path, key: k.SecretKey, model: test.model, max: 50})
			if r.status != test.status || r.fault.Error.Code != test.code {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if test.status != 200 {
				return
			}
			row := g.row(k.APIKey.ID)
			if _, body := g.provider.latest(); row.Outcome != "settled" || row.OutputTokens != 32 || row.Provider != "openai" || row.Model != test.sent || !strings.Contains(body, `"`+test.sent+`"`) {
				t.Errorf("%+v, %s", row, body)
			}
		})
	}
	k := g.key(hard())
	body := `{"contents":[{"parts":[{"text":"Hello"}]}]}`
	if r := g.do(ask{path: "/providers/google/v1beta/models/gemini-2.5-flash:generateContent", key: k.SecretKey, body: body}); r.status != 200 || g.row(k.APIKey.ID).Model != "gemini-2.5-flash" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := g.do(ask{path: "/providers/anthropic/v1/messages", key: k.SecretKey, body: `{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`}); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestNoCapIsPassedByPassingThrough: many requests at once, each at a fixed price.
func TestNoCapIsPassedByPassingThrough(t *testing.T) {
	g := openPassages(t)
	g.tells(200, "text/plain", "done")
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10)})
	var served atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 5 {
				switch r := g.do(ask{path: "/providers/openai/v1/jobs", key: k.SecretKey, body: "x"}); r.status {
				case 200:
					served.Add(1)
				case 402, 429:
				default:
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		})
	}
	wg.Wait()
	now, err := g.admin.Key(t.Context(), k.APIKey.ID)
	if err != nil || served.Load() != 25 || now.TotalCostUSD != "0.10" {
		t.Errorf("%d served, $%s, %v", served.Load(), now.TotalCostUSD, err)
	}
}

// TestARedirectIsNotFollowed, and not passed on: the caller would send its key on.
func TestARedirectIsNotFollowed(t *testing.T) {
	g := openPassages(t)
	var asked atomic.Int64
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	k := g.key(api.KeyInput{})
	r := g.do(ask{method: "GET", path: "/providers/openai/v1/files/a", key: k.SecretKey})
	r.want(t, 502, "upstream_unavailable")
	if asked.Load() != 1 || r.header.Get("Location") != "" {
		t.Errorf("asked %d times, %v", asked.Load(), r.header)
	}
}

// TestLargeBodiesAndStreamsPassPieceByPiece: more than a body may have that is kept,
// in memory and on its way: the first of it is there before the last is sent.
func TestLargeBodiesAndStreamsPassPieceByPiece(t *testing.T) {
	const size = 8 << 20
	reached, goOn := make(chan struct{}), make(chan struct{})
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1<<10)
		if _, err := io.ReadFull(r.Body, b); err != nil {
			t.Error(err)
		}
		close(reached)
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != size-1<<10 {
			t.Errorf("%d bytes, %v", n, err)
		}
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-goOn
		_, _ = io.WriteString(w, "last")
	}))
	t.Cleanup(far.Close)
	g := open(t, func(c *config.Config) {
		c.Providers["far"] = config.Provider{BaseURL: far.URL, Passthrough: []config.Passthrough{{Path: "/up", Request: price(t, "0.01")}}}
		c.Limits.MaxBodyBytes, c.Limits.MaxBufferedBytes = config.MiB, config.MiB
	})
	k := g.key(hard())
	body, in := io.Pipe()
	go func() {
		_, _ = in.Write(make([]byte, 1<<20))
		<-reached
		_, _ = in.Write(make([]byte, size-1<<20))
		_ = in.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.base+"/providers/far/up", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.SecretKey)
	resp, err := g.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "first" {
		t.Errorf("%q, %v", b, err)
	}
	close(goOn)
	if r := read(resp); r.body != "last" || r.status != 200 || r.header.Get("X-Tollgate-Cost-Usd") != "0.01" {
		t.Errorf("%d %q %v", r.status, r.body, r.header)
	}
	if row := g.row(k.APIKey.ID); row.CostUSD != "0.01" || row.Outcome != "settled" {
		t.Errorf("%+v", row)
	}
}

// TestWhatBreaksOffWhilePassingThrough is booked by its rule, and never taken for
// whole.
func TestWhatBreaksOffWhilePassingThrough(t *testing.T) {
	g := openPassages(t)
	for _, test := range []struct {
		path, outcome, cost string
	}{{"/v1/jobs", "settled", "0.004"}, {"/v1/told", "unconfirmed", ""}, {"/v1/shown", "unconfirmed", ""}} {
		for _, early := range []bool{true, false} {
			g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
				if !early {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = io.WriteString(w, "data: {\"choices\":[]}\n\n")
					_ = http.NewResponseController(w).Flush()
				}
				panic(http.ErrAbortHandler)
			})
			k := g.key(hard())
			resp, err := g.http.Do(g.request(t.Context(), ask{path: "/providers/openai" + test.path, key: k.SecretKey, body: "{}"}))
			if err == nil {
				if r := read(resp); r.status == 200 && r.err == nil && !strings.Contains(r.body, "upstream_unavailable") {
					t.Errorf("%s: %d %q", test.path, r.status, r.body)
				}
			}
			row := g.row(k.APIKey.ID)
			if want := test.outcome; row.Outcome != want && !(early && row.Outcome == "unconfirmed") || test.cost != "" && row.CostUSD != test.cost || row.CostUSD == "0.00" {
				t.Errorf("%s, early %v: %+v", test.path, early, row)
			}
		}
	}
}
