package authority_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/policy"
)

// opens reports what a key's rules say of a chatbot, "" = it opens it.
func (h *house) opens(t testing.TB, text string, c authority.Chatbot) fault.Kind {
	t.Helper()
	g, err := h.Authenticate(t.Context(), text)
	must(t, err)
	b, err := h.FindChatbot(t.Context(), c.ID)
	must(t, err)
	g, err = g.Through(b)
	must(t, err)
	ask := policy.Ask{Now: time.UnixMilli(h.now.Load()), Chatbot: b.Rules(), Scope: "chatbot.chat", Endpoint: "/chatbots/" + c.ID + "/v1/chat/completions"}
	if f := g.Rules().AdmitRoute(&ask); f != nil {
		return f.Kind
	}
	if f := g.Rules().AdmitGrant(&ask); f != nil {
		return f.Kind
	}
	return ""
}

// A grant is one for a key and a chatbot; it ends, is revoked, given anew, and
// each time that is in force at once.
func TestD1_TheLifeOfAGrant(t *testing.T) {
	h := newHouse(t)
	c, other := h.bot(t, `{"name":"a","model":"m"}`), h.bot(t, `{"name":"b","model":"m"}`)
	k, text := h.key(t, `{"name":"k"}`)
	check := func(want fault.Kind) {
		t.Helper()
		same(t, h.opens(t, text, c), want)
		same(t, h.opens(t, text, other), fault.ChatbotDenied)
	}
	check(fault.ChatbotDenied)
	g := h.give(t, c, k.ID)
	same(t, g.ChatbotGrant, authority.ChatbotGrant{
		OrganizationID: h.root.OrganizationID(), ChatbotID: c.ID, KeyID: k.ID, CreatedAt: noon, CreatedBy: h.root.ID(), Version: 1,
	})
	check("")
	_, err := h.GrantChatbot(t.Context(), h.root, c.ID, []byte(`{"key_id":"`+k.ID+`"}`))
	is(t, err, fault.NameTaken)
	_, err = h.UpdateGrant(t.Context(), h.root, c.ID, k.ID, []byte(`{"expires_at":"2026-03-01T13:00:00Z"}`))
	must(t, err)
	h.pass(time.Hour - time.Millisecond)
	check("")
	h.pass(time.Millisecond)
	check(fault.ChatbotDenied)
	_, err = h.GrantChatbot(t.Context(), h.root, c.ID, []byte(`{"key_id":"`+k.ID+`"}`)) // one that has ended is given anew
	must(t, err)
	check("")
	must(t, h.RevokeGrant(t.Context(), h.root, c.ID, k.ID))
	check(fault.ChatbotDenied)
	must(t, h.RevokeGrant(t.Context(), h.root, c.ID, k.ID)) // stays as it is
	_, err = h.UpdateGrant(t.Context(), h.root, c.ID, k.ID, []byte(`{"expires_at":null}`))
	is(t, err, fault.ValidationFailed)
	g = h.give(t, c, k.ID)
	if g.Version != 5 || !g.RevokedAt.IsZero() || g.RevokedBy != "" || !g.CreatedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("given anew it is %+v", g)
	}
	check("")
	_, total, err := h.ListGrants(t.Context(), h.root, c.ID, authority.GrantPage{})
	must(t, err)
	same(t, total, 1)

	for body, want := range map[string]string{
		`{}`: "key_id", `{"key_id":7}`: "key_id", `{"key_id":"` + k.ID + `","expires_at":"2020-01-01T00:00:00Z","x":1}`: "expires_at x",
	} {
		_, err := h.GrantChatbot(t.Context(), h.root, c.ID, []byte(body))
		is(t, err, fault.ValidationFailed)
		same(t, strings.Join(wrong(err), " "), want)
	}
	_, err = h.UpdateGrant(t.Context(), h.root, c.ID, k.ID, []byte(`{"key_id":"key_x"}`))
	is(t, err, fault.ValidationFailed)
	for _, id := range []string{"key_x", "", "../x"} {
		_, err = h.UpdateGrant(t.Context(), h.root, c.ID, id, []byte(`{}`))
		is(t, err, fault.NotFound)
		is(t, h.RevokeGrant(t.Context(), h.root, c.ID, id), fault.NotFound)
		is(t, h.RevokeGrant(t.Context(), h.root, "bot_x", k.ID), fault.NotFound)
	}
}

