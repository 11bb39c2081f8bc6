package proxy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
)

const googleCredential = "AIza-credential-6174"

const flash = "/v1beta/models/gemini-2.5-flash"

// hello is a body of Google's generateContent.
func hello(more string) string {
	return `{"contents":[{"role":"user","parts":[{"text":"Hello, who are you?"}]}]` + more + `}`
}

// wantGoogle fails unless the answer is an error in Google's shape.
func (r reply) wantGoogle(t *testing.T, status int, word, code string) {
	t.Helper()
	var e struct {
		Error struct {
			Code            int
			Message, Status string
			Details         []struct{ Reason string }
		}
	}
	err := json.Unmarshal([]byte(r.body), &e)
	if err != nil || r.status != status || e.Error.Code != status || e.Error.Status != word || e.Error.Message == "" ||
		len(e.Error.Details) == 0 || e.Error.Details[0].Reason != strings.ToUpper(code) {
		t.Errorf("status %d, not %d %s %s: %.500s", r.status, status, word, code, r.body)
	}
}

// TestGemini takes requests to Google's own routes, in each form of an answer,
// and books what it reported.
func TestGemini(t *testing.T) {
	g := openNative(t)
	const capped = `,"generationConfig":{"maxOutputTokens":500}`
	for name, c := range map[string]struct {
		path, more string
		header     map[string]string
		ends       string
		cost       int64 // of a prompt token
	}{
		"whole":       {path: flash + ":generateContent", ends: "}", cost: 300},
		"events":      {path: flash + ":streamGenerateContent?alt=sse", ends: "}\r\n\r\n", cost: 300},
		"list":        {path: flash + ":streamGenerateContent", ends: "}]", cost: 300},
		"by provider": {path: "/v1beta/models/google/gemini-2.5-flash:generateContent", ends: "}", cost: 300},
		"thoughts":    {path: flash + ":streamGenerateContent?alt=sse", ends: "}\r\n\r\n", cost: 300, header: map[string]string{"X-Simulate-Reasoning-Tokens": "40"}},
		"cached":      {path: flash + ":streamGenerateContent", ends: "}]", cost: 300, header: map[string]string{"X-Simulate-Cached-Tokens": "1000", "X-Simulate-Input-Tokens": "1700"}},
		"sound":       {path: flash + ":generateContent", ends: "}", cost: 300, header: map[string]string{"X-Simulate-Input-Audio-Tokens": "100", "X-Simulate-Input-Tokens": "700"}},
		"novelties":   {path: flash + ":streamGenerateContent", ends: "}]", cost: 300, header: map[string]string{"X-Simulate-Fault": "novelties"}},
		"usage twice": {path: flash + ":streamGenerateContent", ends: "}]", cost: 300, header: map[string]string{"X-Simulate-Fault": "usage-twice"}},
		"gzip":        {path: flash + ":streamGenerateContent?alt=sse", ends: "}\r\n\r\n", cost: 300, header: map[string]string{"X-Simulate-Fault": "gzip"}},
		"large model": {path: "/v1beta/models/gemini-2.5-pro:generateContent", ends: "}", cost: 1250},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			a := ask{path: c.path, body: hello(capped), header: map[string]string{"X-Goog-Api-Key": k.SecretKey, "X-Goog-Api-Client": "genai", "X-Goog-User-Project": "mine"}}
			for name, value := range c.header {
				a.header[name] = value
			}
			r := g.do(a)
			if r.status != http.StatusOK || !strings.HasSuffix(r.body, c.ends) || strings.Contains(r.body, `"error"`) {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			sent, body := g.provider.latest()
			if sent.Get("X-Goog-Api-Key") != googleCredential || sent.Get("X-Goog-Api-Client") != "genai" || sent.Get("X-Goog-User-Project") != "" || body != hello(capped) {
				t.Errorf("sent %s with %v", body, sent)
			}
			row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
			endpoint := "/v1beta/models/{model}:generateContent"
			if strings.Contains(c.path, ":stream") {
				endpoint = "/v1beta/models/{model}:streamGenerateContent"
			}
			if row.Outcome != "settled" || row.APIFormat != "gemini" || row.Endpoint != endpoint || row.Provider != "google" || !strings.HasPrefix(row.Model, "gemini-2.5-") {
				t.Errorf("booked %+v", row)
			}
			if row.InputTokens+row.CacheReadTokens != served.InputTokens || row.CacheReadTokens != served.CachedTokens ||
				row.OutputTokens != served.OutputTokens || row.ReasoningTokens != served.ReasoningTokens {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			output := map[int64]int64{300: 2500, 1250: 10_000}[c.cost]
			if got, want := nano(t, row.CostUSD), c.cost*row.InputTokens+c.cost/10*row.CacheReadTokens+output*row.OutputTokens+(1000-c.cost)*served.InputAudioTokens; got != want {
				t.Errorf("cost %d, want %d", got, want)
			}
		})
	}
}

