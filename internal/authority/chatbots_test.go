package authority_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
)

// bot makes a chatbot or ends the test.
func (h *house) bot(t testing.TB, body string) authority.Chatbot {
	t.Helper()
	c, err := h.CreateChatbot(t.Context(), h.root, []byte(body))
	must(t, err)
	return c
}

// give grants a chatbot to a key or ends the test.
func (h *house) give(t testing.TB, c authority.Chatbot, keyID string) authority.GrantedKey {
	t.Helper()
	g, err := h.GrantChatbot(t.Context(), h.root, c.ID, []byte(`{"key_id":"`+keyID+`"}`))
	must(t, err)
	return g
}

const fullChatbot = `{"name":"Support","slug":"help-desk","provider":"openai","model":"gpt-4o-mini","system_prompt":"Be kind.\nAlways.",
	"temperature":0.7,"max_tokens":500,"greeting":"Hello!","allowed_origins":["https://A.example/","http://localhost:3000","https://b.example:443"],
	"access_mode":"public","is_active":false,"rate_limit_per_minute":1,"rate_limit_per_hour":2,"rate_limit_per_day":3,"tokens_per_minute":4,
	"tokens_per_day":5,"tokens_per_month":6,"concurrent_limit":7,"budget_limit_cents":8,"budget_type":"daily","budget_mode":"soft",
	"anonymous_rate_limit_per_minute":9,"anonymous_rate_limit_per_hour":10,"anonymous_rate_limit_per_day":11,"anonymous_tokens_per_day":12,
	"anonymous_concurrent_limit":13}`

func TestD1_AChatbotIsStoredAsItWasMade(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	c := h.bot(t, strings.Replace(fullChatbot, "{", `{"user_id":"`+u.ID+`",`, 1))
	n := func(v int64) *int64 { return &v }
	same(t, c, authority.Chatbot{
		ID: c.ID, OrganizationID: h.root.OrganizationID(), UserID: u.ID, Name: "Support", Slug: "help-desk", Provider: "openai",
		Model: "gpt-4o-mini", SystemPrompt: "Be kind.\nAlways.", Temperature: new(0.7), MaxTokens: n(500), Greeting: "Hello!",
		AllowedOrigins: []string{"https://a.example", "http://localhost:3000", "https://b.example"}, AccessMode: authority.AccessPublic,
		Status: authority.StatusDisabled, DisabledBy: h.root.ID(),
		Limits: authority.Limits{
			RateLimitPerMinute: n(1), RateLimitPerHour: n(2), RateLimitPerDay: n(3), TokensPerMinute: n(4), TokensPerDay: n(5),
			TokensPerMonth: n(6), ConcurrentLimit: n(7), BudgetLimitCents: n(8), BudgetType: "daily", BudgetMode: "soft",
		},
		Anonymous: authority.Limits{
			RateLimitPerMinute: n(9), RateLimitPerHour: n(10), RateLimitPerDay: n(11), TokensPerDay: n(12), ConcurrentLimit: n(13),
		},
		CreatedAt: noon, UpdatedAt: noon, Version: 1,
	})
	got, err := h.ChatbotByID(t.Context(), h.root, c.ID)
	must(t, err)
	same(t, got, c)

	// What is left out: a key is needed, and each address has little.
	c = h.bot(t, `{"name":"Ask Ünïcode  & me!","model":"m"}`)
	same(t, c.Slug, "ask-n-code-me")
	if c.AccessMode != authority.AccessKey || c.Status != authority.StatusActive || c.UserID != "" || !reflect.ValueOf(c.Limits).IsZero() ||
		*c.Anonymous.RateLimitPerMinute != 20 || *c.Anonymous.RateLimitPerHour != 200 || *c.Anonymous.RateLimitPerDay != 1000 || *c.Anonymous.ConcurrentLimit != 5 {
		t.Errorf("the defaults are %+v", c)
	}
	same(t, h.bot(t, `{"name":"Ask Ünïcode  & me!","model":"m"}`).Slug, "ask-n-code-me-2")
	same(t, h.bot(t, `{"name":"`+strings.Repeat("x", 70)+`","model":"m"}`).Slug, strings.Repeat("x", 63))
	same(t, h.bot(t, `{"name":"`+strings.Repeat("x", 70)+`","model":"m"}`).Slug, strings.Repeat("x", 60)+"-2")
	_, err = h.CreateChatbot(t.Context(), h.root, []byte(`{"name":"again","slug":"help-desk","model":"m"}`))
	if is(t, err, fault.NameTaken); fault.Of(err).Param != "slug" {
		t.Errorf("%v", err)
	}
	_, err = h.CreateChatbot(t.Context(), h.as(t, "org_b", "*"), []byte(`{"name":"again","slug":"help-desk","model":"m"}`))
	is(t, err, fault.NameTaken) // the address names no organisation
}

