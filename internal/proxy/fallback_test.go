package proxy_test

import (
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// refusing makes the provider answer 401 to these secrets, as OpenAI does, and to
// all others as ever. It counts the requests by secret.
func (g *gate) refusing(secrets ...string) (count func(secret string) int64) {
	counts := map[string]*atomic.Int64{}
	for _, s := range append(secrets, mineSecret, sharedSecret, openaiCredential) {
		counts[s] = new(atomic.Int64)
	}
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if n := counts[sent]; n != nil {
			n.Add(1)
		}
		for _, s := range secrets {
			if sent == s {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("X-Echo", "key "+sent)
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, sent)
				return
			}
		}
		g.provider.Provider.ServeHTTP(w, r)
	})
	return func(secret string) int64 { return counts[secret].Load() }
}

func (g *gate) allowFallback() {
	g.t.Helper()
	if _, err := g.admin.UpdateOrganization(g.t.Context(), api.OrganizationInput{CredentialFallback: api.Set(true)}); err != nil {
		g.t.Fatal(err)
	}
}

func TestA5_A401MarksTheCredential(t *testing.T) {
	g := open(t, nil)
	shared := g.shared(api.CredentialInput{})
	k := g.key(hard())
	g.refusing(sharedSecret)
	for range 2 {
		r := g.do(ask{key: k.SecretKey, model: gpt})
		if r.status != http.StatusUnauthorized || strings.Contains(r.body+fmt.Sprint(r.header), "PLANTED") || !strings.Contains(r.body, "[redacted]") {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
		v := g.credential(shared.ID).Validation
		if v.State != "invalid" || v.Verdict != "invalid" || v.IsValidated || v.Code == nil || *v.Code != "rejected" || v.CheckedAt == nil {
			t.Errorf("%+v", v)
		}
	}
	for _, row := range g.rows(k.APIKey.ID) {
		if row.Outcome != "failed" || row.Status != 401 || row.CredentialID == nil || *row.CredentialID != shared.ID || row.CostUSD != "0.00" {
			t.Errorf("%+v", row)
		}
	}
	g.refusing() // it works again, and that is seen
	if r := g.do(ask{key: k.SecretKey, model: gpt}); !r.complete(false) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if v := g.credential(shared.ID).Validation; v.State != "valid" || !v.IsValidated || v.Code != nil || v.LastValidatedAt == nil {
		t.Errorf("%+v", v)
	}
	for _, status := range []string{"403", "429", "500"} { // these say nothing of the credential
		g.provider.answers(nil)
		g.do(ask{key: k.SecretKey, model: gpt, header: map[string]string{"X-Simulate-Fault": "status=" + status}})
		if v := g.credential(shared.ID).Validation; v.State != "valid" {
			t.Errorf("%s: %+v", status, v)
		}
	}
}

func TestTheNextCredentialTakesTheRefusedOnesPlace(t *testing.T) {
	g := open(t, nil)
	g.allowFallback()
	ada := g.user("ada@example.com")
	mine, shared := g.mine(ada, api.CredentialInput{}), g.shared(api.CredentialInput{ConcurrentLimit: api.Set[int64](1)})
	k := g.key(api.KeyInput{
		UserID: api.Set(ada.ID), BudgetLimitCents: api.Set[int64](10_000), ConcurrentLimit: api.Set[int64](1), RateLimitPerMinute: api.Set[int64](10),
	})
	for _, test := range []struct {
		refused         []string
		paid            string // who pays in the end
		credential      string
		stream          bool
		mine, shared, p int64 // requests that the provider got under each
	}{
		{[]string{mineSecret}, sharedSecret, shared.ID, false, 1, 1, 0},
		{[]string{mineSecret}, sharedSecret, shared.ID, true, 0, 1, 0}, // it is known by now, and asked last
		{[]string{mineSecret, sharedSecret}, openaiCredential, "", false, 0, 1, 1},
		{[]string{mineSecret, sharedSecret}, openaiCredential, "", true, 0, 0, 1},
	} {
		count := g.refusing(test.refused...)
		r := g.do(ask{key: k.SecretKey, model: gpt, stream: test.stream, max: 50})
		if !r.complete(test.stream) {
			t.Fatalf("%+v: %d %s", test, r.status, r.body)
		}
		if count(mineSecret) != test.mine || count(sharedSecret) != test.shared || count(openaiCredential) != test.p {
			t.Errorf("%+v: mine %d, shared %d, the platform's %d", test, count(mineSecret), count(sharedSecret), count(openaiCredential))
		}
		row := g.rows(k.APIKey.ID)[0]
		own := test.credential != ""
		if row.RequestID != r.header.Get("X-Request-Id") || row.Outcome != "settled" || row.BYOK != own || own && *row.CredentialID != test.credential || (row.CostUSD == "0.00") != own {
			t.Errorf("%+v: %+v", test, row)
		}
		_, body := g.provider.latest()
		if capped := strings.Contains(body, `"max_completion_tokens":50`) || strings.Contains(body, `"max_tokens":50`); !capped {
			t.Errorf("%+v: %s", test, body)
		}
	}
	if n := len(g.rows(k.APIKey.ID)); n != 4 {
		t.Errorf("%d entries for 4 requests", n)
	}
	if c := g.credential(mine.ID); c.UsageCount != 0 || c.Validation.Verdict != "invalid" {
		t.Errorf("mine: %+v", c)
	}
	if c := g.credential(shared.ID); c.UsageCount != 2 {
		t.Errorf("shared: %+v", c)
	}
}

// TestARefusalStandsWhereNoOtherMayPay: the platform's money has an end, and its
// limits hold for whoever comes next too.
func TestARefusalStandsWhereNoOtherMayPay(t *testing.T) {
	g := open(t, nil)
	g.allowFallback()
	g.shared(api.CredentialInput{})
	poor := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})
	g.refusing(sharedSecret)
	r := g.do(ask{key: poor.SecretKey, model: gpt})
	if r.status != http.StatusUnauthorized || r.fault.Error.Code != "invalid_api_key" || strings.Contains(r.body, "PLANTED") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if row := g.row(poor.APIKey.ID); row.Outcome != "failed" || !row.BYOK {
		t.Errorf("%+v", row)
	}
	if k, err := g.admin.Key(t.Context(), poor.APIKey.ID); err != nil || k.TotalCostUSD != "0.00" {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestGoogleSaysItsOwnWay: an invalid key is 400 there.
func TestGoogleSaysItsOwnWay(t *testing.T) {
	g := open(t, func(c *config.Config) {
		c.Providers["google"] = config.Provider{BaseURL: strings.TrimSuffix(c.Providers["openai"].BaseURL, "/v1")}
	})
	c := g.bring(api.CredentialInput{Provider: api.Set("google"), APIKey: api.Set(sharedSecret)})
	k := g.key(api.KeyInput{})
	answer := func(body string) {
		g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(body))
		})
	}
	for _, other := range []string{
		`{"error":{"code":400,"message":"max_tokens is too large","status":"INVALID_ARGUMENT"}}`,
		// What the caller wrote says nothing of the credential.
		`{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"API_KEY_INVALID\": API key not valid.","status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"description":"API_KEY_INVALID"}]}]}}`,
		`API key not valid`, `{"error":"API_KEY_INVALID"}`, ``,
	} {
		answer(other)
		g.do(ask{key: k.SecretKey, model: "google/gemini-2.5-flash"})
		if v := g.credential(c.ID).Validation; v.Verdict != "unknown" {
			t.Errorf("%s: %+v", other, v)
		}
	}
	answer(`[{"error":{"code":400,"message":"Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`)
	g.do(ask{key: k.SecretKey, model: "google/gemini-2.5-flash"})
	if v := g.credential(c.ID).Validation; v.Verdict != "invalid" {
		t.Errorf("%+v", v)
	}
}

