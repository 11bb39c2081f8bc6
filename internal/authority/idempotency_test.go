package authority_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func keyed(p authority.Principal, idempotencyKey string) authority.Principal {
	return p.With(authority.Origin{IdempotencyKey: idempotencyKey})
}

func TestC4_ARepeatedCreateAnswersTheSameKey(t *testing.T) {
	h := newHouse(t)
	body := []byte(`{"name":"a"}`)
	first, text, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	if text.IsZero() {
		t.Fatal("there is no secret")
	}
	for range 3 {
		again, text, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
		must(t, err)
		if !text.IsZero() {
			t.Error("a repetition shows a secret")
		}
		same(t, again, first)
	}
	same(t, h.last(t, "api_key.create").Outcome, "replayed")
	_, _, err = h.CreateKey(t.Context(), keyed(h.root, "k1"), []byte(`{"name":"b"}`))
	is(t, err, fault.IdempotencyConflict)
	_, err = h.CreateUser(t.Context(), keyed(h.root, "k1"), body)
	is(t, err, fault.IdempotencyConflict)
	for _, p := range []authority.Principal{keyed(h.root, "k2"), h.root, keyed(h.as(t, h.root.OrganizationID(), "*"), "k1"), keyed(h.as(t, "org_x", "*"), "k1")} {
		other, text, err := h.CreateKey(t.Context(), p, body)
		if must(t, err); other.ID == first.ID || text.IsZero() {
			t.Error("somebody else's, or another, idempotency key answers the same key")
		}
	}
	h.patch(t, first.ID, `{"name":"renamed"}`)
	again, _, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	same(t, again.Name, "renamed") // as it is now
	must(t, h.DeleteKey(t.Context(), h.root, first.ID, 0))
	_, _, err = h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	is(t, err, fault.NotFound)
}

func TestC4_IdempotencyKeysAreForgottenAfterADay(t *testing.T) {
	h := newHouse(t)
	body := []byte(`{"name":"a"}`)
	first, _, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	h.pass(24 * time.Hour)
	again, _, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	must(t, err)
	same(t, again.ID, first.ID)
	h.pass(time.Millisecond)
	next, text, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), body)
	if must(t, err); next.ID == first.ID || text.IsZero() {
		t.Error("it is remembered for more than a day")
	}
}

func TestC4_RefusedCallsMayBeCorrected(t *testing.T) {
	h := newHouse(t)
	_, _, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), []byte(`{"name":""}`))
	is(t, err, fault.ValidationFailed)
	_, _, err = h.CreateKey(t.Context(), keyed(h.root, "k1"), []byte(`{"name":"a"}`))
	must(t, err)
	for _, bad := range []string{"a b", "ä", strings.Repeat("x", 256)} {
		_, _, err := h.CreateKey(t.Context(), keyed(h.root, bad), []byte(`{"name":"a"}`))
		is(t, err, fault.ValidationFailed)
	}
}

func TestC4_ManyAtOnceMakeOneKey(t *testing.T) {
	h := newHouse(t)
	var secrets atomic.Int64
	var ids sync.Map
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			k, text, err := h.CreateKey(t.Context(), keyed(h.root, "k1"), []byte(`{"name":"a"}`))
			if err != nil {
				t.Error(err)
			}
			if !text.IsZero() {
				secrets.Add(1)
			}
			ids.Store(k.ID, true)
		})
	}
	wg.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	_, total, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{})
	must(t, err)
	if n != 1 || total != 1 || secrets.Load() != 1 {
		t.Errorf("%d keys were answered, %d made, %d secrets shown", n, total, secrets.Load())
	}
}

func TestC4_OtherPostsAreDoneOnceToo(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a","expires_at":"2026-03-02T12:00:00Z"}`)
	one, _, err := h.RegenerateKey(t.Context(), keyed(h.root, "r"), k.ID, nil, 0)
	must(t, err)
	two, text, err := h.RegenerateKey(t.Context(), keyed(h.root, "r"), k.ID, nil, 0)
	must(t, err)
	if same(t, two, one); !text.IsZero() {
		t.Error("a repetition shows a secret")
	}
	for range 2 {
		k, err = h.ExtendKey(t.Context(), keyed(h.root, "e"), k.ID, []byte(`{"days":1}`), 0)
		must(t, err)
		same(t, k.ExpiresAt, noon.AddDate(0, 0, 2))
	}
	other, _ := h.key(t, `{"name":"b"}`)
	_, err = h.ExtendKey(t.Context(), keyed(h.root, "e"), other.ID, []byte(`{"days":1}`), 0)
	is(t, err, fault.IdempotencyConflict)
	// What was undone since is not done again.
	for name, call := range map[string]func(who authority.Principal, do bool) error{
		"key": func(who authority.Principal, do bool) error {
			act := h.ActivateKey
			if !do {
				act = h.DeactivateKey
			}
			_, err := act(t.Context(), who, other.ID, 0)
			return err
		},
	} {
		must(t, call(keyed(h.root, name+"off"), false))
		must(t, call(keyed(h.root, name+"on"), true))
		must(t, call(keyed(h.root, name+"off"), false))
		must(t, call(keyed(h.root, name+"off"), false))
		other, err = h.KeyByID(t.Context(), h.root, other.ID)
		must(t, err)
		same(t, other.Status, authority.StatusActive)
		is(t, call(keyed(h.root, name+"on"), false), fault.IdempotencyConflict)
	}
	m, _, err := h.CreateManagementKey(t.Context(), h.root, []byte(`{"name":"m","permissions":["*"]}`))
	must(t, err)
	revoked, err := h.RevokeManagementKey(t.Context(), keyed(h.root, "rm"), m.ID, 0)
	must(t, err)
	repeated, err := h.RevokeManagementKey(t.Context(), keyed(h.root, "rm"), m.ID, 0)
	must(t, err)
	same(t, repeated, revoked)
	for range 2 {
		_, err := h.RevokeKey(t.Context(), keyed(h.root, "rk"), other.ID, nil, 0)
		must(t, err)
		_, err = h.CreateUser(t.Context(), keyed(h.root, "u"), []byte(`{"email":"ada@example.com"}`))
		must(t, err)
		_, _, err = h.CreateManagementKey(t.Context(), keyed(h.root, "m"), []byte(`{"name":"a","permissions":["*"]}`))
		must(t, err)
	}
}
