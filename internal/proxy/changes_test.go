package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tollgate/api"
)

// TestChangesAreInForceAtOnce changes a key, its owner or the organisation and
// looks at the very next request, which comes on a connection and with a key that
// were in use a moment ago.
func TestChangesAreInForceAtOnce(t *testing.T) {
	g := open(t, nil)
	ctx := t.Context()
	owner, err := g.admin.CreateUser(ctx, api.UserInput{Email: api.Set("o@example.com"), Name: api.Set("O")})
	if err != nil {
		t.Fatal(err)
	}
	update := func(in api.KeyInput) func(*api.KeyCreated) error {
		return func(k *api.KeyCreated) error {
			_, err := g.admin.UpdateKey(ctx, k.APIKey.ID, in)
			return err
		}
	}
	user := func(in api.UserInput) func(*api.KeyCreated) error {
		return func(*api.KeyCreated) error { _, err := g.admin.UpdateUser(ctx, owner.ID, in); return err }
	}
	org := func(in api.OrganizationInput) func(*api.KeyCreated) error {
		return func(*api.KeyCreated) error { _, err := g.admin.UpdateOrganization(ctx, in); return err }
	}
	for _, c := range []struct {
		name   string
		change func(*api.KeyCreated) error
		status int
		code   string
		back   func(*api.KeyCreated) error // nil = for good
	}{
		{
			"deactivated", func(k *api.KeyCreated) error { _, err := g.admin.DeactivateKey(ctx, k.APIKey.ID); return err }, 401, "key_disabled",
			func(k *api.KeyCreated) error { _, err := g.admin.ActivateKey(ctx, k.APIKey.ID); return err },
		},
		{"disabled by a change", update(api.KeyInput{IsActive: api.Set(false)}), 401, "key_disabled", update(api.KeyInput{IsActive: api.Set(true)})},
		{"address", update(api.KeyInput{AllowedIPs: api.Set([]string{"10.0.0.1"})}), 403, "ip_denied", update(api.KeyInput{AllowedIPs: api.Null[[]string]()})},
		{"model", update(api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}), 403, "model_denied", update(api.KeyInput{AllowedModels: api.Null[[]string]()})},
		{"rate", update(api.KeyInput{RateLimitPerMinute: api.Set[int64](1)}), 429, "rate_limited", update(api.KeyInput{RateLimitPerMinute: api.Null[int64]()})},
		{"tokens", update(api.KeyInput{TokensPerDay: api.Set[int64](0)}), 429, "tokens_limited", update(api.KeyInput{TokensPerDay: api.Null[int64]()})},
		{"slots", update(api.KeyInput{ConcurrentLimit: api.Set[int64](0)}), 429, "concurrency_limited", update(api.KeyInput{ConcurrentLimit: api.Null[int64]()})},
		{"budget", update(api.KeyInput{BudgetLimitCents: api.Set[int64](0)}), 402, "budget_exceeded", update(api.KeyInput{BudgetLimitCents: api.Null[int64]()})},
		{"owner disabled", user(api.UserInput{IsActive: api.Set(false)}), 403, "owner_inactive", user(api.UserInput{IsActive: api.Set(true)})},
		{"owner's budget", user(api.UserInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](0)}}), 402, "budget_exceeded", user(api.UserInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Null[int64]()}})},
		{"owner's rate", user(api.UserInput{LimitsInput: api.LimitsInput{RateLimitPerHour: api.Set[int64](1)}}), 429, "rate_limited", user(api.UserInput{LimitsInput: api.LimitsInput{RateLimitPerHour: api.Null[int64]()}})},
		{"organization's budget", org(api.OrganizationInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](0)}}), 402, "budget_exceeded", org(api.OrganizationInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Null[int64]()}})},
		{"organization disabled", org(api.OrganizationInput{IsActive: api.Set(false)}), 403, "owner_inactive", org(api.OrganizationInput{IsActive: api.Set(true)})},
		{"revoked", func(k *api.KeyCreated) error { _, err := g.admin.RevokeKey(ctx, k.APIKey.ID); return err }, 401, "key_revoked", nil},
		{"deleted", func(k *api.KeyCreated) error { return g.admin.DeleteKey(ctx, k.APIKey.ID) }, 401, "key_invalid", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.t = t
			k := g.key(api.KeyInput{UserID: api.Set(owner.ID)})
			for range 2 {
				if r := g.do(ask{key: k.SecretKey, max: 5}); r.status != 200 {
					t.Fatalf("before: %d %s", r.status, r.body)
				}
			}
			if err := c.change(&k); err != nil {
				t.Fatal(err)
			}
			g.do(ask{key: k.SecretKey, max: 5}).want(t, c.status, c.code)
			if c.back == nil {
				return
			}
			if err := c.back(&k); err != nil {
				t.Fatal(err)
			}
			if r := g.do(ask{key: k.SecretKey, max: 5}); r.status != 200 {
				t.Errorf("put back: %d %s", r.status, r.body)
			}
		})
	}
}

