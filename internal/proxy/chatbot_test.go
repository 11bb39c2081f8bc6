package proxy_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/config"
)

// bot makes a chatbot of the house's model, but for what in says.
func (g *gate) bot(in api.ChatbotInput) api.Chatbot {
	g.t.Helper()
	if in.Name.IsZero() {
		in.Name = api.Set("Help Desk")
	}
	if in.Model.IsZero() {
		in.Model = api.Set("demo-large")
	}
	made, err := g.admin.CreateChatbot(g.t.Context(), in)
	if err != nil {
		g.t.Fatalf("create a chatbot: %v", err)
	}
	return made
}

// change changes a chatbot.
func (g *gate) change(bot api.Chatbot, in api.ChatbotInput) {
	g.t.Helper()
	if _, err := g.admin.UpdateChatbot(g.t.Context(), bot.ID, in); err != nil {
		g.t.Fatalf("change a chatbot: %v", err)
	}
}

// grant lets a key open a chatbot.
func (g *gate) grant(bot api.Chatbot, keyID string) {
	g.t.Helper()
	if _, err := g.admin.CreateChatbotKey(g.t.Context(), bot.ID, api.ChatbotGrantInput{KeyID: api.Set(keyID)}); err != nil {
		g.t.Fatalf("grant: %v", err)
	}
}

// to is a request to a chatbot by its slug.
func to(bot api.Chatbot, key string) ask {
	return ask{path: "/chatbots/" + bot.Slug + "/v1/chat/completions", key: key, max: 5}
}

func mode(m string) api.Optional[string] { return api.Set(m) }

// An ending ends what a key can do at a chatbot.
type ending struct {
	name   string
	end    func(g *gate, bot api.Chatbot, key api.Key) error
	action string // the event that tells of it
	status int    // what the key is answered from then on
	code   string
}

// endings are all the ways in which the last key of a chatbot can end.
func endings() []ending {
	return []ending{
		{"deleted", func(g *gate, _ api.Chatbot, k api.Key) error { return g.admin.DeleteKey(g.t.Context(), k.ID) }, "api_key.delete", 401, "key_invalid"},
		{"disabled", func(g *gate, _ api.Chatbot, k api.Key) error {
			_, err := g.admin.DeactivateKey(g.t.Context(), k.ID)
			return err
		}, "api_key.deactivate", 401, "key_disabled"},
		{"expired", func(g *gate, _ api.Chatbot, k api.Key) error {
			_, err := g.admin.UpdateKey(g.t.Context(), k.ID, api.KeyInput{ExpiresAt: api.Set(time.Now().Add(50 * time.Millisecond).UTC())})
			return err
		}, "api_key.update", 401, "key_expired"},
		{"revoked", func(g *gate, _ api.Chatbot, k api.Key) error {
			_, err := g.admin.RevokeKey(g.t.Context(), k.ID)
			return err
		}, "api_key.revoke", 401, "key_revoked"},
		{"owner deleted", func(g *gate, _ api.Chatbot, k api.Key) error { return g.admin.DeleteUser(g.t.Context(), *k.UserID) }, "user.delete", 401, "key_invalid"},
		{"owner disabled", func(g *gate, _ api.Chatbot, k api.Key) error {
			_, err := g.admin.UpdateUser(g.t.Context(), *k.UserID, api.UserInput{IsActive: api.Set(false)})
			return err
		}, "user.update", 403, "owner_inactive"},
		{"grant revoked", func(g *gate, bot api.Chatbot, k api.Key) error {
			return g.admin.DeleteChatbotKey(g.t.Context(), bot.ID, k.ID)
		}, "chatbot.revoke", 403, "chatbot_denied"},
		{"grant expired", func(g *gate, bot api.Chatbot, k api.Key) error {
			_, err := g.admin.UpdateChatbotKey(g.t.Context(), bot.ID, k.ID, api.ChatbotGrantInput{ExpiresAt: api.Set(time.Now().Add(50 * time.Millisecond).UTC())})
			return err
		}, "chatbot.grant.update", 403, "chatbot_denied"},
	}
}

