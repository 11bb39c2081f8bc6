package authority_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/policy"
	"tollgate/internal/secret"
)

// An offset carries the last instant of RFC 3339 into a year that it cannot write.
func TestExpiryEndsWithTheYear9999(t *testing.T) {
	h := newHouse(t)
	for at, want := range map[string]string{
		"9999-12-31T23:59:59Z": "", "9999-12-31T23:59:59+12:00": "", "9999-12-31T11:59:59-12:00": "",
		"9999-12-31T12:00:00-12:00": "expires_at", "9999-12-31T23:59:59-12:00": "expires_at",
	} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"name":"a","expires_at":"`+at+`"}`))
		if got := strings.Join(wrong(err), " "); got != want {
			t.Errorf("%s: wrong fields %q, want %q", at, got, want)
		}
	}
}

func TestPatternsOfProvidersKnowTheProviders(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a","allowed_models":["openai/*","meta-llama/*","fast"]}`)
	a := authority.New(h.store, authority.Options{Providers: []string{"openai", "demo", "huggingface"}})
	grant, err := a.Authenticate(t.Context(), text)
	must(t, err)
	for _, test := range []struct {
		provider, model, asked string
		ok                     bool
	}{
		{"openai", "gpt-4o", "gpt-4o", true},
		{"demo", "openai/anything", "demo/openai/anything", false},
		{"huggingface", "openai/gpt-oss-120b", "huggingface/openai/gpt-oss-120b", false},
		{"huggingface", "meta-llama/Llama-3", "huggingface/meta-llama/Llama-3", true},
		{"demo", "demo-mini", "fast", true},
		{"demo", "demo-mini", "faster", false},
		{"demo", "demo-mini", "", false},
	} {
		err := grant.Rules().AdmitModel(&policy.Ask{Provider: test.provider, Model: test.model, Asked: test.asked})
		if (err == nil) != test.ok {
			t.Errorf("%s/%s, asked for as %q: %v", test.provider, test.model, test.asked, err)
		}
	}
}

func TestKeysForChatbotsNameOne(t *testing.T) {
	h := newHouse(t)
	for _, body := range []string{`{"name":"a","kind":"chatbot"}`, `{"name":"a","kind":"chatbot","allowed_chatbots":null}`, `{"name":"a","kind":"chatbot","allowed_chatbots":[]}`} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(body))
		is(t, err, fault.ValidationFailed)
		same(t, wrong(err), []string{"allowed_chatbots"})
	}
	k, _ := h.key(t, `{"name":"a","kind":"chatbot","allowed_chatbots":["b"]}`)
	_, err := h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"allowed_chatbots":null}`), 0)
	is(t, err, fault.ValidationFailed)
	same(t, wrong(err), []string{"allowed_chatbots"})
	_, err = h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"allowed_chatbots":[]}`), 0)
	is(t, err, fault.WouldLift)
	h.patch(t, k.ID, `{"name":"b"}`)
}

// A key of that kind that was stored without a chatbot opens nothing, and can
// still be disabled.
func TestAStoredChatbotKeyWithoutChatbots(t *testing.T) {
	h := newHouse(t)
	k, text := h.key(t, `{"name":"a","kind":"chatbot","allowed_chatbots":["b"]}`)
	row, err := h.store.Keys.KeyByID(t.Context(), h.root.OrganizationID(), k.ID)
	must(t, err)
	row.AllowedChatbots, row.Version = nil, 2
	must(t, h.store.Keys.UpdateKey(t.Context(), row, authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: row.UpdatedAt, ActorID: "mk_1", Action: "test"}}))
	grant, err := h.Authenticate(t.Context(), text)
	must(t, err)
	for _, bot := range []*policy.Chatbot{nil, {ID: "b", OwnerActive: true}} {
		if refusal := grant.Rules().AdmitRoute(&policy.Ask{Now: noon, Chatbot: bot}); refusal == nil || refusal.Kind != fault.ChatbotDenied {
			t.Errorf("chatbot %v: %v", bot, refusal)
		}
	}
	_, err = h.DeactivateKey(t.Context(), h.root, k.ID, 0)
	must(t, err)
}

func TestLocationNeedsNoPermission(t *testing.T) {
	h := newHouse(t)
	_, err := h.UpdateOrganization(t.Context(), h.root, []byte(`{"timezone":"Asia/Tokyo"}`), 0)
	must(t, err)
	loc, err := h.Location(t.Context(), h.as(t, h.root.OrganizationID(), "platform:api-keys:read"))
	must(t, err)
	same(t, loc.String(), "Asia/Tokyo")
	_, err = h.Location(t.Context(), authority.Principal{})
	is(t, err, fault.PermissionDenied)
}