// TestRevokedWhileStreaming lets a stream that was admitted finish, and counts
// it, although its key is gone.
func TestRevokedWhileStreaming(t *testing.T) {
	g := open(t, nil)
	k := g.key(hard())
	begun, release := make(chan struct{}), make(chan struct{})
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-release
		g.provider.Provider.ServeHTTP(w, r)
	})
	ended := make(chan reply, 1)
	go func() { ended <- g.do(ask{key: k.SecretKey, stream: true, max: 20}) }()
	<-begun
	if err := g.admin.DeleteKey(t.Context(), k.APIKey.ID); err != nil {
		t.Fatal(err)
	}
	close(release)
	if r := <-ended; !r.complete(true) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if rows := g.rows(k.APIKey.ID); len(rows) != 1 || rows[0].Outcome != "settled" {
		t.Errorf("booked %+v", rows)
	}
}

// TestTotalsAreThereAtOnce asks for rows, totals and usage right after each
// answer's last byte, while others are under way.
func TestTotalsAreThereAtOnce(t *testing.T) {
	g := open(t, nil)
	var done sync.WaitGroup
	for worker := range 4 {
		k := g.key(hard())
		done.Go(func() {
			for i := 1; i <= 15; i++ {
				stream := (worker+i)%2 == 0
				if r := g.do(ask{key: k.SecretKey, stream: stream, max: 20}); !r.complete(stream) {
					t.Errorf("%d %s", r.status, r.body)
				}
				if err := g.allSay(k, i); err != nil {
					t.Errorf("after answer %d, stream %t: %v", i, stream, err)
				}
			}
		})
	}
	done.Wait()
}

// allSay asks every door for what the key used.
func (g *gate) allSay(k api.KeyCreated, n int) error {
	ctx := g.t.Context()
	rows := g.rows(k.APIKey.ID)
	var tokens, spent int64
	for _, row := range rows {
		tokens += row.InputTokens + row.OutputTokens
		spent += nano(g.t, row.CostUSD)
	}
	shown, err := g.admin.Key(ctx, k.APIKey.ID)
	if err != nil {
		return err
	}
	usage, err := g.admin.KeyUsage(ctx, k.APIKey.ID)
	if err != nil {
		return err
	}
	counted := figure(g.limits(k)["budget_limit_cents"].Used)
	switch {
	case len(rows) != n || tokens == 0:
		return fmt.Errorf("%d rows with %d tokens", len(rows), tokens)
	case shown.TotalRequests != int64(n) || shown.TotalTokens != tokens || shown.TotalCostUSD != usd(spent) || shown.LastUsedAt == nil:
		return fmt.Errorf("the key says %d, %d, %s, last used %v; the rows %d, %d, %s", shown.TotalRequests, shown.TotalTokens, shown.TotalCostUSD, shown.LastUsedAt, n, tokens, usd(spent))
	case usage.Totals.Requests != int64(n) || usage.Totals.Tokens != tokens || usage.Totals.CostUSD != usd(spent):
		return fmt.Errorf("the usage says %+v", usage.Totals)
	case usage.Today.Requests == 0 || usage.Today.Requests > int64(n) || usage.ThisHour.Requests > usage.Today.Requests:
		return fmt.Errorf("today %+v, this hour %+v", usage.Today, usage.ThisHour) // midnight may have passed
	case counted != spent:
		return fmt.Errorf("counted are %d, the rows say %d", counted, spent)
	}
	return nil
}

// TestEveryRouteIsMetered sends a request on each route that is forwarded.
func TestEveryRouteIsMetered(t *testing.T) {
	g := open(t, nil)
	for _, c := range []struct {
		path, body string
		input      int64 // price in nano-dollars a token
		output     int64
	}{
		{"/v1/chat/completions", chat("demo-mini", false, 7), 150, 600},
		{"/v1/chat/completions", chat("demo-mini", true, 7), 150, 600},
		{"/v1/completions", `{"model":"demo-mini","prompt":"Once upon a time","max_tokens":9}`, 150, 600},
		{"/v1/completions", `{"model":"demo-mini","prompt":["One","Two"],"max_tokens":9,"n":2,"best_of":3}`, 150, 600},
		{"/v1/completions", `{"model":"demo-mini","prompt":"Once","max_tokens":9,"stream":true}`, 150, 600},
		{"/v1/embeddings", `{"model":"demo-embed","input":["some text","more text"]}`, 20, 0},
		{"/v1/embeddings", `{"model":"demo-embed","input":"some text","encoding_format":"base64"}`, 20, 0},
	} {
		t.Run(c.path, func(t *testing.T) {
			g.t = t
			k := g.key(hard())
			r := g.do(ask{key: k.SecretKey, path: c.path, body: c.body, header: map[string]string{"X-Simulate-Output-Tokens": "100"}})
			row := g.row(k.APIKey.ID)
			all := g.provider.Served()
			s := all[len(all)-1]
			if r.status != 200 || row.Outcome != "settled" || row.Endpoint != c.path || row.InputTokens != s.InputTokens || row.OutputTokens != s.OutputTokens {
				t.Errorf("%s: %d, billed %+v, booked %+v", c.body, r.status, s, row)
			}
			if want := usd(s.InputTokens*c.input + s.OutputTokens*c.output); row.CostUSD != want {
				t.Errorf("%s: cost %s, not %s", c.body, row.CostUSD, want)
			}
			if row.UpstreamRequestID != s.UpstreamID || row.RequestID != s.RequestID || row.Stream != strings.Contains(c.body, `"stream":true`) {
				t.Errorf("%s: booked %+v", c.body, row)
			}
			if strings.Contains(g.log.String(), "reported more than was held") {
				t.Errorf("%s: more was billed than was held", c.body)
			}
		})
	}
}