// A chatbot whose last key ends, in whatever way, is closed to callers without a
// key, and that is in the audit.
func TestD2_TheEndOfTheLastKeyOpensNothing(t *testing.T) {
	g := open(t, nil)
	for _, m := range []string{"key_required", "auto"} {
		for _, e := range endings() {
			t.Run(m+"/"+e.name, func(t *testing.T) {
				bot := g.bot(api.ChatbotInput{AccessMode: mode(m)})
				u, err := g.admin.CreateUser(t.Context(), api.UserInput{Email: api.Set(strings.ReplaceAll(m+"."+e.name, " ", "-") + "@example.com")})
				if err != nil {
					t.Fatal(err)
				}
				k := g.key(api.KeyInput{UserID: api.Set(u.ID)})
				if m == "auto" {
					if r := g.do(to(bot, "")); !r.complete(false) {
						t.Fatalf("before its first grant: %d %s", r.status, r.body)
					}
				}
				g.grant(bot, k.APIKey.ID)
				g.do(to(bot, "")).want(t, 401, "key_missing")
				if r := g.do(to(bot, k.SecretKey)); !r.complete(false) {
					t.Fatalf("with its key: %d %s", r.status, r.body)
				}
				head := g.newest()
				if err := e.end(g, bot, k.APIKey); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(e.name, "expired") {
					g.eventually("the expiry", func() bool { return g.do(to(bot, k.SecretKey)).status != 200 })
				}
				g.do(to(bot, "")).want(t, 401, "key_missing")
				g.do(to(bot, k.SecretKey)).want(t, e.status, e.code)
				if front := g.front(bot.Slug); !front.KeyRequired {
					t.Error("the front says that no key is needed")
				}
				if shown, err := g.admin.Chatbot(t.Context(), bot.ID); err != nil || shown.HasActiveAPIKey || !shown.KeyRequired {
					t.Errorf("shown with an active key %v, key required %v, %v", shown.HasActiveAPIKey, shown.KeyRequired, err)
				}
				if !slices.Contains(g.actionsSince(head), e.action) {
					t.Errorf("no event %s among %v", e.action, g.actionsSince(head))
				}
			})
		}
	}
}

// newest is the newest event's number.
func (g *gate) newest() int64 {
	g.t.Helper()
	list, err := g.admin.Audit(g.t.Context(), client.AuditQuery{Size: 1})
	if err != nil || len(list.AuditEvents) == 0 {
		g.t.Fatalf("audit: %v", err)
	}
	return list.AuditEvents[0].Sequence
}

// actionsSince are the actions of the events after one.
func (g *gate) actionsSince(seq int64) []string {
	g.t.Helper()
	list, err := g.admin.Audit(g.t.Context(), client.AuditQuery{Size: 100})
	if err != nil {
		g.t.Fatal(err)
	}
	var actions []string
	for _, e := range list.AuditEvents {
		if e.Sequence > seq {
			actions = append(actions, e.Action)
		}
	}
	return actions
}

// front is what a chatbot tells whoever asks.
func (g *gate) front(name string) api.ChatbotFront {
	g.t.Helper()
	r := g.do(ask{method: http.MethodGet, path: "/chatbots/" + name})
	var front api.ChatbotFront
	if err := json.Unmarshal([]byte(r.body), &front); err != nil || r.status != 200 {
		g.t.Fatalf("front: %d %s", r.status, r.body)
	}
	return front
}

// What is changed of a chatbot is in force with the next request.
func TestD2_ModesAreInForceAtOnce(t *testing.T) {
	g := open(t, nil)
	bot := g.bot(api.ChatbotInput{})
	k := g.key(api.KeyInput{})
	g.grant(bot, k.APIKey.ID)
	for _, c := range []struct {
		change        api.ChatbotInput
		open, granted int
		code          string // of the key's refusal
	}{
		{api.ChatbotInput{AccessMode: mode("public")}, 200, 200, ""},
		{api.ChatbotInput{AccessMode: mode("auto")}, 401, 200, ""}, // it has had a grant
		{api.ChatbotInput{AccessMode: mode("public"), IsActive: api.Set(false)}, 401, 403, "chatbot_denied"},
		{api.ChatbotInput{IsActive: api.Set(true)}, 200, 200, ""},
		{api.ChatbotInput{AccessMode: mode("disabled")}, 401, 403, "chatbot_denied"},
		{api.ChatbotInput{AccessMode: mode("key_required")}, 401, 200, ""},
	} {
		g.change(bot, c.change)
		if r := g.do(to(bot, "")); r.status != c.open || r.status == 401 && r.fault.Error.Code != "key_missing" {
			t.Errorf("%+v: without a key %d %s", c.change.AccessMode, r.status, r.body)
		}
		// OpenAI's libraries must be given a key.
		if r := g.do(to(bot, "anonymous")); r.status != c.open {
			t.Errorf("%+v: anonymous %d %s", c.change.AccessMode, r.status, r.body)
		}
		if r := g.do(to(bot, k.SecretKey)); r.status != c.granted || r.fault.Error.Code != c.code {
			t.Errorf("%+v: with a key %d %s", c.change.AccessMode, r.status, r.body)
		}
	}
	if err := g.admin.DeleteChatbot(t.Context(), bot.ID); err != nil {
		t.Fatal(err)
	}
	g.do(to(bot, "")).want(t, 401, "key_missing")
	g.do(to(bot, k.SecretKey)).want(t, 404, "not_found")
	g.do(ask{method: http.MethodGet, path: "/chatbots/" + bot.Slug}).want(t, 404, "not_found")
	// The placeholder is one at chatbots only.
	g.do(ask{key: "anonymous"}).want(t, 401, "key_invalid")
}

