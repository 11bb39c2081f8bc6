package proxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/config"
)

const (
	mineSecret   = "sk-mine-PLANTED-0123456789abcdef"
	sharedSecret = "sk-shared-PLANTED-0123456789abcdef"
)

// bring stores a credential and makes it the default, unless in says otherwise.
func (g *gate) bring(in api.CredentialInput) api.Credential {
	g.t.Helper()
	if in.Provider.IsZero() {
		in.Provider = api.Set("openai")
	}
	if in.KeyName.IsZero() {
		in.KeyName = api.Set("test")
	}
	if in.IsDefault.IsZero() {
		in.IsDefault = api.Set(true)
	}
	c, err := g.admin.CreateCredential(g.t.Context(), in)
	if err != nil {
		g.t.Fatalf("bring a credential: %v", err)
	}
	return c
}

// mine and shared are a user's and the organization's default for OpenAI.
func (g *gate) mine(user api.User, in api.CredentialInput) api.Credential {
	in.UserID, in.APIKey = api.Set(user.ID), api.Set(mineSecret)
	return g.bring(in)
}

func (g *gate) shared(in api.CredentialInput) api.Credential {
	in.APIKey = api.Set(sharedSecret)
	return g.bring(in)
}

func (g *gate) user(email string) api.User {
	g.t.Helper()
	u, err := g.admin.CreateUser(g.t.Context(), api.UserInput{Email: api.Set(email)})
	if err != nil {
		g.t.Fatal(err)
	}
	return u
}

func (g *gate) credential(id string) api.Credential {
	g.t.Helper()
	c, err := g.admin.Credential(g.t.Context(), id)
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// paidWith is what the latest request was sent under.
func (g *gate) paidWith() string {
	h, _ := g.provider.latest()
	return strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
}

const gpt = "openai/gpt-4o-mini"

func TestA10_OnesOwnCredentialTakesThePlatformsPlace(t *testing.T) {
	g := open(t, nil)
	ada := g.user("ada@example.com")
	in := api.KeyInput{UserID: api.Set(ada.ID), BudgetLimitCents: api.Set[int64](0)} // no money of the platform's
	k := g.key(in)
	service := g.key(hard())
	g.do(ask{key: k.SecretKey, model: gpt, max: 10}).want(t, http.StatusPaymentRequired, "budget_exceeded")

	explained := func(key api.KeyCreated, want ...string) {
		t.Helper()
		r, err := g.admin.Explain(t.Context(), api.ExplainRequest{KeyID: key.APIKey.ID, Model: gpt, MaxOutputTokens: 10})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(r)
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("explain does not say %q: %s", w, text)
			}
		}
	}
	explained(k, "The platform's own credential pays", `"code":"budget_exceeded"`)
	shared := g.shared(api.CredentialInput{})
	explained(k, shared.ID, "the organization's default for openai", `"allowed":true`, "costs nothing here")
	paid := func(name string, key api.KeyCreated, secret, credential string, stream bool) {
		t.Helper()
		if r := g.do(ask{key: key.SecretKey, model: gpt, stream: stream}); !r.complete(stream) {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		if got := g.paidWith(); got != secret {
			t.Errorf("%s: sent with %q", name, got)
		}
		row := g.rows(key.APIKey.ID)[0]
		free := credential != ""
		if row.BYOK != free || (row.CredentialID != nil) != free || free && *row.CredentialID != credential || (row.CostUSD == "0.00") != free {
			t.Errorf("%s: %+v", name, row)
		}
		if _, body := g.provider.latest(); free && strings.Contains(body, "max_completion_tokens") {
			t.Errorf("%s: what nobody limits is capped: %s", name, body)
		}
	}
	paid("the organization's", k, sharedSecret, shared.ID, false)
	paid("the organization's, of a key without owner", service, sharedSecret, shared.ID, true)
	mine := g.mine(ada, api.CredentialInput{})
	paid("one's own", k, mineSecret, mine.ID, true)
	explained(k, mine.ID, "the default of the key's owner", `"allowed":true`)
	paid("another's stays theirs", service, sharedSecret, shared.ID, false)

	if _, err := g.admin.UpdateCredential(t.Context(), mine.ID, api.CredentialInput{IsActive: api.Set(false)}); err != nil {
		t.Fatal(err)
	}
	paid("one's own is disabled", k, sharedSecret, shared.ID, false)
	if err := g.admin.DeleteCredential(t.Context(), shared.ID); err != nil {
		t.Fatal(err)
	}
	paid("the platform's", service, openaiCredential, "", false)
	g.do(ask{key: k.SecretKey, model: gpt, max: 10}).want(t, http.StatusPaymentRequired, "budget_exceeded")
	other := g.mine(ada, api.CredentialInput{KeyName: api.Set("other"), IsDefault: api.Set(false)})
	g.do(ask{key: k.SecretKey, model: gpt, max: 10}).want(t, http.StatusPaymentRequired, "budget_exceeded") // no default
	if _, err := g.admin.SetDefaultCredential(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	paid("the new default", k, mineSecret, other.ID, false)
	if total, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || total.TotalCostUSD != "0.00" || total.TotalTokens == 0 {
		t.Errorf("the key: %+v, %v", total, err)
	}
}

func TestA10_AFeeIsAShareOfThePrice(t *testing.T) {
	g := open(t, func(c *config.Config) { c.Credentials.FeePercent = 10 })
	full := g.key(hard())
	r := g.do(ask{key: full.SecretKey, model: gpt, max: 200, header: map[string]string{"X-Simulate-Output-Tokens": "200"}})
	g.shared(api.CredentialInput{})
	k := g.key(hard())
	own := g.do(ask{key: k.SecretKey, model: gpt, max: 200, header: map[string]string{"X-Simulate-Output-Tokens": "200"}})
	a, b := nano(t, r.header.Get("X-Tollgate-Cost-Usd")), nano(t, own.header.Get("X-Tollgate-Cost-Usd"))
	if a == 0 || b != (a+9)/10 {
		t.Errorf("%s of %s", own.header.Get("X-Tollgate-Cost-Usd"), r.header.Get("X-Tollgate-Cost-Usd"))
	}
	row := g.rows(k.APIKey.ID)[0]
	if !row.BYOK || nano(t, row.CostUSD) != b {
		t.Errorf("%+v", row)
	}
	// A fee is money: it needs a budget, and a price.
	poor := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})
	g.do(ask{key: poor.SecretKey, model: gpt}).want(t, http.StatusPaymentRequired, "budget_exceeded")
	g.do(ask{key: k.SecretKey, model: "openai/nobody-knows"}).want(t, http.StatusForbidden, "model_unpriced")
}

