package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
)

// meanwhile makes the provider do something before it refuses what is sent under a
// secret, or is for a model; it answers all others as ever. It counts what was asked.
func (g *gate) meanwhile(secret, model string, status int, do func()) (asked func() int) {
	n := 0
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		_, body := g.provider.latest()
		n++
		if strings.HasSuffix(r.Header.Get("Authorization"), secret) && strings.Contains(body, model) {
			do()
			w.WriteHeader(status)
			return
		}
		g.provider.Provider.ServeHTTP(w, r)
	})
	return func() int { return n }
}

// TestNothingMoreIsSentForWhatIsGone: a provider takes its time to refuse a request,
// and meanwhile what would take the place of the refused is not there any more, or
// the caller may not ask any more. What was changed is in force for what is sent
// after it.
func TestNothingMoreIsSentForWhatIsGone(t *testing.T) {
	for name, change := range map[string]func(g *gate, k api.KeyCreated, shared api.Credential) error{
		"the other credential is disabled": func(g *gate, _ api.KeyCreated, shared api.Credential) error {
			_, err := g.admin.UpdateCredential(g.t.Context(), shared.ID, api.CredentialInput{IsActive: api.Set(false)})
			return err
		},
		"the other credential may not be used up": func(g *gate, _ api.KeyCreated, shared api.Credential) error {
			_, err := g.admin.UpdateCredential(g.t.Context(), shared.ID, api.CredentialInput{DailyLimit: api.Set[int64](0)})
			return err
		},
		"the key may not use the model": func(g *gate, k api.KeyCreated, _ api.Credential) error {
			_, err := g.admin.UpdateKey(g.t.Context(), k.APIKey.ID, api.KeyInput{AllowedModels: api.Set([]string{"other"})})
			return err
		},
	} {
		g := open(t, nil)
		g.allowFallback()
		ada := g.user("ada@example.com")
		mine, shared := g.mine(ada, api.CredentialInput{}), g.shared(api.CredentialInput{})
		in := hard()
		in.UserID, in.ConcurrentLimit = api.Set(ada.ID), api.Set[int64](1)
		in.BudgetLimitCents = api.Set[int64](0) // the platform does not pay
		k := g.key(in)
		asked := g.meanwhile(mineSecret, "", http.StatusUnauthorized, func() {
			if err := change(g, k, shared); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		r := g.do(ask{key: k.SecretKey, model: gpt, max: 10})
		if r.status != http.StatusUnauthorized || asked() != 1 {
			t.Errorf("%s: %d, asked %d times", name, r.status, asked())
		}
		if row := g.row(k.APIKey.ID); row.Outcome != "failed" || row.CredentialID == nil || *row.CredentialID != mine.ID || !row.BYOK {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// TestNoOtherTargetIsAskedForAKeyThatIsRevoked: nor for a chatbot that is closed.
func TestNoOtherTargetIsAskedForAKeyThatIsRevoked(t *testing.T) {
	g := openTargets(t)
	k := g.key(hard())
	asked := g.meanwhile("", "gpt-4o-mini", http.StatusServiceUnavailable, func() {
		if _, err := g.admin.RevokeKey(t.Context(), k.APIKey.ID); err != nil {
			t.Error(err)
		}
	})
	if r := g.do(ask{key: k.SecretKey, model: "fast", max: 10}); r.status != http.StatusServiceUnavailable || asked() != 1 {
		t.Errorf("%d, asked %d times", r.status, asked())
	}
	if row := g.row(k.APIKey.ID); row.Outcome != "failed" || row.Provider != "openai" {
		t.Errorf("%+v", row)
	}

	bot, err := g.admin.CreateChatbot(t.Context(), api.ChatbotInput{
		Name: api.Set("bot"), Model: api.Set("fast"), AccessMode: api.Set("public"),
	})
	if err != nil {
		t.Fatal(err)
	}
	asked = g.meanwhile("", "gpt-4o-mini", http.StatusServiceUnavailable, func() {
		if _, err := g.admin.UpdateChatbot(t.Context(), bot.ID, api.ChatbotInput{AccessMode: api.Set("key_required")}); err != nil {
			t.Error(err)
		}
	})
	r := g.do(ask{path: "/chatbots/bot/v1/chat/completions", body: `{"messages":[{"role":"user","content":"x"}]}`})
	if r.status != http.StatusServiceUnavailable || asked() != 1 {
		t.Errorf("a chatbot: %d, asked %d times", r.status, asked())
	}
}

// TestWhatIsNoRouteSaysNothingOfACredential: on paths that pass through unread a 401
// can mean that they want a credential of another kind, and an answer that they want
// none. Whoever may ask there could otherwise have others' requests paid for by
// somebody else.
func TestWhatIsNoRouteSaysNothingOfACredential(t *testing.T) {
	g := openPassages(t)
	shared := g.shared(api.CredentialInput{})
	k := g.key(api.KeyInput{})
	verdict := func(want string) {
		t.Helper()
		if v := g.credential(shared.ID).Validation; v.Verdict != want {
			t.Errorf("it is %s, not %s", v.Verdict, want)
		}
	}
	g.tells(http.StatusUnauthorized, "application/json", `{"error":{"message":"this path wants an admin key"}}`)
	if r := g.do(ask{key: k.SecretKey, method: "GET", path: "/providers/openai/v1/organization/costs"}); r.status != http.StatusUnauthorized {
		t.Errorf("%d %s", r.status, r.body)
	}
	verdict("unknown")
	g.do(ask{key: k.SecretKey, model: gpt})
	verdict("invalid") // that is a route
	g.tells(http.StatusOK, "application/json", `{}`)
	if r := g.do(ask{key: k.SecretKey, method: "GET", path: "/providers/openai/v1/files"}); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	verdict("invalid")
}