// The key that is presented must itself hold a live grant, and may do nothing that
// its own rules forbid.
func TestD5_OnlyAGrantedKeyOpensAChatbot(t *testing.T) {
	g := open(t, nil)
	bot := g.bot(api.ChatbotInput{AccessMode: mode("public")})
	other := g.bot(api.ChatbotInput{Name: api.Set("Other")})
	granted := g.key(api.KeyInput{})
	g.grant(bot, granted.APIKey.ID)
	by := func(in api.KeyInput) string {
		k := g.key(in)
		g.grant(bot, k.APIKey.ID)
		return k.SecretKey
	}
	list := func(words ...string) api.Optional[[]string] { return api.Set(words) }
	for _, c := range []struct {
		name string
		ask  ask
		want int
		code string
	}{
		{"granted", to(bot, granted.SecretKey), 200, ""},
		{"granted, for another", to(other, granted.SecretKey), 403, "chatbot_denied"},
		{"not granted, even where it is public", to(bot, g.key(api.KeyInput{}).SecretKey), 403, "chatbot_denied"},
		{"no key of ours", to(bot, "tg_nobody"), 401, "key_invalid"},
		{"a management key", to(bot, g.root), 401, "key_invalid"},
		{"a chatbot that is not there", to(api.Chatbot{Slug: "nowhere"}, granted.SecretKey), 404, "not_found"},
		{"the same, without a key", to(api.Chatbot{Slug: "nowhere"}, ""), 401, "key_missing"},
		{"restricted to another chatbot", to(bot, by(api.KeyInput{AllowedChatbots: list("bot_of_nobody")})), 403, "chatbot_denied"},
		{"restricted to this one", to(bot, by(api.KeyInput{AllowedChatbots: list(bot.ID)})), 200, ""},
		{"another model", to(bot, by(api.KeyInput{AllowedModels: list("openai/*")})), 403, "model_denied"},
		{"its model", to(bot, by(api.KeyInput{AllowedModels: list("demo-*")})), 200, ""},
		{"another provider", to(bot, by(api.KeyInput{AllowedProviders: list("openai")})), 403, "provider_denied"},
		{"another scope", to(bot, by(api.KeyInput{Scopes: list("chat.completions")})), 403, "scope_denied"},
		{"its scope", to(bot, by(api.KeyInput{Scopes: list("chatbot.chat")})), 200, ""},
		{"another path", to(bot, by(api.KeyInput{AllowedEndpoints: list("/v1/*")})), 403, "endpoint_denied"},
		{"its path by the slug", to(bot, by(api.KeyInput{AllowedEndpoints: list("/chatbots/" + bot.Slug + "/*")})), 200, ""},
		{"its path by the id", to(bot, by(api.KeyInput{AllowedEndpoints: list("/chatbots/" + bot.ID + "/*")})), 200, ""},
		{"another format", to(bot, by(api.KeyInput{AllowedAPIFormats: list("gemini")})), 403, "format_denied"},
		{"another address", to(bot, by(api.KeyInput{AllowedIPs: list("10.0.0.1")})), 403, "ip_denied"},
		{"the plain API, for a key that names chatbots", ask{key: by(api.KeyInput{AllowedChatbots: list(bot.ID)})}, 403, "chatbot_denied"},
		{"the plain API", ask{key: granted.SecretKey}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := g.do(c.ask); r.status != c.want || r.fault.Error.Code != c.code {
				t.Errorf("status %d %s", r.status, r.body)
			}
		})
	}
	if strings.Contains(g.log.String(), granted.SecretKey) {
		t.Error("the log holds a key")
	}
}

