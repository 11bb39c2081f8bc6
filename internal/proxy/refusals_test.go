package proxy_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/key"
)

// refusal is a request that is refused, and how.
type refusal struct {
	name   string
	key    api.KeyInput
	before func(g *gate, k *api.KeyCreated) // what happens to the key first
	ask    ask                              // its key is filled in
	status int
	code   string
	kind   string // error.type
	param  string
}

func refusals() []refusal {
	soon := api.Set(time.Now().Add(time.Hour))
	use := func(g *gate, k *api.KeyCreated) { g.do(ask{key: k.SecretKey, max: 10}) }
	change := func(in api.KeyInput) func(*gate, *api.KeyCreated) {
		return func(g *gate, k *api.KeyCreated) {
			if _, err := g.admin.UpdateKey(g.t.Context(), k.APIKey.ID, in); err != nil {
				g.t.Fatal(err)
			}
		}
	}
	body := func(s string) ask { return ask{body: s} }
	return []refusal{
		{"no key", api.KeyInput{}, func(_ *gate, k *api.KeyCreated) { k.SecretKey = "" }, ask{}, 401, "key_missing", "authentication_error", ""},
		{"unknown key", api.KeyInput{}, func(_ *gate, k *api.KeyCreated) { k.SecretKey = key.New("tg_").Reveal() }, ask{}, 401, "key_invalid", "authentication_error", ""},
		{"wrong check digits", api.KeyInput{}, func(_ *gate, k *api.KeyCreated) {
			k.SecretKey = k.SecretKey[:len(k.SecretKey)-1] + string('0'+(k.SecretKey[len(k.SecretKey)-1]+1)%8)
		}, ask{}, 401, "key_invalid", "authentication_error", ""},
		{"root key", api.KeyInput{}, func(g *gate, k *api.KeyCreated) { k.SecretKey = g.root }, ask{}, 401, "key_invalid", "authentication_error", ""},
		{"two keys", api.KeyInput{}, nil, ask{header: map[string]string{"X-Api-Key": "tg_other"}}, 401, "key_ambiguous", "authentication_error", ""},
		{"disabled", api.KeyInput{IsActive: api.Set(false)}, nil, ask{}, 401, "key_disabled", "authentication_error", ""},
		{"revoked", api.KeyInput{}, func(g *gate, k *api.KeyCreated) { _, _ = g.admin.RevokeKey(g.t.Context(), k.APIKey.ID) }, ask{}, 401, "key_revoked", "authentication_error", ""},
		{"not yet expired", api.KeyInput{ExpiresAt: soon}, nil, body(`{"model":"no-such"}`), 404, "model_not_found", "invalid_request_error", "model"},
		{"address", api.KeyInput{AllowedIPs: api.Set([]string{"10.0.0.0/8", "2001:db8::/32"})}, nil, ask{}, 403, "ip_denied", "permission_error", ""},
		{"scope", api.KeyInput{Scopes: api.Set([]string{"models.list"})}, nil, ask{}, 403, "scope_denied", "permission_error", ""},
		{"endpoint", api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/emb*"})}, nil, ask{}, 403, "endpoint_denied", "permission_error", ""},
		{"format", api.KeyInput{AllowedAPIFormats: api.Set([]string{"anthropic"})}, nil, ask{}, 403, "format_denied", "permission_error", ""},
		{"chatbot", api.KeyInput{AllowedChatbots: api.Set([]string{"bot_1"})}, nil, ask{}, 403, "chatbot_denied", "permission_error", ""},
		{"no such path", api.KeyInput{}, nil, ask{path: "/v1/nothing"}, 404, "not_found", "invalid_request_error", ""},
		{"method", api.KeyInput{}, nil, ask{method: "GET"}, 405, "method_not_allowed", "invalid_request_error", ""},
		{"media type", api.KeyInput{}, nil, ask{header: map[string]string{"Content-Type": "text/plain"}}, 415, "unsupported_media_type", "invalid_request_error", ""},
		{"no JSON", api.KeyInput{}, nil, body(`{"model":`), 400, "invalid_json", "invalid_request_error", ""},
		{"field twice", api.KeyInput{}, nil, body(`{"model":"a","model":"b"}`), 400, "duplicate_field", "invalid_request_error", "model"},
		{"field respelled", api.KeyInput{}, nil, body(`{"Model":"a"}`), 400, "duplicate_field", "invalid_request_error", "model"},
		{"field of a wrong type", api.KeyInput{}, nil, body(`{"model":"demo-mini","max_tokens":"ten"}`), 400, "invalid_field", "invalid_request_error", "max_tokens"},
		{"unknown model", api.KeyInput{}, nil, ask{model: "no-such-model"}, 404, "model_not_found", "invalid_request_error", "model"},
		{"model", api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}, nil, ask{}, 403, "model_denied", "permission_error", ""},
		{"provider", api.KeyInput{AllowedProviders: api.Set([]string{"openai"})}, nil, ask{}, 403, "provider_denied", "permission_error", ""},
		{"unpriced", hard(), nil, ask{model: "demo/unheard-of"}, 403, "model_unpriced", "permission_error", ""},
		{"unpriced, soft", api.KeyInput{BudgetLimitCents: api.Set[int64](1), BudgetMode: api.Set("soft")}, nil, ask{model: "demo/unheard-of"}, 403, "model_unpriced", "permission_error", ""},
		{"no credential", api.KeyInput{}, nil, ask{model: "anthropic/claude-sonnet-4-5"}, 503, "provider_unconfigured", "server_error", ""},
		{"requests a minute", api.KeyInput{RateLimitPerMinute: api.Set[int64](1)}, use, ask{}, 429, "rate_limited", "requests", "rate_limit_per_minute"},
		{"requests an hour", api.KeyInput{RateLimitPerHour: api.Set[int64](1)}, use, ask{}, 429, "rate_limited", "requests", "rate_limit_per_hour"},
		{"requests a day", api.KeyInput{RateLimitPerDay: api.Set[int64](1)}, use, ask{}, 429, "rate_limited", "requests", "rate_limit_per_day"},
		{"tokens a minute", api.KeyInput{TokensPerMinute: api.Set[int64](100)}, nil, ask{}, 429, "tokens_limited", "tokens", "tokens_per_minute"},
		{"tokens a day", api.KeyInput{TokensPerDay: api.Set[int64](0)}, nil, ask{}, 429, "tokens_limited", "tokens", "tokens_per_day"},
		{"tokens a month", api.KeyInput{TokensPerMonth: api.Set[int64](100)}, nil, ask{}, 429, "tokens_limited", "tokens", "tokens_per_month"},
		{"no slots", api.KeyInput{ConcurrentLimit: api.Set[int64](0)}, nil, ask{}, 429, "concurrency_limited", "requests", "concurrent_limit"},
		{"no budget", api.KeyInput{BudgetLimitCents: api.Set[int64](0)}, nil, ask{}, 402, "budget_exceeded", "insufficient_quota", "budget_limit_cents"},
		{"no budget, soft", api.KeyInput{BudgetLimitCents: api.Set[int64](0), BudgetMode: api.Set("soft")}, nil, ask{}, 402, "budget_exceeded", "insufficient_quota", "budget_limit_cents"},
		{"budget spent", hard(), func(g *gate, k *api.KeyCreated) {
			use(g, k)
			change(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})(g, k)
		}, ask{}, 402, "budget_exceeded", "insufficient_quota", "budget_limit_cents"},
		{"deleted", api.KeyInput{}, func(g *gate, k *api.KeyCreated) { _ = g.admin.DeleteKey(g.t.Context(), k.APIKey.ID) }, ask{}, 401, "key_invalid", "authentication_error", ""},
	}
}

