package authority_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func TestC5_RegenerateEndsTheOldSecretAtOnce(t *testing.T) {
	h := newHouse(t)
	k, old := h.key(t, `{"name":"a","budget_limit_cents":7,"allowed_models":["gpt-4o"]}`)
	h.grant(t, old)
	for _, body := range []string{``, `{}`, `{"overlap_seconds":0}`, `{"overlap_seconds":null}`} {
		next, text, err := h.RegenerateKey(t.Context(), h.root, k.ID, []byte(body), k.Version)
		must(t, err)
		if got := h.verdict(t, old); got != fault.KeyInvalid {
			t.Errorf("%s: the old secret is told %q", body, got)
		}
		if got := h.verdict(t, text.Reveal()); got != "" {
			t.Errorf("%s: the new secret is told %q", body, got)
		}
		if len(next.Secrets) != 1 || next.Prefix != text.Reveal()[:8] || next.Version != k.Version+1 {
			t.Errorf("%s: the key is %+v", body, next)
		}
		want := k
		want.Prefix, want.Secrets, want.Version = next.Prefix, next.Secrets, next.Version
		same(t, next, want)
		k, old = next, text.Reveal()
	}
}

func TestC5_BothSecretsWorkWhileTheyOverlap(t *testing.T) {
	h := newHouse(t)
	k, first := h.key(t, `{"name":"a"}`)
	h.grant(t, first)
	must(t, h.FlushUse(t.Context()))
	h.pass(time.Minute)
	k, text, err := h.RegenerateKey(t.Context(), h.root, k.ID, []byte(`{"overlap_seconds":60}`), 0)
	must(t, err)
	second := text.Reveal()
	h.pass(time.Second)
	h.grant(t, second)
	must(t, h.FlushUse(t.Context()))
	k, err = h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, k.Secrets, []authority.Secret{
		{ID: k.Secrets[0].ID, Prefix: second[:8], CreatedAt: noon.Add(time.Minute), LastUsedAt: noon.Add(61 * time.Second)},
		{ID: k.Secrets[1].ID, Prefix: first[:8], CreatedAt: noon, ExpiresAt: noon.Add(2 * time.Minute), LastUsedAt: noon},
	})
	h.now.Store(noon.Add(2*time.Minute).UnixMilli() - 1)
	same(t, []fault.Kind{h.verdict(t, first), h.verdict(t, second)}, []fault.Kind{"", ""})
	h.pass(time.Millisecond)
	same(t, []fault.Kind{h.verdict(t, first), h.verdict(t, second)}, []fault.Kind{fault.KeyExpired, ""})

	// There are never more than two: the next one ends the first for good.
	_, text, err = h.RegenerateKey(t.Context(), h.root, k.ID, []byte(`{"overlap_seconds":2592000}`), 0)
	must(t, err)
	same(t, []fault.Kind{h.verdict(t, first), h.verdict(t, second), h.verdict(t, text.Reveal())}, []fault.Kind{fault.KeyInvalid, "", ""})
	h.patch(t, k.ID, `{"expires_at":"2026-03-01T12:03:00Z"}`) // the key's own end is nearer than the secret's
	h.pass(time.Minute)
	same(t, []fault.Kind{h.verdict(t, second), h.verdict(t, text.Reveal())}, []fault.Kind{fault.KeyExpired, fault.KeyExpired})
}

func TestC5_RegenerateRefuses(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a"}`)
	for _, body := range []string{`{"overlap_seconds":-1}`, `{"overlap_seconds":2592001}`, `{"overlap_seconds":"60"}`, `{"days":1}`} {
		_, _, err := h.RegenerateKey(t.Context(), h.root, k.ID, []byte(body), 0)
		is(t, err, fault.ValidationFailed)
	}
	_, _, err := h.RegenerateKey(t.Context(), h.root, k.ID, nil, 9)
	is(t, err, fault.PreconditionFailed)
	_, err = h.RevokeKey(t.Context(), h.root, k.ID, nil, 0)
	must(t, err)
	_, _, err = h.RegenerateKey(t.Context(), h.root, k.ID, nil, 0)
	is(t, err, fault.ValidationFailed)
}

func TestC5_LastUseIsKept(t *testing.T) {
	h := newHouse(t)
	k, text := h.key(t, `{"name":"a"}`)
	last := func() time.Time {
		t.Helper()
		must(t, h.FlushUse(t.Context()))
		k, err := h.KeyByID(t.Context(), h.root, k.ID)
		must(t, err)
		return k.Secrets[0].LastUsedAt
	}
	if !last().IsZero() {
		t.Error("an unused secret was used")
	}
	for range 3 {
		h.pass(time.Hour)
		h.grant(t, text)
		h.grant(t, text)
		same(t, last(), time.UnixMilli(h.now.Load()).UTC())
	}
	at := last()
	h.pass(time.Hour)
	same(t, last(), at) // nobody used it since
	h.patch(t, k.ID, `{"name":"b"}`)
	same(t, last(), at) // a change of the key does not touch it
}