func TestD1_EveryWrongFieldIsNamed(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]string{
		`{}`:                                                                                    "model name",
		`{"name":"日本","model":"m"}`:                                                             "slug",
		`{"name":"a","model":""}`:                                                               "model",
		`{"name":"a","model":"a b"}`:                                                            "model",
		`{"name":"a","model":"m","slug":"A"}`:                                                   "slug",
		`{"name":"a","model":"m","slug":"-a"}`:                                                  "slug",
		`{"name":"a","model":"m","slug":"a--b"}`:                                                "slug",
		`{"name":"a","model":"m","slug":"bot_1"}`:                                               "slug",
		`{"name":"a","model":"m","slug":null}`:                                                  "slug",
		`{"name":"a","model":"m","temperature":2.01}`:                                           "temperature",
		`{"name":"a","model":"m","temperature":-0.1}`:                                           "temperature",
		`{"name":"a","model":"m","temperature":"1"}`:                                            "temperature",
		`{"name":"a","model":"m","temperature":1e999}`:                                          "temperature",
		`{"name":"a","model":"m","max_tokens":0}`:                                               "max_tokens",
		`{"name":"a","model":"m","access_mode":"open"}`:                                         "access_mode",
		`{"name":"a","model":"m","access_mode":null}`:                                           "access_mode",
		`{"name":"a","model":"m","provider":"Open AI"}`:                                         "provider",
		`{"name":"a","model":"m","user_id":"user_x"}`:                                           "user_id",
		`{"name":"a","model":"m","allowed_origins":["a.example"]}`:                              "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["https://a.example/path"]}`:                 "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["https://*.example"]}`:                      "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["https://u:p@a.example"]}`:                  "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["https://a.example?x"]}`:                    "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["https://a.example:0"]}`:                    "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["null"]}`:                                   "allowed_origins",
		`{"name":"a","model":"m","allowed_origins":["file:///x"]}`:                              "allowed_origins",
		`{"name":"a","model":"m","anonymous_rate_limit_per_minute":0}`:                          "anonymous_rate_limit_per_minute",
		`{"name":"a","model":"m","budget_type":"daily","id":"x","first_grant_at":null}`:         "budget_type first_grant_at id",
		`{"name":"a","model":"m","system_prompt":"` + strings.Repeat("x", 32_001) + `"}`:        "system_prompt",
		`{"name":"a","model":"m","greeting":7,"sistem_prompt":"x"}`:                             "greeting sistem_prompt",
		`{"name":"a","model":"m","anonymous_budget_limit_cents":1,"key_required":false}`:        "anonymous_budget_limit_cents key_required",
		`{"name":"a","model":"m","anonymous_concurrent_limit":-1,"anonymous_tokens_per_day":0}`: "anonymous_concurrent_limit",
	} {
		_, err := h.CreateChatbot(t.Context(), h.root, []byte(body))
		is(t, err, fault.ValidationFailed)
		if got := strings.Join(wrong(err), " "); got != want {
			t.Errorf("%.100s: %q is wrong, want %q", body, got, want)
		}
	}
}