// TestRefusals goes through the codes of the data plane.
func TestRefusals(t *testing.T) {
	g := open(t, nil)
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			g.t = t
			k := g.key(c.key)
			if c.before != nil {
				c.before(g, &k)
			}
			rows, reached := len(g.rows(k.APIKey.ID)), g.provider.Stats().Requests
			c.ask.key = k.SecretKey
			r := g.do(c.ask)
			r.want(t, c.status, c.code)
			param := ""
			if r.fault.Error.Param != nil {
				param = *r.fault.Error.Param
			}
			if r.fault.Error.Type != c.kind || param != c.param {
				t.Errorf("type %q, param %q, not %q and %q: %s", r.fault.Error.Type, param, c.kind, c.param, r.body)
			}
			refusedHeaders(t, r)
			if n := len(g.rows(k.APIKey.ID)); n != rows || g.provider.Stats().Requests != reached {
				t.Errorf("%d entries before, %d after; %d requests reached the provider", rows, n, g.provider.Stats().Requests-reached)
			}
			for field, l := range g.limitsIfAny(k) {
				if figure(l.Held) != 0 {
					t.Errorf("%s: %d is held", field, figure(l.Held))
				}
			}
		})
	}
}

// limitsIfAny are the limits of a key that may not be usable any more.
func (g *gate) limitsIfAny(k api.KeyCreated) map[string]api.ExplainLimit {
	shown, err := g.admin.Key(g.t.Context(), k.APIKey.ID)
	if err != nil || shown.Status != "active" || k.SecretKey == "" || !strings.HasPrefix(k.SecretKey, shown.KeyPrefix) {
		return nil
	}
	return g.limits(k)
}