func TestManagementPrefix(t *testing.T) {
	h := newHouse(t)
	h.store.Management = noRoot{h.store.Management}
	a := authority.New(h.store, authority.Options{ManagementPrefix: "acme_"})
	made, err := a.EnsureRoot(t.Context(), secret.Text{})
	must(t, err)
	if !key.Valid("acme_", made.Reveal()) {
		t.Error("the root key does not have the configured prefix")
	}
	_, err = a.EnsureRoot(t.Context(), secret.New("tgm_0123456789012345"))
	is(t, err, fault.ValidationFailed)
	_, err = a.AuthenticateManagement(t.Context(), "nobody")
	if !strings.Contains(err.Error(), `"acme_"`) {
		t.Errorf("the refusal names another prefix: %v", err)
	}
	same(t, a.ManagementPrefix(), "acme_")
}

// noRoot always makes the first start's root key.
type noRoot struct{ authority.ManagementStore }

func (noRoot) RootKey(context.Context) (authority.ManagementRow, error) {
	return authority.ManagementRow{}, fault.NotFound
}

func (noRoot) Install(context.Context, authority.Organization, authority.ManagementRow, authority.Act) error {
	return nil
}

// countingStore counts what is looked up.
type countingStore struct {
	authority.ManagementStore
	reads int
}

func (c *countingStore) ManagementKeyByHash(ctx context.Context, hash key.Hash) (authority.ManagementRow, error) {
	c.reads++
	return c.ManagementStore.ManagementKeyByHash(ctx, hash)
}

func TestWhatIsNoManagementKeyIsNotLookedUp(t *testing.T) {
	h := newHouse(t)
	counting := &countingStore{ManagementStore: h.store.Management}
	h.store.Management = counting
	const odd = "tgm_a_root_key_of_ones_own"
	for _, given := range []secret.Text{secret.New(odd), {}} { // also at the next start, without it
		a := authority.New(h.store, authority.Options{})
		_, err := a.EnsureRoot(t.Context(), given)
		must(t, err)
		_, err = a.AuthenticateManagement(t.Context(), odd)
		must(t, err)
		counting.reads = 0
		for _, token := range []string{"", "tgm_", odd + "x", strings.Repeat("x", 1<<16), "tgm_" + strings.Repeat("0", 38)} {
			_, err = a.AuthenticateManagement(t.Context(), token)
			is(t, err, fault.KeyInvalid)
		}
		if counting.reads != 0 {
			t.Errorf("%d look-ups of what cannot be a key", counting.reads)
		}
		_, err = a.AuthenticateManagement(t.Context(), key.New(key.ManagementPrefix).Reveal())
		is(t, err, fault.KeyInvalid)
		same(t, counting.reads, 1)
	}
}

func TestStatusAndIsActiveAgree(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	for body, ok := range map[string]bool{
		`{"status":"active","is_active":false}`: false, `{"is_active":true,"status":"disabled"}`: false,
		`{"status":"disabled","is_active":false}`: true, `{"is_active":true,"status":"active"}`: true,
	} {
		_, errUser := h.UpdateUser(t.Context(), h.root, u.ID, []byte(body), 0)
		_, errOrg := h.UpdateOrganization(t.Context(), h.root, []byte(body), 0)
		for _, err := range []error{errUser, errOrg} {
			if (err == nil) != ok || !ok && !errors.Is(err, fault.ValidationFailed) {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

func TestNamesDoNotMislead(t *testing.T) {
	h := newHouse(t)
	for _, r := range []rune{0, '\n', 0x7f, 0x85, 0x200b, 0x200f, 0x2028, 0x202a, 0x202e, 0x2060, 0x2069, 0xfeff} {
		text := "a" + string(r) + "b"
		if r < ' ' {
			text = map[rune]string{0: `a\u0000b`, '\n': `a\nb`}[r]
		}
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"name":"`+text+`","tags":["`+text+`"]}`))
		same(t, wrong(err), []string{"name", "tags"})
		_, err = h.CreateUser(t.Context(), h.root, []byte(`{"email":"a@b","name":"`+text+`"}`))
		same(t, wrong(err), []string{"name"})
		_, err = h.UpdateOrganization(t.Context(), h.root, []byte(`{"name":"`+text+`"}`), 0)
		same(t, wrong(err), []string{"name"})
	}
	h.key(t, `{"name":"Ünïcödé – 日本語 \u200a x","description":"two\nlines","tags":["ok ☂"]}`)

	// What was stored before goes on being accepted, so that the rest can be changed.
	k, _ := h.key(t, `{"name":"a"}`)
	row, err := h.store.Keys.KeyByID(t.Context(), h.root.OrganizationID(), k.ID)
	must(t, err)
	row.Name, row.Version, row.UpdatedAt = "a\u200bb", 2, noon.Add(time.Second)
	must(t, h.store.Keys.UpdateKey(t.Context(), row, authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: row.UpdatedAt, ActorID: "mk_1", Action: "test"}}))
	h.patch(t, k.ID, `{"name":"a\u200bb","description":"x"}`)
}