// brokenCare is a store that cannot keep when secrets were used.
type brokenCare struct {
	authority.KeyCareStore
	broken *bool
}

func (s brokenCare) TouchSecrets(ctx context.Context, uses []authority.SecretUse) error {
	if *s.broken {
		return errDisk
	}
	return s.KeyCareStore.TouchSecrets(ctx, uses)
}

func TestC5_LastUseOutlivesTroubleWithTheStore(t *testing.T) {
	broken := true
	h := newHouse(t, func(s *authority.Store) { s.KeyCare = brokenCare{s.KeyCare, &broken} })
	k, text := h.key(t, `{"name":"a"}`)
	h.grant(t, text)
	is(t, h.FlushUse(t.Context()), fault.StoreUnavailable)
	broken = false
	must(t, h.FlushUse(t.Context()))
	k, err := h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, k.Secrets[0].LastUsedAt, noon)
}

func TestB8_Extend(t *testing.T) {
	h := newHouse(t)
	extend := func(id, body string) (authority.Key, error) {
		return h.ExtendKey(t.Context(), h.root, id, []byte(body), 0)
	}
	never, _ := h.key(t, `{"name":"a"}`)
	k, err := extend(never.ID, `{"days":1}`)
	must(t, err)
	same(t, k.ExpiresAt, noon.AddDate(0, 0, 1))
	k, err = extend(k.ID, `{"days":3650}`) // from when it expires
	must(t, err)
	same(t, k.ExpiresAt, noon.AddDate(0, 0, 3651))

	k, text := h.key(t, `{"name":"a","expires_at":"2026-03-01T12:00:01Z"}`)
	h.pass(time.Hour)
	same(t, h.verdict(t, text), fault.KeyExpired)
	k, err = extend(k.ID, `{"days":1}`) // from now
	must(t, err)
	same(t, k.ExpiresAt, noon.Add(25*time.Hour))
	same(t, h.verdict(t, text), fault.Kind(""))
	for _, body := range []string{``, `{}`, `{"days":0}`, `{"days":3651}`, `{"days":null}`, `{"days":1.5}`, `{"hours":1}`} {
		_, err := extend(k.ID, body)
		is(t, err, fault.ValidationFailed)
	}
	_, err = h.RevokeKey(t.Context(), h.root, k.ID, nil, 0)
	must(t, err)
	_, err = extend(k.ID, `{"days":1}`)
	is(t, err, fault.ValidationFailed)
}

func TestB8_RevokeSaysWhoWhenAndWhy(t *testing.T) {
	h := newHouse(t)
	k, text := h.key(t, `{"name":"a"}`)
	h.grant(t, text)
	h.pass(time.Second)
	k, err := h.RevokeKey(t.Context(), h.root, k.ID, []byte(`{"reason":"it stood in a repository"}`), 1)
	must(t, err)
	same(t, h.verdict(t, text), fault.KeyRevoked)
	same(t, []any{k.Status, k.RevokedBy, k.RevokedAt, k.RevokeReason},
		[]any{authority.StatusRevoked, h.root.ID(), noon.Add(time.Second), "it stood in a repository"})
	h.pass(time.Second)
	again, err := h.RevokeKey(t.Context(), h.root, k.ID, []byte(`{"reason":"another"}`), 0)
	must(t, err)
	same(t, again, k)
	stored, err := h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, stored, k)
	_, err = h.RevokeKey(t.Context(), h.root, k.ID, []byte(`{"reason":7}`), 0)
	is(t, err, fault.ValidationFailed)
}

func TestC10_Purge(t *testing.T) {
	h := newHouse(t)
	live, text := h.key(t, `{"name":"live"}`)
	dead, _ := h.key(t, `{"name":"dead"}`)
	h.grant(t, text)
	must(t, h.DeleteKey(t.Context(), h.root, dead.ID, 0))
	for _, id := range []string{live.ID, dead.ID} {
		must(t, h.PurgeKey(t.Context(), h.root, id))
		is(t, h.PurgeKey(t.Context(), h.root, id), fault.NotFound)
	}
	same(t, h.verdict(t, text), fault.KeyInvalid)
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{ResourceID: live.ID, Outcome: "done", Action: "api_key.purge"})
	must(t, err)
	if len(events) != 1 || events[0].ResourceName != "live" || !strings.Contains(events[0].Changes, `"live"`) {
		t.Errorf("the audit of a purge is %+v", events)
	}
}