// TestGeminiCapIsWritten where the model's own would be more than is left.
func TestGeminiCapIsWritten(t *testing.T) {
	g := openNative(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)}) // some 3,800 tokens of output
	r := g.do(ask{path: flash + ":generateContent", key: k.SecretKey, body: hello(`,"generation_config":{"candidate_count":2,"thinking_config":{"thinking_budget":9000}}`)})
	_, sent := g.provider.latest()
	var got struct {
		Config struct {
			Max      int64 `json:"maxOutputTokens"`
			Thinking struct {
				Budget int64 `json:"thinking_budget"`
			} `json:"thinking_config"`
		} `json:"generation_config"`
	}
	if err := json.Unmarshal([]byte(sent), &got); err != nil || r.status != http.StatusOK || r.header.Get("X-Tollgate-Clamped") == "" {
		t.Fatalf("status %d, %v: %s", r.status, r.header, sent)
	}
	if got.Config.Max < 1500 || got.Config.Max > 2000 || got.Config.Thinking.Budget != got.Config.Max-64 {
		t.Errorf("sent %s", sent)
	}
}

// TestGeminiRefusals are in Google's shape, whoever refuses.
func TestGeminiRefusals(t *testing.T) {
	g := openNative(t)
	free := g.key(api.KeyInput{}).SecretKey
	budget := g.key(hard()).SecretKey
	search := hello(`,"tools":[{"googleSearch":{}}]`)
	for name, c := range map[string]struct {
		ask        ask
		status     int
		word, code string
	}{
		"no key":             {ask{}, 401, "UNAUTHENTICATED", "key_missing"},
		"wrong key":          {ask{key: "tg_wrong"}, 401, "UNAUTHENTICATED", "key_invalid"},
		"two keys":           {ask{key: free, header: map[string]string{"X-Goog-Api-Key": budget}}, 401, "UNAUTHENTICATED", "key_ambiguous"},
		"another path":       {ask{key: free, path: "/v1beta/models/gemini-2.5-flash:predict"}, 404, "NOT_FOUND", "not_found"},
		"another method":     {ask{key: free, method: "GET", path: flash + ":generateContent"}, 405, "INVALID_ARGUMENT", "method_not_allowed"},
		"format":             {ask{key: g.key(api.KeyInput{AllowedAPIFormats: api.Set([]string{"openai", "anthropic"})}).SecretKey}, 403, "PERMISSION_DENIED", "format_denied"},
		"endpoint":           {ask{key: g.key(api.KeyInput{AllowedEndpoints: api.Set([]string{"*:countTokens"})}).SecretKey}, 403, "PERMISSION_DENIED", "endpoint_denied"},
		"unknown model":      {ask{key: free, path: "/v1beta/models/no-such-model:generateContent"}, 404, "NOT_FOUND", "model_not_found"},
		"another's model":    {ask{key: free, path: "/v1beta/models/claude-opus-5:generateContent"}, 404, "NOT_FOUND", "model_not_found"},
		"a name with a path": {ask{key: free, path: "/v1beta/models/google/a%2F..%2Fb:generateContent"}, 404, "NOT_FOUND", "model_not_found"},
		"model not allowed":  {ask{key: g.key(api.KeyInput{AllowedModels: api.Set([]string{"gemini-2.5-pro"})}).SecretKey}, 403, "PERMISSION_DENIED", "model_denied"},
		"another model":      {ask{key: free, body: hello(`,"model":"models/gemini-2.5-pro"`)}, 400, "INVALID_ARGUMENT", "invalid_field"},
		"two caps":           {ask{key: free, body: hello(`,"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}`)}, 400, "INVALID_ARGUMENT", "duplicate_field"},
		"search, budget":     {ask{key: budget, body: search}, 403, "PERMISSION_DENIED", "model_unpriced"},
		"search, tokens":     {ask{key: g.key(api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)}).SecretKey, body: search}, 400, "INVALID_ARGUMENT", "invalid_field"},
		"nothing left":       {ask{key: g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)}).SecretKey}, 402, "FAILED_PRECONDITION", "budget_exceeded"},
		"as a proxy's":       {ask{key: free, path: flash + ":generateContent?alt=media"}, 400, "INVALID_ARGUMENT", "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.ask
			if a.path == "" {
				a.path = flash + ":generateContent"
			}
			if a.body == "" && a.method == "" {
				a.body = hello("")
			}
			g.do(a).wantGoogle(t, c.status, c.word, c.code)
		})
	}
	rated := g.key(api.KeyInput{RateLimitPerHour: api.Set[int64](1)}).SecretKey
	g.do(ask{path: flash + ":countTokens", key: rated, body: hello("")})
	r := g.do(ask{path: flash + ":countTokens", key: rated, body: hello("")})
	r.wantGoogle(t, 429, "RESOURCE_EXHAUSTED", "rate_limited")
	if !strings.Contains(r.body, `google.rpc.RetryInfo","retryDelay":"`+r.header.Get("Retry-After")+`s"`) {
		t.Errorf("%v %s", r.header, r.body)
	}
}