// The grant is asked for once the body has been read, and before the model.
func TestD5_TheGrantComesBehindTheBody(t *testing.T) {
	g := open(t, nil)
	bot := g.bot(api.ChatbotInput{Model: api.Set("no-such-model")})
	key := g.key(api.KeyInput{}).SecretKey
	broken := to(bot, key)
	broken.body = "{"
	g.do(broken).want(t, 400, "invalid_json")
	g.do(to(bot, key)).want(t, 403, "chatbot_denied")
	granted := g.key(api.KeyInput{})
	g.grant(bot, granted.APIKey.ID)
	g.do(to(bot, granted.SecretKey)).want(t, 404, "model_not_found")
	scoped := g.key(api.KeyInput{Scopes: api.Set([]string{"models.list"})}).SecretKey
	broken.key = scoped
	g.do(broken).want(t, 403, "scope_denied")
}

// A key made for a chatbot opens it, and nothing else.
func TestD5_AKeyOfAChatbotOpensNothingElse(t *testing.T) {
	g := open(t, nil)
	bot, other := g.bot(api.ChatbotInput{}), g.bot(api.ChatbotInput{Name: api.Set("Other")})
	k := g.key(api.KeyInput{Preset: api.Set("chatbot"), AllowedChatbots: api.Set([]string{bot.ID})})
	if r := g.do(to(bot, k.SecretKey)); !r.complete(false) {
		t.Fatalf("status %d %s", r.status, r.body)
	}
	for _, a := range []ask{{key: k.SecretKey}, to(other, k.SecretKey), {key: k.SecretKey, method: http.MethodGet, path: "/v1/models"}} {
		if r := g.do(a); r.status != 403 {
			t.Errorf("%s: status %d %s", a.path, r.status, r.body)
		}
	}
	// Replaced, the old secret opens nothing; the grant and the counts stay.
	made, err := g.admin.RegenerateKey(t.Context(), k.APIKey.ID, api.RegenerateInput{})
	if err != nil {
		t.Fatal(err)
	}
	g.do(to(bot, k.SecretKey)).want(t, 401, "key_invalid")
	if r := g.do(to(bot, made.SecretKey)); !r.complete(false) {
		t.Errorf("after the rotation: %d %s", r.status, r.body)
	}
}

// behindAProxy trusts the address that the tests write.
func behindAProxy(t *testing.T) func(*config.Config) {
	return func(cfg *config.Config) { cfg.TrustedProxies = append(cfg.TrustedProxies, prefix(t, "127.0.0.0/8")) }
}

// from is a from an address.
func from(ip string, a ask) ask {
	a.header = map[string]string{"X-Forwarded-For": ip}
	return a
}

// Callers without a key are counted by their address, beside the chatbot.
func TestD2_PublicChatbotsCountByAddress(t *testing.T) {
	g := open(t, behindAProxy(t))
	bot := g.bot(api.ChatbotInput{AccessMode: mode("public"), AnonymousRateLimitPerMinute: api.Set[int64](2)})
	for _, c := range []struct {
		ip   string
		want int
	}{
		{"203.0.113.7", 200},
		{"203.0.113.7", 200},
		{"203.0.113.7", 429},
		{"203.0.113.8", 200},
		{"2001:db8:1:1::1", 200},
		{"2001:db8:1:1:ffff::2", 200},
		{"2001:db8:1:1:5::3", 429},
		{"2001:db8:1:2::1", 200},
		{"::ffff:203.0.113.7", 429},
	} {
		r := g.do(from(c.ip, to(bot, "")))
		if r.status != c.want {
			t.Errorf("%s: %d %s", c.ip, r.status, r.body)
		}
		if c.want == 200 && r.header.Get("X-Ratelimit-Limit-Requests") != "2" {
			t.Errorf("%s: headers %v", c.ip, r.header)
		}
		if c.want == 429 && (r.fault.Error.Code != "rate_limited" || *r.fault.Error.Param != "anonymous_rate_limit_per_minute" || r.header.Get("Retry-After") == "") {
			t.Errorf("%s: %s", c.ip, r.body)
		}
	}
	// Another chatbot counts for itself; a proxy that hides its caller gets nothing.
	other := g.bot(api.ChatbotInput{Name: api.Set("Other"), AccessMode: mode("public"), AnonymousConcurrentLimit: api.Set[int64](0)})
	g.do(from("203.0.113.9", to(other, ""))).want(t, 429, "concurrency_limited")
	g.do(from("unknown", to(bot, ""))).want(t, 403, "ip_denied")
	// Whoever has a key is not counted by their address.
	k := g.key(api.KeyInput{})
	g.grant(bot, k.APIKey.ID)
	for range 3 {
		if r := g.do(from("203.0.113.7", to(bot, k.SecretKey))); !r.complete(false) {
			t.Errorf("with a key: %d %s", r.status, r.body)
		}
	}
}