func TestMaxKeysPerUser(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	other := h.user(t, `{"email":"bob@example.com"}`)
	_, err := h.UpdateOrganization(t.Context(), h.root, []byte(`{"max_keys_per_user":3}`), 0)
	must(t, err)
	body := []byte(`{"name":"a","user_id":"` + u.ID + `"}`)
	var mu sync.Mutex
	var made []string
	var wg sync.WaitGroup
	for range 12 { // however many come at once
		wg.Go(func() {
			k, _, err := h.CreateKey(t.Context(), h.root, body)
			if err != nil {
				is(t, err, fault.KeyQuotaReached)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			made = append(made, k.ID)
		})
	}
	wg.Wait()
	if len(made) != 3 {
		t.Fatalf("%d keys were made, want 3", len(made))
	}
	full := func() {
		_, _, err := h.CreateKey(t.Context(), h.root, body)
		t.Helper()
		is(t, err, fault.KeyQuotaReached)
	}
	h.key(t, `{"name":"a","user_id":"`+other.ID+`"}`)
	h.key(t, `{"preset":"standalone"}`) // nobody's keys do not count
	_, err = h.DeactivateKey(t.Context(), h.root, made[0], 0)
	must(t, err)
	full() // a disabled key may come back
	_, err = h.RevokeKey(t.Context(), h.root, made[0], nil, 0)
	must(t, err)
	h.key(t, string(body))
	full()
	must(t, h.DeleteKey(t.Context(), h.root, made[1], 0))
	h.key(t, string(body))
	full()
	_, err = h.UpdateOrganization(t.Context(), h.root, []byte(`{"max_keys_per_user":null}`), 0)
	must(t, err)
	h.key(t, string(body))
}

func TestE9_CleaningUp(t *testing.T) {
	h := newHouse(t)
	const soon = `"expires_at":"2026-03-01T13:00:00Z"`
	names := map[string]string{
		"deletes":  `{"name":"deletes",` + soon + `,"auto_delete_on_expiry":true}`,
		"disables": `{"name":"disables",` + soon + `,"auto_delete_on_expiry":false}`,
		"default":  `{"name":"default",` + soon + `}`,
		"later":    `{"name":"later","expires_at":"2026-03-01T13:00:00.001Z","auto_delete_on_expiry":true}`,
		"never":    `{"name":"never","auto_delete_on_expiry":true}`,
	}
	ids, texts := map[string]string{}, map[string]string{}
	for name, body := range names {
		k, text := h.key(t, body)
		ids[name], texts[name] = k.ID, text
		h.grant(t, text)
	}
	rotated, _ := h.key(t, `{"name":"rotated"}`)
	_, _, err := h.RegenerateKey(t.Context(), h.root, rotated.ID, []byte(`{"overlap_seconds":3600}`), 0)
	must(t, err)
	clean := func(want authority.Cleaned) {
		t.Helper()
		var steps [][2]int
		got, err := h.CleanUp(t.Context(), func(done, total int) { steps = append(steps, [2]int{done, total}) })
		must(t, err)
		same(t, got, want)
		for i, s := range steps {
			if s[0] != i+1 || s[1] != len(steps) {
				t.Errorf("progress is %v", steps)
				break
			}
		}
	}
	h.now.Store(noon.Add(time.Hour).UnixMilli() - 1)
	clean(authority.Cleaned{})
	h.pass(time.Millisecond)
	same(t, h.verdict(t, texts["deletes"]), fault.KeyExpired) // expiry waits for no job
	clean(authority.Cleaned{Deleted: 1, Disabled: 2, Wiped: 1})
	clean(authority.Cleaned{})
	for name, want := range map[string]fault.Kind{"deletes": fault.KeyInvalid, "disables": fault.KeyDisabled, "default": fault.KeyDisabled, "later": "", "never": ""} {
		if got := h.verdict(t, texts[name]); got != want {
			t.Errorf("%s is told %q, want %q", name, got, want)
		}
	}
	k, err := h.KeyByID(t.Context(), h.root, rotated.ID)
	if must(t, err); len(k.Secrets) != 1 || !k.Secrets[0].ExpiresAt.IsZero() {
		t.Errorf("the secrets are %+v", k.Secrets)
	}
	_, err = h.UpdateOrganization(t.Context(), h.root, []byte(`{"expired_keys":"delete"}`), 0)
	must(t, err)
	got, err := h.CleanUpExpired(t.Context(), h.root, nil)
	must(t, err)
	same(t, got, authority.Cleaned{Deleted: 1})
	_, err = h.KeyByID(t.Context(), h.root, ids["default"])
	is(t, err, fault.NotFound)
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Action: "api_key.expire", ResourceID: ids["default"]})
	must(t, err)
	if len(events) != 2 || events[1].ActorID != "system" || events[1].ResourceName != "default" {
		t.Errorf("the audit says %+v", events)
	}
}

func TestE9_ManyExpiredKeys(t *testing.T) {
	h := newHouse(t)
	for i := range 250 {
		h.key(t, fmt.Sprintf(`{"name":"%d","expires_at":"2026-03-01T12:00:01Z","auto_delete_on_expiry":%v}`, i, i%2 == 0))
	}
	h.pass(time.Second)
	last := [2]int{}
	got, err := h.CleanUp(t.Context(), func(done, total int) { last = [2]int{done, total} })
	must(t, err)
	same(t, got, authority.Cleaned{Deleted: 125, Disabled: 125})
	same(t, last, [2]int{250, 250})
}