// Each operation on one's own chatbot, on another's, and on another
// organisation's, by role; "" is a chatbot that nobody here owns.
func TestD6_EveryOperationByRoleAndOwner(t *testing.T) {
	type call func(h *house, t *testing.T, who authority.Principal, bot authority.Chatbot, key string) error
	calls := map[string]call{
		"get": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, _ string) error {
			_, err := h.ChatbotByID(t.Context(), who, c.ID)
			return err
		},
		"keys": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, _ string) error {
			_, _, err := h.ListGrants(t.Context(), who, c.ID, authority.GrantPage{})
			return err
		},
		"update": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, _ string) error {
			_, err := h.UpdateChatbot(t.Context(), who, c.ID, []byte(`{"greeting":"x"}`), 0)
			return err
		},
		"grant": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, key string) error {
			_, err := h.GrantChatbot(t.Context(), who, c.ID, []byte(`{"key_id":"`+key+`"}`))
			return err
		},
		"regrant": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, key string) error {
			_, err := h.UpdateGrant(t.Context(), who, c.ID, key, []byte(`{"expires_at":"2030-01-01T00:00:00Z"}`))
			return err
		},
		"revoke": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, key string) error {
			return h.RevokeGrant(t.Context(), who, c.ID, key)
		},
		"delete": func(h *house, t *testing.T, who authority.Principal, c authority.Chatbot, _ string) error {
			return h.DeleteChatbot(t.Context(), who, c.ID, 0)
		},
	}
	order := []string{"get", "keys", "update", "grant", "regrant", "revoke", "delete"}
	p := newPlaces(t)
	abroad := p.h.as(t, "org_abroad", "*")
	for _, role := range []string{"owner", "admin", "auditor", "developer", "user", "none", "zero"} {
		for _, whose := range []string{"own", "other", "abroad"} {
			for _, name := range order {
				owner, maker := p.users["other"].ID, p.h.root
				switch {
				case whose == "own" && p.users[role].ID == "":
					continue
				case whose == "own":
					owner = p.users[role].ID
				case whose == "abroad":
					owner, maker = "", abroad
				}
				body := fmt.Sprintf(`{"name":"b","slug":"%s-%s-%s","model":"m","user_id":%q}`, role, whose, name, owner)
				c, err := p.h.CreateChatbot(t.Context(), maker, []byte(strings.Replace(body, `"user_id":""`, `"user_id":null`, 1)))
				must(t, err)
				k, _, err := p.h.CreateKey(t.Context(), maker, []byte(fmt.Sprintf(`{"name":"k","user_id":%q}`, owner)))
				if whose == "abroad" {
					k, _, err = p.h.CreateKey(t.Context(), maker, []byte(`{"name":"k"}`))
				}
				must(t, err)
				if name == "regrant" || name == "revoke" {
					_, err = p.h.GrantChatbot(t.Context(), maker, c.ID, []byte(`{"key_id":"`+k.ID+`"}`))
					must(t, err)
				}
				want := map[string]string{"own": ok, "other": gone, "abroad": gone}[whose]
				sees := role == "owner" || role == "admin" || role == "auditor"
				switch {
				case role == "zero":
					want = no
				case whose == "other" && sees && (role != "auditor" || name == "get" || name == "keys"):
					want = ok
				case whose == "other" && role == "auditor":
					want = no
				}
				got := ok
				if err := calls[name](p.h, t, p.roles[role], c, k.ID); err != nil {
					got = string(fault.Of(err).Kind)
				}
				if got != want {
					t.Errorf("%s by the %s on %s: %s, want %s", name, role, whose, got, want)
				}
			}
		}
	}
}