// The chatbot's own limits, its owner's and the organization's count for callers
// without a key; how much of them is used is not theirs to know.
func TestD2_PublicChatbotsHaveLimitsOfTheirOwn(t *testing.T) {
	g := open(t, nil)
	owner, err := g.admin.CreateUser(t.Context(), api.UserInput{Email: api.Set("owner@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	bot := g.bot(api.ChatbotInput{AccessMode: mode("public"), UserID: api.Set(owner.ID)})
	if r := g.do(to(bot, "")); !r.complete(false) || r.header.Get("X-Ratelimit-Limit-Requests") != "20" {
		t.Fatalf("status %d %v %s", r.status, r.header, r.body)
	}
	row := g.botRow(bot)
	if row.KeyID != "" || row.UserID == nil || *row.UserID != owner.ID || row.ChatbotID == nil || *row.ChatbotID != bot.ID || row.CostUSD == "0" {
		t.Errorf("entry %+v", row)
	}
	secret := func(r reply, status int, code, param string) {
		t.Helper()
		r.want(t, status, code)
		if r.fault.Error.Param == nil || *r.fault.Error.Param != param || strings.ContainsAny(r.fault.Error.Message, "$0123456789") || r.header.Get("X-Ratelimit-Limit-Requests") != "" {
			t.Errorf("told %s %v", r.body, r.header)
		}
	}
	g.change(bot, api.ChatbotInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](0), BudgetType: api.Set("monthly")}})
	secret(g.do(to(bot, "")), 402, "budget_exceeded", "budget_limit_cents")
	g.change(bot, api.ChatbotInput{LimitsInput: api.LimitsInput{BudgetLimitCents: api.Null[int64](), RateLimitPerDay: api.Set[int64](1)}})
	secret(g.do(to(bot, "")), 429, "rate_limited", "rate_limit_per_day")
	// A key's holder is told.
	k := g.key(api.KeyInput{})
	g.grant(bot, k.APIKey.ID)
	if r := g.do(to(bot, k.SecretKey)); r.status != 429 || !strings.Contains(r.fault.Error.Message, "the chatbot's limit of 1 requests a day") {
		t.Errorf("%d %s", r.status, r.body)
	}
	g.change(bot, api.ChatbotInput{LimitsInput: api.LimitsInput{RateLimitPerDay: api.Null[int64]()}})
	if _, err := g.admin.UpdateUser(t.Context(), owner.ID, api.UserInput{LimitsInput: api.LimitsInput{RateLimitPerDay: api.Set[int64](1)}}); err != nil {
		t.Fatal(err)
	}
	secret(g.do(to(bot, "")), 429, "rate_limited", "rate_limit_per_day")
	if _, err := g.admin.UpdateUser(t.Context(), owner.ID, api.UserInput{IsActive: api.Set(false)}); err != nil {
		t.Fatal(err)
	}
	g.do(to(bot, "")).want(t, 403, "owner_inactive")
	g.do(ask{method: http.MethodGet, path: "/chatbots/" + bot.Slug}).want(t, 404, "not_found")
}

// botRow waits for the only entry of a chatbot.
func (g *gate) botRow(bot api.Chatbot) api.UsageRow {
	g.t.Helper()
	var rows []api.UsageRow
	g.eventually("an entry", func() bool {
		list, err := g.admin.Usage(g.t.Context(), client.UsageQuery{ChatbotID: bot.ID, Size: 1000})
		if err != nil {
			g.t.Fatal(err)
		}
		rows = list.Usage
		return len(rows) > 0
	})
	if len(rows) != 1 {
		g.t.Fatalf("%d entries, not 1: %+v", len(rows), rows)
	}
	return rows[0]
}

// What is billed apart from tokens is not for callers without a key.
func TestD2_PublicChatbotsHaveNoExtras(t *testing.T) {
	g := open(t, nil)
	bot := g.bot(api.ChatbotInput{AccessMode: mode("public")})
	k := g.key(api.KeyInput{})
	g.grant(bot, k.APIKey.ID)
	for _, extra := range []string{`"web_search_options":{}`, `"service_tier":"priority"`, `"tools":[{"type":"web_search"}]`} {
		a := to(bot, "")
		a.body = `{"model":"x","messages":[{"role":"user","content":"hi"}],"max_tokens":5,` + extra + `}`
		g.do(a).want(t, 403, "model_unpriced")
		a.key = k.SecretKey
		if r := g.do(a); r.status != 200 {
			t.Errorf("%s with a key: %d %s", extra, r.status, r.body)
		}
	}
}