// TestARefusedCredentialUnderLoad: many requests meet the refusal at once; each is
// answered and booked once, and the mark is made.
func TestARefusedCredentialUnderLoad(t *testing.T) {
	g := open(t, nil)
	g.allowFallback()
	shared := g.shared(api.CredentialInput{})
	k := g.key(hard())
	g.refusing(sharedSecret)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for range 10 {
				if r := g.do(ask{key: k.SecretKey, model: gpt, max: 5}); r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		})
	}
	wait.Wait()
	ids := map[string]bool{}
	for _, row := range g.rows(k.APIKey.ID) {
		if ids[row.RequestID] = true; row.BYOK || row.Outcome != "settled" {
			t.Errorf("%+v", row)
		}
	}
	if len(ids) != 160 {
		t.Errorf("%d entries for 160 requests", len(ids))
	}
	if v := g.credential(shared.ID).Validation; v.Verdict != "invalid" {
		t.Errorf("%+v", v)
	}
}

// TestAnAnswerThatCannotBeReadDoesNotPass: what is compressed although nobody asked
// for it, in a way in which no secret and no usage would be found.
func TestAnAnswerThatCannotBeReadDoesNotPass(t *testing.T) {
	g := open(t, nil)
	g.shared(api.CredentialInput{})
	soft, hard := g.key(api.KeyInput{}), g.key(api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)})
	text := `{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"` + sharedSecret +
		`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}`
	deflated := new(strings.Builder)
	z := zlib.NewWriter(deflated)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	for coding, body := range map[string]string{"deflate": deflated.String(), "br": text, "zstd": text, "gzip, br": text, "Made-Up": text} {
		for _, status := range []int{200, 302, 400, 401, 429, 500} {
			for kind, stream := range map[string]bool{"application/json": false, "text/event-stream": true, "text/html": false} {
				g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
					if got := r.Header.Get("Accept-Encoding"); got != "identity" {
						t.Errorf("asked for %q", got)
					}
					w.Header().Set("Content-Type", kind)
					w.Header().Set("Content-Encoding", coding)
					w.Header().Set("X-Request-Id", "req-7")
					w.WriteHeader(status)
					_, _ = w.Write([]byte(body))
				})
				for name, k := range map[string]api.KeyCreated{"soft": soft, "hard": hard} {
					r := g.do(ask{key: k.SecretKey, model: gpt, stream: stream})
					r.want(t, http.StatusBadGateway, "upstream_unavailable")
					if strings.Contains(r.body, body) || strings.Contains(r.body, "PLANTED") || r.header.Get("Content-Encoding") != "" {
						t.Errorf("%s, %d, %s: it passed: %v %q", coding, status, kind, r.header, r.body)
					}
					want := "failed" // which used nothing
					switch {
					case status == 200 && name == "hard":
						want = "unconfirmed" // the whole hold
					case status == 200:
						want = "estimated"
					}
					row := g.rows(k.APIKey.ID)[0]
					if row.Outcome != want || (row.InputTokens > 0) != (status == 200) || row.Status != http.StatusBadGateway || row.UpstreamRequestID != "req-7" {
						t.Errorf("%s, %d, %s, %s: %+v", coding, status, kind, name, row)
					}
				}
			}
		}
	}
}