func TestA7_TheLimitsOfACredentialHold(t *testing.T) {
	g := open(t, nil)
	c := g.shared(api.CredentialInput{DailyLimit: api.Set[int64](100), MonthlyLimit: api.Set[int64](50)})
	k := g.key(api.KeyInput{})
	set := func(in api.CredentialInput) {
		t.Helper()
		if _, err := g.admin.UpdateCredential(t.Context(), c.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	big := ask{key: k.SecretKey, model: gpt, max: 5, header: map[string]string{"X-Simulate-Input-Tokens": "30", "X-Simulate-Output-Tokens": "5"}}
	refused := func(name, field string) {
		t.Helper()
		r := g.do(big)
		r.want(t, http.StatusTooManyRequests, "tokens_limited")
		if !strings.Contains(r.fault.Error.Message, "the provider credential's") || !strings.Contains(r.fault.Error.Message, field) {
			t.Errorf("%s: %s", name, r.fault.Error.Message)
		}
	}
	set(api.CredentialInput{DailyLimit: api.Set[int64](0), MonthlyLimit: api.Set[int64](0)})
	refused("0 denies, and the day comes first", "tokens_per_day")
	set(api.CredentialInput{DailyLimit: api.Null[int64]()})
	refused("0 denies", "tokens_per_month")
	if r, err := g.admin.Explain(t.Context(), api.ExplainRequest{KeyID: k.APIKey.ID, Model: gpt}); err != nil || r.Allowed || r.Code != "tokens_limited" || r.Steps[len(r.Steps)-1].Limit.Subject != "credential" {
		t.Errorf("explain: %+v, %v", r, err)
	}
	set(api.CredentialInput{MonthlyLimit: api.Null[int64](), DailyLimit: api.Set[int64](500)})
	for n := 0; ; n++ {
		r := g.do(big)
		if r.status != http.StatusOK {
			r.want(t, http.StatusTooManyRequests, "tokens_limited")
			break
		}
		if n > 20 {
			t.Fatal("it never ends")
		}
	}
	if used := g.credential(c.ID).TotalTokensUsed; used == 0 || used > 500 {
		t.Errorf("%d tokens used of 500", used)
	}
	set(api.CredentialInput{DailyLimit: api.Null[int64](), RateLimitPerMinute: api.Set[int64](1)})
	r := g.do(big)
	r.want(t, http.StatusTooManyRequests, "rate_limited") // what was used before counts
	set(api.CredentialInput{RateLimitPerMinute: api.Null[int64](), ConcurrentLimit: api.Set[int64](0)})
	g.do(big).want(t, http.StatusTooManyRequests, "concurrency_limited")
	set(api.CredentialInput{ConcurrentLimit: api.Null[int64]()})
	if r := g.do(big); r.status != http.StatusOK {
		t.Errorf("without limits: %d %s", r.status, r.body)
	}
}

// TestA7_ManyAtOnceDoNotPassTheLimit: of everybody's keys together.
func TestA7_ManyAtOnceDoNotPassTheLimit(t *testing.T) {
	g := open(t, nil)
	c := g.shared(api.CredentialInput{DailyLimit: api.Set[int64](2000)})
	var wait sync.WaitGroup
	for range 8 {
		k := g.key(api.KeyInput{})
		wait.Go(func() {
			for range 20 {
				g.do(ask{key: k.SecretKey, model: gpt, max: 40, header: map[string]string{"X-Simulate-Output-Tokens": "40"}})
			}
		})
	}
	wait.Wait()
	if used := g.credential(c.ID).TotalTokensUsed; used < 1000 || used > 2000 {
		t.Errorf("%d tokens used of 2000", used)
	}
}

func TestA6_CountersComeFromTheLedger(t *testing.T) {
	g := open(t, nil)
	c := g.shared(api.CredentialInput{})
	k := g.key(api.KeyInput{})
	if c.UsageCount != 0 || c.TotalTokensUsed != 0 || c.LastUsedAt != nil {
		t.Errorf("before: %+v", c)
	}
	began := time.Now().Add(-time.Second)
	for range 3 {
		g.do(ask{key: k.SecretKey, model: gpt})
	}
	g.do(ask{key: k.SecretKey, model: gpt, header: map[string]string{"X-Simulate-Fault": "status=500"}})
	tokens := int64(0)
	for _, row := range g.rows(k.APIKey.ID) {
		tokens += row.InputTokens + row.OutputTokens
	}
	c = g.credential(c.ID)
	if c.UsageCount != 4 || c.TotalTokensUsed != tokens || tokens == 0 || c.LastUsedAt == nil || c.LastUsedAt.Before(began) {
		t.Errorf("after: %+v, %d tokens", c, tokens)
	}
	if c.Version != 1 {
		t.Errorf("use is no change: version %d", c.Version)
	}

	// What it paid for is listed and summed up by it, and nothing else is.
	if err := g.admin.DeleteCredential(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	g.do(ask{key: k.SecretKey, model: gpt}) // the platform's
	list, err := g.admin.Usage(t.Context(), client.UsageQuery{CredentialID: c.ID})
	if err != nil || list.Total != 4 || len(list.Usage) != 4 || *list.Usage[0].CredentialID != c.ID {
		t.Errorf("its requests: %+v, %v", list, err)
	}
	sums, err := g.admin.Usage(t.Context(), client.UsageQuery{CredentialID: c.ID, GroupBy: []string{"key"}})
	if err != nil || len(sums.Series) != 1 || sums.Series[0].Requests != 4 || sums.Series[0].Failed != 1 || sums.Series[0].Tokens != tokens {
		t.Errorf("their sum: %+v, %v", sums, err)
	}
	groups, err := g.admin.Usage(t.Context(), client.UsageQuery{GroupBy: []string{"credential"}})
	if err != nil || len(groups.Series) != 2 || *groups.Series[0].CredentialID != "" || groups.Series[0].Requests != 1 ||
		*groups.Series[1].CredentialID != c.ID || groups.Series[1].Requests != 4 {
		t.Errorf("by credential: %+v, %v", groups, err)
	}
	for lines, by := range map[int][]string{4: nil, 1: {"credential"}} {
		var csv strings.Builder
		err := g.admin.UsageCSV(t.Context(), client.UsageQuery{CredentialID: c.ID, GroupBy: by}, &csv)
		if err != nil || strings.Count(csv.String(), c.ID) != lines || strings.Count(csv.String(), "\n") != lines+1 || !strings.Contains(csv.String(), "credential_id,") {
			t.Errorf("CSV by %v: %s, %v", by, csv.String(), err)
		}
	}
	if none, err := g.admin.Usage(t.Context(), client.UsageQuery{CredentialID: "cred_none"}); err != nil || none.Total != 0 {
		t.Errorf("nobody's: %+v, %v", none, err)
	}
}

func TestA9_ListsGoByDefaultAndUse(t *testing.T) {
	g := open(t, nil)
	names := func() string {
		t.Helper()
		list, err := g.admin.Credentials(t.Context(), client.CredentialQuery{Size: 50})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range list.Credentials {
			names = append(names, c.KeyName)
		}
		return strings.Join(names, " ")
	}
	k := g.key(api.KeyInput{})
	byName := map[string]api.Credential{}
	for _, name := range []string{"a", "b", "c", "d"} {
		byName[name] = g.shared(api.CredentialInput{KeyName: api.Set(name), IsDefault: api.Set(false)})
	}
	if got := names(); got != "a b c d" {
		t.Errorf("unused: %s", got)
	}
	for _, name := range []string{"c", "a", "d"} {
		if _, err := g.admin.SetDefaultCredential(t.Context(), byName[name].ID); err != nil {
			t.Fatal(err)
		}
		g.do(ask{key: k.SecretKey, model: gpt})
		<-time.After(2 * time.Millisecond) // the order is one of milliseconds
	}
	if got := names(); got != "d a c b" {
		t.Errorf("used: %s", got)
	}
	if _, err := g.admin.SetDefaultCredential(t.Context(), byName["b"].ID); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != "b d a c" {
		t.Errorf("an unused default: %s", got)
	}
	if _, err := g.admin.UpdateCredential(t.Context(), byName["b"].ID, api.CredentialInput{IsActive: api.Set(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.admin.DefaultCredential(t.Context(), client.DefaultQuery{Provider: "openai"}); err == nil {
		t.Error("a disabled default is one")
	}
	if c, err := g.admin.DefaultCredential(t.Context(), client.DefaultQuery{Provider: "openai", AnyActive: true}); err != nil || c.KeyName != "d" {
		t.Errorf("any active one: %s, %v", c.KeyName, err)
	}
}

// TestAProviderWithoutTheOperatorsIsReached: what nobody has configured can be used
// by who has a credential for it, and is in the list of models for them.
func TestAProviderWithoutTheOperatorsIsReached(t *testing.T) {
	g := open(t, func(c *config.Config) {
		c.Credentials.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	ada := g.user("ada@example.com")
	k, other := g.key(api.KeyInput{UserID: api.Set(ada.ID)}), g.key(api.KeyInput{})
	g.do(ask{key: k.SecretKey, model: "azure/gpt-4o"}).want(t, http.StatusServiceUnavailable, "provider_unconfigured")
	g.bring(api.CredentialInput{
		Provider: api.Set("azure"), UserID: api.Set(ada.ID), APIKey: api.Set(mineSecret),
		CustomConfig: api.Set(api.CustomConfigInput{
			BaseURL: api.Set(g.provider.url), APIVersion: api.Set("2024-10-21"), Headers: api.Set(map[string]*string{"X-Team": new("team-secret-PLANTED")}),
		}),
	})
	g.bring(api.CredentialInput{
		Provider: api.Set("custom"), UserID: api.Set(ada.ID), APIKey: api.Set(mineSecret),
		CustomConfig: api.Set(api.CustomConfigInput{BaseURL: api.Set(g.provider.url + "/v1")}),
	})
	if r := g.do(ask{key: k.SecretKey, model: "azure/gpt-4o", header: map[string]string{"X-Team": "the caller's"}}); !r.complete(false) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	h, _ := g.provider.latest()
	if h.Get("Api-Key") != mineSecret || h.Get("Authorization") != "" || h.Get("X-Team") != "team-secret-PLANTED" || len(h.Values("X-Team")) != 1 {
		t.Errorf("sent with %v", h)
	}
	if r := g.do(ask{key: k.SecretKey, model: "custom/whatever"}); !r.complete(false) || g.paidWith() != mineSecret {
		t.Errorf("%d %s", r.status, r.body)
	}
	for key, want := range map[string]bool{k.SecretKey: true, other.SecretKey: false} {
		list := g.do(ask{method: http.MethodGet, path: "/v1/models", key: key}).body
		if strings.Contains(list, `"azure"`) != want {
			t.Errorf("azure's models listed: %v", !want)
		}
	}
	g.do(ask{key: other.SecretKey, model: "azure/gpt-4o"}).want(t, http.StatusServiceUnavailable, "provider_unconfigured")
}

// TestA8_AUsersBaseURLReachesNothingInside: not when it is set, and not when the
// address turns out to be one.
func TestA8_AUsersBaseURLReachesNothingInside(t *testing.T) {
	g := open(t, nil)
	for _, url := range []string{g.provider.url, strings.Replace(g.provider.url, "http:", "https:", 1), "https://localhost/v1", "https://169.254.169.254/latest"} {
		_, err := g.admin.CreateCredential(t.Context(), api.CredentialInput{
			Provider: api.Set("custom"), KeyName: api.Set("x"), APIKey: api.Set(mineSecret),
			CustomConfig: api.Set(api.CustomConfigInput{BaseURL: api.Set(url)}),
		})
		if err == nil || !strings.Contains(fmt.Sprint(err), "custom_config") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if n := len(g.provider.Served()); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}