// Who may make chatbots, and for whom; only who manages them lets in callers
// without a key, or loosens a limit.
func TestD6_OwnersOpenNothing(t *testing.T) {
	p := newPlaces(t)
	create := func(role, body string) error {
		_, err := p.h.CreateChatbot(t.Context(), p.roles[role], []byte(body))
		return err
	}
	for _, role := range []string{"auditor", "user", "none", "zero"} {
		is(t, create(role, `{"name":"a","model":"m","slug":"of-`+role+`"}`), fault.PermissionDenied)
	}
	for i, body := range []string{`"user_id":null`, `"user_id":"` + p.users["other"].ID + `"`} {
		is(t, create("developer", fmt.Sprintf(`{"name":"a%d","model":"m",%s}`, i, body)), fault.PermissionDenied)
		must(t, create("admin", fmt.Sprintf(`{"name":"a%d","model":"m",%s}`, i, body)))
	}
	developer := p.roles["developer"]
	for _, mode := range []string{"public", "auto"} {
		err := create("developer", `{"name":"a","model":"m","slug":"x","access_mode":"`+mode+`"}`)
		if is(t, err, fault.EscalationDenied); fault.Of(err).Param != "access_mode" {
			t.Error(err)
		}
	}
	c, err := p.h.CreateChatbot(t.Context(), developer, []byte(`{"name":"mine","model":"m","tokens_per_day":10}`))
	must(t, err)
	same(t, c.UserID, developer.UserID())
	for _, body := range []string{
		`{"access_mode":"public"}`, `{"access_mode":"auto"}`, `{"tokens_per_day":11}`, `{"tokens_per_day":null}`, `{"user_id":null}`,
		`{"anonymous_rate_limit_per_minute":21}`, `{"anonymous_concurrent_limit":null}`,
	} {
		_, err := p.h.UpdateChatbot(t.Context(), developer, c.ID, []byte(body), 0)
		is(t, err, fault.EscalationDenied)
	}
	for _, body := range []string{
		`{"access_mode":"disabled"}`, `{"tokens_per_day":9}`, `{"model":"other","system_prompt":"x","temperature":1,"max_tokens":7}`,
		`{"greeting":"g","allowed_origins":["https://a.example"],"slug":"mine-too","name":"n"}`, `{"is_active":false}`, `{"is_active":true}`,
		`{"anonymous_rate_limit_per_minute":1,"rate_limit_per_day":4}`,
	} {
		if _, err := p.h.UpdateChatbot(t.Context(), developer, c.ID, []byte(body), 0); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	_, err = p.h.UpdateChatbot(t.Context(), developer, c.ID, []byte(`{"access_mode":"key_required"}`), 0)
	is(t, err, fault.EscalationDenied) // from disabled that is loosening
	_, err = p.h.UpdateChatbot(t.Context(), p.h.root, c.ID, []byte(`{"is_active":false,"access_mode":"public"}`), 0)
	must(t, err)
	_, err = p.h.UpdateChatbot(t.Context(), developer, c.ID, []byte(`{"is_active":true}`), 0)
	is(t, err, fault.EscalationDenied) // what an admin disabled
	_, err = p.h.UpdateChatbot(t.Context(), developer, c.ID, []byte(`{"access_mode":"key_required"}`), 0)
	must(t, err)

	mine, _, err := p.h.ListChatbots(t.Context(), developer, authority.ChatbotFilter{})
	must(t, err)
	same(t, len(mine), 1)
	_, total, err := p.h.ListChatbots(t.Context(), p.roles["auditor"], authority.ChatbotFilter{})
	must(t, err)
	same(t, total, 3)
	_, _, err = p.h.ListChatbots(t.Context(), developer, authority.ChatbotFilter{UserID: p.users["other"].ID})
	is(t, err, fault.PermissionDenied)
}

// Versions stop lost updates; a create that is sent again makes one chatbot, and
// one grant.
func TestD1_VersionsAndRepetitions(t *testing.T) {
	h := newHouse(t)
	body := []byte(`{"name":"a","model":"m"}`)
	c, err := h.CreateChatbot(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	again, err := h.CreateChatbot(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	same(t, again, c)
	_, err = h.CreateChatbot(t.Context(), keyed(h.root, "k1"), []byte(`{"name":"b","model":"m"}`))
	is(t, err, fault.IdempotencyConflict)
	_, err = h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"model":"n"}`), 2)
	is(t, err, fault.PreconditionFailed)
	is(t, h.DeleteChatbot(t.Context(), h.root, c.ID, 2), fault.PreconditionFailed)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			_, err := h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(fmt.Sprintf(`{"model":"m%d"}`, i)), 0)
			must(t, err)
		})
	}
	wg.Wait()
	now, err := h.ChatbotByID(t.Context(), h.root, c.ID)
	must(t, err)
	same(t, now.Version, 7)

	k, _ := h.key(t, `{"name":"k"}`)
	grant := []byte(`{"key_id":"` + k.ID + `","expires_at":"2026-03-02T00:00:00Z"}`)
	g, err := h.GrantChatbot(t.Context(), keyed(h.root, "k2"), c.ID, grant)
	must(t, err)
	h.pass(24 * time.Hour) // its end has passed by then
	h.now.Add(-1)
	g2, err := h.GrantChatbot(t.Context(), keyed(h.root, "k2"), c.ID, grant)
	must(t, err)
	same(t, g2, g)
	same(t, h.last(t, "chatbot.grant").Outcome, "replayed")
	must(t, h.DeleteChatbot(t.Context(), h.root, c.ID, 7))
	_, err = h.ChatbotByID(t.Context(), h.root, c.ID)
	is(t, err, fault.NotFound)
	_, err = h.GrantChatbot(t.Context(), h.root, c.ID, grant)
	is(t, err, fault.NotFound)
	h.bot(t, `{"name":"a","model":"m"}`) // its slug is free
}

// What the data plane knows of a chatbot is what was stored last, by every name.
func TestD3_ChangesAreInForceAtOnce(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com","tokens_per_day":5}`)
	c := h.bot(t, `{"name":"a","slug":"old","model":"m","user_id":"`+u.ID+`","access_mode":"public","budget_limit_cents":3}`)
	find := func(ref string) *authority.Chatbot {
		t.Helper()
		b, err := h.FindChatbot(t.Context(), ref)
		must(t, err)
		return b.Chatbot()
	}
	refs := []string{c.ID, "old"}
	for _, ref := range refs {
		same(t, *find(ref), c)
	}
	steps := []struct {
		change string
		open   bool
	}{
		{`{"access_mode":"key_required"}`, false},
		{`{"access_mode":"public","slug":"new"}`, true},
		{`{"is_active":false}`, false},
		{`{"is_active":true}`, true},
		{`{"access_mode":"disabled"}`, false},
		{`{"access_mode":"auto"}`, true},
	}
	visitor := netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	for _, step := range steps {
		_, err := h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(step.change), 0)
		must(t, err)
		if refs[1] == "old" && strings.Contains(step.change, "new") {
			_, err = h.FindChatbot(t.Context(), "old")
			is(t, err, fault.NotFound)
			refs[1] = "new"
		}
		for _, ref := range refs {
			same(t, find(ref).Open(), step.open)
			b, _ := h.FindChatbot(t.Context(), ref)
			_, err := b.Visit(visitor)
			same(t, err == nil, step.open)
		}
	}
	b, err := h.FindChatbot(t.Context(), "new")
	must(t, err)
	g, err := b.Visit(visitor)
	must(t, err)
	var chain []string
	for _, s := range g.Chain() {
		chain = append(chain, fmt.Sprintf("%s %d", s.ID, len(s.Limits)))
	}
	same(t, chain, []string{
		"organization " + h.root.OrganizationID() + " 0", "user " + u.ID + " 1",
		"visitor " + c.ID + " 2001:db8:1:2::/64 4", "chatbot " + c.ID + " 1",
	})
	if !g.Anonymous() || g.KeyID() != "" || g.UserID() != u.ID || !slices.IsSortedFunc(g.Chain(), func(a, b *limit.Subject) int { return int(a.ID.Kind) - int(b.ID.Kind) }) {
		t.Errorf("the visitor is %+v", g)
	}
	_, err = b.Visit(netip.Addr{})
	is(t, err, fault.IPDenied)

	// So it is with those to whom it belongs.
	_, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":false,"tokens_per_day":6}`), 0)
	must(t, err)
	if b, err = h.FindChatbot(t.Context(), "new"); err != nil || b.Rules().OwnerActive {
		t.Errorf("the owner is disabled: %+v, %v", b.Rules(), err)
	}
	must(t, h.DeleteChatbot(t.Context(), h.root, c.ID, 0))
	for _, ref := range refs {
		_, err = h.FindChatbot(t.Context(), ref)
		is(t, err, fault.NotFound)
	}
	if _, err := (authority.Bot{}).Visit(visitor); err == nil {
		t.Error("no chatbot lets callers in")
	}
}

// A chatbot outlives its owner, closed, and is then the organisation's to open.
func TestD2_ADeletedOwnersChatbotsAreClosed(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	c := h.bot(t, `{"name":"a","model":"m","access_mode":"public","user_id":"`+u.ID+`"}`)
	if b, err := h.FindChatbot(t.Context(), "a"); err != nil || !b.Rules().Open {
		t.Fatal(err)
	}
	must(t, h.DeleteUser(t.Context(), h.root, u.ID, 0))
	b, err := h.FindChatbot(t.Context(), "a")
	must(t, err)
	if r := b.Rules(); r.Open || !r.Disabled || !r.OwnerActive {
		t.Errorf("its owner is gone: %+v", r)
	}
	if e := h.last(t, "chatbot.update"); e.ResourceID != c.ID || !strings.Contains(e.Changes, `{"field":"status","from":"active","to":"disabled"}`) {
		t.Errorf("%+v", e)
	}
	c, err = h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"is_active":true}`), 0)
	must(t, err)
	same(t, c.UserID, "")
	b, err = h.FindChatbot(t.Context(), "a")
	must(t, err)
	same(t, b.Rules().Open, true)
}