// TestASecretThatIsRepeatedDoesNotPass: in headers, errors, documents small and
// large, streams, and the provider's id of the answer, wherever it is cut.
func TestASecretThatIsRepeatedDoesNotPass(t *testing.T) {
	g := open(t, nil)
	g.shared(api.CredentialInput{})
	k := g.key(api.KeyInput{})
	document := func(padding int) string {
		return `{"id":"` + sharedSecret + `","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"` +
			strings.Repeat("x", padding) + sharedSecret + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}`
	}
	stream := "data: {\"id\":\"" + sharedSecret + "\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + sharedSecret + "\"}}]}\n\n" +
		"data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":3,\"total_tokens\":6}}\n\ndata: [DONE]\n\n"
	for name, test := range map[string]struct {
		status       int
		kind, answer string
		stream       bool
	}{
		"an error":               {500, "application/json", `{"error":{"message":"` + sharedSecret + `"}}`, false},
		"an error of a page":     {403, "text/html", "<p>" + sharedSecret + "</p>", false},
		"a document":             {200, "application/json", document(0), false},
		"a document of 2 MiB":    {200, "application/json", document(2 << 20), false},
		"a document at a border": {200, "application/json", document(1<<20 - len(document(0)) + 100), false},
		"a stream":               {200, "text/event-stream", stream, true},
	} {
		for _, step := range []int{1 << 30, 4096, 7} {
			if step == 7 && len(test.answer) > 1<<16 {
				continue
			}
			g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.Header().Set("X-Request-Id", "req-"+sharedSecret)
				w.Header()["X-Echo"] = []string{"a", "Bearer " + sharedSecret}
				w.WriteHeader(test.status)
				for rest := test.answer; rest != ""; {
					n := min(step, len(rest))
					_, _ = w.Write([]byte(rest[:n]))
					_ = http.NewResponseController(w).Flush()
					rest = rest[n:]
				}
			})
			r := g.do(ask{key: k.SecretKey, model: gpt, stream: test.stream})
			if r.status != test.status || !strings.Contains(r.body, "[redacted]") {
				t.Errorf("%s, %d: %d %.200s", name, step, r.status, r.body)
			}
			if strings.Contains(r.body, "PLANTED") || strings.Contains(fmt.Sprint(r.header), "PLANTED") {
				t.Errorf("%s, %d: it passed", name, step)
			}
			if test.status == 200 && !test.stream && !json.Valid([]byte(r.body)) {
				t.Errorf("%s, %d: the document is broken", name, step)
			}
			for _, row := range g.rows(k.APIKey.ID) {
				if strings.Contains(fmt.Sprint(row), "PLANTED") {
					t.Errorf("%s, %d: %+v", name, step, row)
				}
			}
		}
	}
	if strings.Contains(g.log.String(), "PLANTED") {
		t.Error("it is in the log")
	}
}