// Key and chatbot share the organisation, or do not know each other.
func TestD5_AnotherOrganizationsKeyIsNotThere(t *testing.T) {
	h := newHouse(t)
	abroad := h.as(t, "org_b", "*")
	c := h.bot(t, `{"name":"a","model":"m"}`)
	k, text, err := h.CreateKey(t.Context(), abroad, []byte(`{"name":"k"}`))
	must(t, err)
	_, err = h.GrantChatbot(t.Context(), h.root, c.ID, []byte(`{"key_id":"`+k.ID+`"}`))
	is(t, err, fault.NotFound)
	_, err = h.GrantChatbot(t.Context(), abroad, c.ID, []byte(`{"key_id":"`+k.ID+`"}`))
	is(t, err, fault.NotFound)
	_, _, err = h.CreateKey(t.Context(), abroad, []byte(`{"name":"k","kind":"chatbot","allowed_chatbots":["`+c.ID+`"]}`))
	is(t, err, fault.ValidationFailed)
	g, err := h.Authenticate(t.Context(), text.Reveal())
	must(t, err)
	b, err := h.FindChatbot(t.Context(), c.ID)
	must(t, err)
	if _, err = g.Through(b); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// Whoever may see a chatbot sees every grant that it ever had, and what each is
// worth.
func TestD4_AllGrantsAreListedWithTheirStatus(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	c := h.bot(t, `{"name":"a","model":"m"}`)
	want := map[string]authority.GrantStatus{}
	add := func(status authority.GrantStatus, body, grant string, then func(id string) error) {
		t.Helper()
		k, _ := h.key(t, `{"name":"`+string(status)+`"`+body+`}`)
		_, err := h.GrantChatbot(t.Context(), h.root, c.ID, []byte(`{"key_id":"`+k.ID+`"`+grant+`}`))
		must(t, err)
		if then != nil {
			must(t, then(k.ID))
		}
		want[k.ID] = status
	}
	add(authority.GrantActive, ``, ``, nil)
	add(authority.GrantExpired, ``, `,"expires_at":"2026-03-01T12:30:00Z"`, nil)
	add(authority.GrantRevoked, ``, ``, func(id string) error { return h.RevokeGrant(t.Context(), h.root, c.ID, id) })
	add(authority.GrantKeyExpired, `,"expires_at":"2026-03-01T12:30:00Z"`, ``, nil)
	add(authority.GrantKeyDisabled, `,"is_active":false`, ``, nil)
	add(authority.GrantKeyRevoked, ``, ``, func(id string) error {
		_, err := h.RevokeKey(t.Context(), h.root, id, nil, 0)
		return err
	})
	add(authority.GrantKeyDeleted, ``, ``, func(id string) error { return h.DeleteKey(t.Context(), h.root, id, 0) })
	add(authority.GrantKeyDeleted, ``, ``, func(id string) error { return h.PurgeKey(t.Context(), h.root, id) })
	add(authority.GrantOwnerInactive, `,"user_id":"`+u.ID+`"`, ``, func(string) error {
		_, err := h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":false}`), 0)
		return err
	})
	h.pass(time.Hour)
	got := map[string]authority.GrantStatus{}
	for page := 1; page <= 3; page++ {
		list, total, err := h.ListGrants(t.Context(), h.root, c.ID, authority.GrantPage{Page: page, Size: 4})
		must(t, err)
		same(t, total, len(want))
		for _, g := range list {
			got[g.KeyID] = g.StatusAt(time.UnixMilli(h.now.Load()))
			if purged := g.KeyName == ""; purged != (g.KeyPrefix == "") || !purged && g.KeyName != string(want[g.KeyID]) {
				t.Errorf("%+v", g)
			}
		}
	}
	same(t, got, want)
	for _, size := range []int{-1, 101} {
		_, _, err := h.ListGrants(t.Context(), h.root, c.ID, authority.GrantPage{Size: size})
		is(t, err, fault.ValidationFailed)
	}
}

// Whether some key opens a chatbot is known at each moment.
func TestD3_ActiveKeysAreNeverStale(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	c, empty := h.bot(t, `{"name":"a","model":"m","access_mode":"auto"}`), h.bot(t, `{"name":"b","model":"m","access_mode":"auto"}`)
	k, _ := h.key(t, `{"name":"k","user_id":"`+u.ID+`","expires_at":"2026-03-01T13:00:00Z"}`)
	check := func(want bool) {
		t.Helper()
		active, err := h.WithActiveKey(t.Context(), h.root, []string{c.ID, empty.ID})
		must(t, err)
		same(t, [2]bool{active[c.ID], active[empty.ID]}, [2]bool{want, false})
	}
	do := func(_ any, err error) { t.Helper(); must(t, err) }
	check(false)
	h.give(t, c, k.ID)
	check(true)
	do(h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":false}`), 0))
	check(false)
	do(h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":true}`), 0))
	check(true)
	do(h.DeactivateKey(t.Context(), h.root, k.ID, 0))
	check(false)
	do(h.ActivateKey(t.Context(), h.root, k.ID, 0))
	check(true)
	do(nil, h.RevokeGrant(t.Context(), h.root, c.ID, k.ID))
	check(false)
	h.give(t, c, k.ID)
	h.pass(time.Hour)
	check(false)
	do(h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"expires_at":null}`), 0))
	check(true)
	do(nil, h.DeleteKey(t.Context(), h.root, k.ID, 0))
	check(false)

	// The one that had a grant is closed for good; the other is not.
	for bot, open := range map[string]bool{c.ID: false, empty.ID: true} {
		b, err := h.FindChatbot(t.Context(), bot)
		must(t, err)
		same(t, b.Rules().Open, open)
	}
	do(h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"access_mode":"public"}`), 0))
	do(h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"access_mode":"auto"}`), 0))
	b, err := h.FindChatbot(t.Context(), c.ID)
	must(t, err)
	same(t, b.Rules().Open, false)
}

// A key of the kind chatbot comes with its grants, in the same transaction, and
// both are in the audit.
func TestD5_AChatbotKeyComesWithItsGrants(t *testing.T) {
	h := newHouse(t)
	c := h.bot(t, `{"name":"a","model":"m","access_mode":"auto"}`)
	if b, err := h.FindChatbot(t.Context(), c.ID); err != nil || !b.Rules().Open {
		t.Fatalf("%v", err)
	}
	k, text := h.key(t, `{"preset":"chatbot","name":"k","allowed_chatbots":["`+c.ID+`"]}`)
	same(t, h.opens(t, text, c), "")
	if b, err := h.FindChatbot(t.Context(), c.Slug); err != nil || b.Rules().Open {
		t.Errorf("auto is still open: %v", err)
	}
	g, err := h.Authenticate(t.Context(), text)
	must(t, err)
	plain := policy.Ask{Now: noon, Scope: "chatbot.chat", Endpoint: "/chatbots/" + c.ID + "/v1/chat/completions"}
	if f := g.Rules().AdmitRoute(&plain); f == nil || f.Kind != fault.ChatbotDenied {
		t.Errorf("it opens something else: %v", f)
	}
	e := h.last(t, "chatbot.grant")
	if e.ResourceType != "chatbot" || e.ResourceID != c.ID || e.ResourceName != "a" || e.Outcome != "done" ||
		e.Changes != `[{"field":"key_id","from":null,"to":"`+k.ID+`"}]` {
		t.Errorf("the grant's event is %+v", e)
	}
	if made := h.last(t, "api_key.create"); made.Sequence+1 != e.Sequence || made.Hash != e.PrevHash {
		t.Errorf("%d and %d do not follow each other", made.Sequence, e.Sequence)
	}

	// Whoever may not give keys for a chatbot makes none for it.
	ada := h.actingFor(t, h.user(t, `{"email":"ada@example.com","role":"developer"}`))
	auditor := h.actingFor(t, h.user(t, `{"email":"eve@example.com","role":"auditor"}`))
	for _, who := range []authority.Principal{ada, auditor} {
		_, _, err = h.CreateKey(t.Context(), who, []byte(`{"preset":"chatbot","name":"k","allowed_chatbots":["`+c.ID+`"]}`))
		is(t, err, fault.ValidationFailed)
		same(t, wrong(err), []string{"allowed_chatbots"})
	}
	own, err := h.CreateChatbot(t.Context(), ada, []byte(`{"name":"own","model":"m"}`))
	must(t, err)
	_, secret, err := h.CreateKey(t.Context(), ada, []byte(`{"preset":"chatbot","name":"k","allowed_chatbots":["`+own.ID+`"]}`))
	must(t, err)
	same(t, h.opens(t, secret.Reveal(), own), "")
	_, err = h.GrantChatbot(t.Context(), ada, own.ID, []byte(`{"key_id":"`+k.ID+`"}`)) // a key that she may not see
	is(t, err, fault.NotFound)

	// An id of ours must name a chatbot; a word of elsewhere opens nothing.
	gone := "bot_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"
	_, _, err = h.CreateKey(t.Context(), h.root, []byte(`{"preset":"chatbot","name":"k","allowed_chatbots":["`+gone+`"]}`))
	same(t, wrong(err), []string{"allowed_chatbots"})
	_, foreign := h.key(t, `{"kind":"chatbot","name":"k","allowed_chatbots":["support"]}`)
	same(t, h.opens(t, foreign, c), fault.ChatbotDenied)
}

// failing breaks the store of grants: what it was told is stored or not, and the
// caller is told that it was not.
type failing struct {
	authority.ChatbotGrantStore
	stored bool
}

func (f *failing) PutGrant(ctx context.Context, g authority.ChatbotGrant, act authority.Act) error {
	if f.stored {
		if err := f.ChatbotGrantStore.PutGrant(ctx, g, act); err != nil {
			return err
		}
	}
	return fault.New(fault.StoreUnavailable, "broken")
}

// Whatever the store answers to a revocation, memory believes the rows.
func TestD5_MemoryBelievesTheStore(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint(stored), func(t *testing.T) {
			h := newHouse(t)
			c := h.bot(t, `{"name":"a","model":"m"}`)
			k, text := h.key(t, `{"name":"k"}`)
			h.give(t, c, k.ID)
			same(t, h.opens(t, text, c), "")
			broken := h.store
			broken.ChatbotGrants = &failing{h.store.ChatbotGrants, stored}
			sound := h.Authority
			h.Authority = authority.New(broken, authority.Options{Now: func() time.Time { return time.UnixMilli(h.now.Load()) }})
			same(t, h.opens(t, text, c), "")
			is(t, h.RevokeGrant(t.Context(), h.root, c.ID, k.ID), fault.StoreUnavailable)
			want := fault.Kind("")
			if stored {
				want = fault.ChatbotDenied
			}
			same(t, h.opens(t, text, c), want)
			h.Authority = sound
		})
	}
}

// Each change of a chatbot and of who may use it is an event of the chatbot.
func TestD6_EveryChangeIsInTheAudit(t *testing.T) {
	h := newHouse(t)
	c := h.bot(t, `{"name":"a","model":"m"}`)
	k, _ := h.key(t, `{"name":"k"}`)
	_, err := h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"access_mode":"public","system_prompt":"say sk-abcdefghijklmnop"}`), 0)
	must(t, err)
	h.give(t, c, k.ID)
	_, err = h.UpdateGrant(t.Context(), h.root, c.ID, k.ID, []byte(`{"expires_at":"2026-03-02T00:00:00Z"}`))
	must(t, err)
	must(t, h.RevokeGrant(t.Context(), h.root, c.ID, k.ID))
	_, _, err = h.ListGrants(t.Context(), h.root, c.ID, authority.GrantPage{})
	must(t, err)
	_, err = h.ChatbotByID(t.Context(), h.root, c.ID)
	must(t, err)
	nobody := h.as(t, h.root.OrganizationID())
	is(t, h.DeleteChatbot(t.Context(), nobody, c.ID, 0), fault.NotFound)
	must(t, h.DeleteChatbot(t.Context(), h.root, c.ID, 0))
	events, err := h.store.Audit.ListEvents(t.Context(), h.root.OrganizationID(), authority.EventFilter{ResourceID: c.ID, Size: 20})
	must(t, err)
	var got []string
	for _, e := range events {
		got = append([]string{e.Action + " " + e.Outcome + " " + e.Changes}, got...)
	}
	key := `{"field":"key_id","from":"` + k.ID + `","to":"` + k.ID + `"},`
	same(t, got[1:], []string{
		`chatbot.update done [{"field":"system_prompt","from":"","to":"say [redacted]"},{"field":"access_mode","from":"key_required","to":"public"}]`,
		`chatbot.grant done [{"field":"key_id","from":null,"to":"` + k.ID + `"}]`,
		`chatbot.grant.update done [` + key + `{"field":"expires_at","from":null,"to":"2026-03-02T00:00:00Z"}]`,
		`chatbot.revoke done [` + key + `{"field":"revoked_at","from":null,"to":"2026-03-01T12:00:00Z"}]`,
		`chatbot.grant.list done `,
		`chatbot.get done `,
		`chatbot.delete refused `,
		`chatbot.delete done `,
	})
	if !strings.HasPrefix(got[0], `chatbot.create done [{"field":"name","from":null,"to":"a"}`) {
		t.Errorf("made: %s", got[0])
	}
}