// TestGeminiStreamThatBreaks ends with an error in the form of its stream.
func TestGeminiStreamThatBreaks(t *testing.T) {
	g := openNative(t)
	for _, path := range []string{flash + ":streamGenerateContent?alt=sse", flash + ":streamGenerateContent"} {
		for _, in := range []api.KeyInput{{}, hard()} {
			g.provider.Reset()
			k := g.key(in)
			r := g.do(ask{path: path, key: k.SecretKey, body: hello(`,"generationConfig":{"maxOutputTokens":500}`), header: map[string]string{"X-Simulate-Fault": "cut"}})
			if strings.Contains(path, "alt") {
				if !strings.Contains(r.body, "\r\n\r\ndata: {\"error\":{\"code\":502,") || !strings.HasSuffix(r.body, "}\r\n\r\n") {
					t.Errorf("%.2000s", r.body)
				}
			} else {
				var list []map[string]any
				if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list) < 2 || list[len(list)-1]["error"] == nil {
					t.Errorf("%v in %.2000s", err, r.body)
				}
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
}

// TestProvidersErrorMidStream comes as the provider wrote it, once, and is booked
// as an answer that broke off.
func TestProvidersErrorMidStream(t *testing.T) {
	g := openNative(t)
	for path, want := range map[string]string{
		"/v1/chat/completions":                   `data: {"error":{"message":"The server had an error while processing your request."`,
		"/v1/messages":                           `data: {"type":"error","error":{"type":"overloaded_error"`,
		flash + ":streamGenerateContent?alt=sse": `data: {"error":{"code":503,`,
		flash + ":streamGenerateContent":         `{"error":{"code":503,`,
	} {
		body := hello(`,"generationConfig":{"maxOutputTokens":500}`)
		switch path {
		case "/v1/messages":
			body = turn("claude-sonnet-4-5", `,"stream":true`)
		case "/v1/chat/completions":
			body = chat("demo-large", true, 500)
		}
		for _, in := range []api.KeyInput{{}, hard()} {
			k := g.key(in)
			r := g.do(ask{path: path, key: k.SecretKey, body: body, header: map[string]string{"X-Simulate-Fault": "error-mid"}})
			if strings.Count(r.body, want) != 1 || strings.Contains(r.body, "broke off") {
				t.Errorf("%s: %.3000s", path, r.body)
			}
			row := g.row(k.APIKey.ID)
			if want := map[bool]string{true: "estimated", false: "unconfirmed"}[in.BudgetLimitCents.IsZero()]; row.Outcome != want {
				t.Errorf("%s: booked %+v", path, row)
			}
		}
	}
}

// TestGeminiCountsAndEmbeds: counting costs nothing, embeddings cost what was
// read, told by the provider or counted here.
func TestGeminiCountsAndEmbeds(t *testing.T) {
	g := openNative(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})
	for _, body := range []string{hello(""), `{"generateContentRequest":` + hello(`,"model":"models/gemini-2.5-flash"`) + `}`} {
		r := g.do(ask{path: flash + ":countTokens", key: k.SecretKey, body: body})
		if r.status != http.StatusOK || !strings.Contains(r.body, `"totalTokens":`) {
			t.Errorf("status %d: %s", r.status, r.body)
		}
	}
	if rows := g.rows(k.APIKey.ID); len(rows) != 2 || rows[0].Outcome != "settled" || rows[0].InputTokens != 0 || nano(t, rows[0].CostUSD) != 0 {
		t.Errorf("booked %+v", rows)
	}
	const embedding = "/v1beta/models/gemini-embedding-001"
	for path, body := range map[string]string{
		embedding + ":embedContent":       `{"content":{"parts":[{"text":"` + strings.Repeat("Hello there. ", 50) + `"}]}}`,
		embedding + ":batchEmbedContents": `{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"` + strings.Repeat("Hello there. ", 50) + `"}]}}]}`,
	} {
		for fault, outcome := range map[string]string{"": "settled", "no-usage": "estimated"} {
			g.provider.Reset()
			k := g.key(hard())
			r := g.do(ask{path: path, key: k.SecretKey, body: body, header: map[string]string{"X-Simulate-Fault": fault}})
			if r.status != http.StatusOK || !strings.Contains(r.body, `"values":[`) {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
			if row.Outcome != outcome || row.OutputTokens != 0 || row.InputTokens < served.InputTokens*8/10 || row.InputTokens > served.InputTokens*12/10 {
				t.Errorf("%s %s: booked %+v, the provider billed %+v", path, fault, row, served)
			}
			if outcome == "settled" && (row.InputTokens != served.InputTokens || nano(t, row.CostUSD) != 150*served.InputTokens) {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
		}
	}
}

// TestGeminiAlias sends the provider's own name, in the path and in the body.
func TestGeminiAlias(t *testing.T) {
	g := openNative(t)
	k := g.key(hard())
	r := g.do(ask{path: "/v1beta/models/house-flash:countTokens", key: k.SecretKey, body: `{"generateContentRequest":` + hello(`,"model":"models/house-flash"`) + `}`})
	_, sent := g.provider.latest()
	if r.status != http.StatusOK || !strings.Contains(sent, `"model":"models/gemini-2.5-flash"`) || g.row(k.APIKey.ID).Model != "gemini-2.5-flash" {
		t.Errorf("status %d, sent %s", r.status, sent)
	}
}

// TestGeminiModelList shows what the route can reach and the key may use.
func TestGeminiModelList(t *testing.T) {
	g := openNative(t)
	k := g.key(api.KeyInput{AllowedModels: api.Set([]string{"gemini-2.5-flash", "claude-opus-5", "demo-mini", "gemini-embedding-001"})}).SecretKey
	list := func(query string) (names []string, next string) {
		r := g.do(ask{method: "GET", path: "/v1beta/models" + query, key: k})
		var list struct {
			Models        []struct{ Name string }
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != http.StatusOK {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
		for _, m := range list.Models {
			names = append(names, m.Name)
		}
		return names, list.NextPageToken
	}
	names, _ := list("")
	if got := strings.Join(names, " "); got != "models/house-flash models/gemini-2.5-flash models/gemini-embedding-001 models/demo-mini" {
		t.Error(got)
	}
	first, next := list("?pageSize=3")
	rest, end := list("?pageSize=3&pageToken=" + next)
	if len(first) != 3 || len(rest) != 1 || end != "" || rest[0] != names[3] {
		t.Errorf("%v, %v behind %q", first, rest, next)
	}
	one := g.do(ask{method: "GET", path: flash, key: k})
	if one.status != http.StatusOK || !strings.Contains(one.body, `"name":"models/gemini-2.5-flash"`) || !strings.Contains(one.body, `"inputTokenLimit":1048576`) {
		t.Errorf("status %d: %s", one.status, one.body)
	}
	g.do(ask{method: "GET", path: "/v1beta/models/gpt-4o", key: k}).wantGoogle(t, 404, "NOT_FOUND", "model_not_found")
}

// TestKeyInQuery is taken where the organization says so, and goes no further.
func TestKeyInQuery(t *testing.T) {
	g := openNative(t)
	k := g.key(hard())
	var query string
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		g.provider.Provider.ServeHTTP(w, r)
	})
	in := func(path string) ask { return ask{path: path + "key=" + k.SecretKey, body: hello("")} }
	streamed := in(flash + ":streamGenerateContent?alt=sse&")
	g.do(streamed).wantGoogle(t, 401, "UNAUTHENTICATED", "key_missing")
	if _, err := g.admin.UpdateOrganization(t.Context(), api.OrganizationInput{AllowKeyInQuery: api.Set(true)}); err != nil {
		t.Fatal(err)
	}
	if r := g.do(streamed); r.status != http.StatusOK || query != "alt=sse" {
		t.Errorf("status %d, %q was sent: %.300s", r.status, query, r.body)
	}
	if r := g.do(ask{method: "GET", path: "/v1beta/models?key=" + k.SecretKey}); r.status != http.StatusOK {
		t.Errorf("status %d: %.300s", r.status, r.body)
	}
	other := in(flash + ":countTokens?")
	other.key = g.key(hard()).SecretKey
	g.do(other).wantGoogle(t, 401, "UNAUTHENTICATED", "key_ambiguous")
	g.do(ask{path: flash + ":countTokens?key=tg_wrong", body: hello("")}).wantGoogle(t, 401, "UNAUTHENTICATED", "key_invalid")
	// Other formats have no such place for a key.
	g.do(ask{path: "/v1/chat/completions?key=" + k.SecretKey, body: chat("demo-mini", false, 5)}).want(t, 401, "key_missing")
	if strings.Contains(g.log.String(), k.SecretKey[3:]) {
		t.Error("the log has the key")
	}
}

// TestQueryIsNotPassedOn, and no log has it.
func TestQueryIsNotPassedOn(t *testing.T) {
	g := openNative(t)
	k := g.key(hard())
	var query string
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		g.provider.Provider.ServeHTTP(w, r)
	})
	const planted = "planted-secret-in-the-query"
	for path, want := range map[string]string{
		flash + ":streamGenerateContent?alt=sse&access_token=" + planted: "alt=sse",
		flash + ":generateContent?fields=x&quotaUser=" + planted:         "",
		"/v1/messages?beta=true&key=" + planted:                          "beta=true",
		"/v1/chat/completions?api-version=1&key=" + planted:              "",
	} {
		body := hello("")
		switch {
		case strings.HasPrefix(path, "/v1/messages"):
			body = turn("claude-sonnet-4-5", "")
		case strings.HasPrefix(path, "/v1/chat"):
			body = chat("demo-mini", false, 5)
		}
		r := g.do(ask{path: path, key: k.SecretKey, body: body})
		if r.status != http.StatusOK || query != want {
			t.Errorf("%s: status %d, %q was sent", path, r.status, query)
		}
		g.do(ask{path: path, body: body}) // refused, and logged
	}
	if strings.Contains(g.log.String(), planted) {
		t.Error("the log has the query")
	}
}