// refusedHeaders checks what every refusal carries, and what some do.
func refusedHeaders(t *testing.T, r reply) {
	t.Helper()
	h := r.header
	if !strings.HasPrefix(h.Get("X-Request-Id"), "req_") || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
	if r.fault.Error.Message == "" {
		t.Error("no message")
	}
	if got := h.Get("Www-Authenticate") != ""; got != (r.status == 401) {
		t.Errorf("status %d, Www-Authenticate %q", r.status, h.Get("Www-Authenticate"))
	}
	if r.status == 402 && h.Get("X-Should-Retry") != "false" {
		t.Errorf("402 with x-should-retry %q", h.Get("X-Should-Retry"))
	}
	wait, _ := strconv.Atoi(h.Get("Retry-After"))
	switch r.fault.Error.Code {
	case "rate_limited":
		if wait < 1 || h.Get("X-Ratelimit-Limit-Requests") != "1" || h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Reset-Requests") == "" || h.Get("Ratelimit") == "" || h.Get("Ratelimit-Policy") == "" {
			t.Errorf("a rate limit that does not show itself: %v", h)
		}
	case "concurrency_limited", "budget_held":
		if wait != 1 {
			t.Errorf("Retry-After %q", h.Get("Retry-After"))
		}
	case "tokens_limited":
		if h.Get("X-Ratelimit-Limit-Tokens") == "" || h.Get("X-Ratelimit-Remaining-Tokens") == "" {
			t.Errorf("a token limit that does not show itself: %v", h)
		}
	}
}

// TestExpiry holds a key to its last second.
func TestExpiry(t *testing.T) {
	g := open(t, nil)
	at := time.Now().Add(1500 * time.Millisecond)
	k := g.key(api.KeyInput{ExpiresAt: api.Set(at)})
	if r := g.do(ask{key: k.SecretKey, max: 5}); time.Now().Before(at) && !r.complete(false) {
		t.Errorf("before its expiry: %d %s", r.status, r.body)
	}
	<-time.After(time.Until(at))
	g.do(ask{key: k.SecretKey, max: 5}).want(t, http.StatusUnauthorized, "key_expired")
}

// TestBudgetHeld asks while another request holds what is left: it would fit if
// that were given back.
func TestBudgetHeld(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](2)}) // $0.02 pays for 2,000 tokens of demo-large
	ended := make(chan reply, 1)
	release := make(chan struct{})
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		<-release
		g.provider.Provider.ServeHTTP(w, r)
	})
	go func() { ended <- g.do(ask{key: k.SecretKey, max: 1850}) }()
	g.eventually("the first to hold", func() bool { return figure(g.limits(k)["budget_limit_cents"].Held) > 0 })
	r := g.do(ask{key: k.SecretKey, max: 1000})
	r.want(t, http.StatusTooManyRequests, "budget_held")
	refusedHeaders(t, r)
	if r.header.Get("X-Should-Retry") == "false" {
		t.Error("budget_held says not to retry")
	}
	close(release)
	if r := <-ended; !r.complete(false) {
		t.Errorf("the first: %d %s", r.status, r.body)
	}
	g.provider.answers(nil)
	if r := g.do(ask{key: k.SecretKey, max: 1000}); !r.complete(false) {
		t.Errorf("afterwards: %d %s", r.status, r.body)
	}
}

// TestE7_RateHeaders counts down.
func TestE7_RateHeaders(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{RateLimitPerMinute: api.Set[int64](3), RateLimitPerHour: api.Set[int64](1000), TokensPerDay: api.Set[int64](100_000)})
	for left := 2; left >= 0; left-- {
		r := g.do(ask{key: k.SecretKey, stream: left == 1, max: 10})
		h := r.header
		if r.status != 200 || h.Get("X-Ratelimit-Limit-Requests") != "3" || h.Get("X-Ratelimit-Remaining-Requests") != strconv.Itoa(left) {
			t.Errorf("status %d, limit %q, remaining %q, not 3 and %d", r.status, h.Get("X-Ratelimit-Limit-Requests"), h.Get("X-Ratelimit-Remaining-Requests"), left)
		}
		reset, err := time.ParseDuration(h.Get("X-Ratelimit-Reset-Requests"))
		if err != nil || reset <= 0 || reset > 61*time.Second {
			t.Errorf("reset %q", h.Get("X-Ratelimit-Reset-Requests"))
		}
		tokens, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining-Tokens"))
		if err != nil || tokens <= 0 || tokens >= 100_000 || h.Get("X-Ratelimit-Limit-Tokens") != "100000" {
			t.Errorf("tokens: limit %q, remaining %q", h.Get("X-Ratelimit-Limit-Tokens"), h.Get("X-Ratelimit-Remaining-Tokens"))
		}
		if p := h.Get("Ratelimit-Policy"); !strings.Contains(p, `"requests";q=3;w=60`) || !strings.Contains(p, `"tokens";q=100000;w=86400`) {
			t.Errorf("policy %q", p)
		}
	}
	r := g.do(ask{key: k.SecretKey})
	r.want(t, 429, "rate_limited")
	if wait, _ := strconv.Atoi(r.header.Get("Retry-After")); wait < 1 || wait > 61 {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
}
