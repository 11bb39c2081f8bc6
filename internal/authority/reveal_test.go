package authority_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
)

// sealing is a house whose authority can seal, and what it seals with.
type sealing struct {
	*house
	db     *sqlite.DB // another connection to the same database
	sealer *secret.Sealer
}

func newSealing(t *testing.T, wrap ...func(*authority.Store)) *sealing {
	t.Helper()
	h := newHouse(t, wrap...)
	db, err := sqlite.Open(t.Context(), h.path)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	keyset, err := secret.NewKeyset()
	must(t, err)
	must(t, db.Seals().AllowSealKey(t.Context(), keyset.Primary()))
	s := &sealing{h, db, secret.NewSealer(keyset)}
	h.Authority = authority.New(h.store, authority.Options{Sealer: s.sealer, Now: func() time.Time { return time.UnixMilli(h.now.Load()) }})
	return s
}

func (s *sealing) want(t *testing.T, recoverable bool) {
	t.Helper()
	_, err := s.UpdateOrganization(t.Context(), s.root, fmt.Appendf(nil, `{"recoverable":%t}`, recoverable), 0)
	must(t, err)
}

var why = []byte(`{"reason":"the vault was lost"}`)

// kept is how many sealed values there are.
func (s *sealing) kept(t *testing.T) (n int64) {
	t.Helper()
	keys, err := s.db.Seals().SealKeys(t.Context())
	must(t, err)
	for _, k := range keys {
		n += k.Values
	}
	return n
}

func TestE2_OnlyTheHashIsKept(t *testing.T) {
	s := newSealing(t)
	k, text := s.key(t, `{"name":"a"}`)
	_, _, err := s.RevealKey(t.Context(), s.root, k.ID, why)
	is(t, err, fault.NotRecoverable)
	if k.Secrets[0].Recoverable || s.kept(t) != 0 {
		t.Errorf("%+v; %d values are sealed", k.Secrets, s.kept(t))
	}
	var dump bytes.Buffer
	rows, err := s.behind(t).QueryContext(t.Context(), `SELECT quote(hash) || key_prefix FROM api_key_secrets UNION ALL SELECT changes FROM audit_events`)
	must(t, err)
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		dump.WriteString(line)
	}
	must(t, rows.Err())
	if strings.Contains(dump.String(), text[9:]) {
		t.Error("the secret is in the database")
	}
	// A server that has nothing to seal with does not promise it.
	_, err = authority.New(s.store, authority.Options{}).UpdateOrganization(t.Context(), s.root, []byte(`{"recoverable":true}`), 0)
	is(t, err, fault.ValidationFailed)
}

func TestE2_SecretsAreShownAgainWhereTheOrganizationWants(t *testing.T) {
	s := newSealing(t)
	before, _ := s.key(t, `{"name":"before"}`)
	s.want(t, true)
	k, first := s.key(t, `{"name":"after"}`)
	again, text, err := s.RevealKey(t.Context(), s.root, k.ID, why)
	must(t, err)
	if text.Reveal() != first || again.ID != k.ID || !again.Secrets[0].Recoverable {
		t.Errorf("revealed %+v", again)
	}
	e := s.last(t, "api_key.reveal")
	same(t, []string{e.Outcome, e.ResourceID, e.ResourceName, e.Changes},
		[]string{"done", k.ID, "after", `[{"field":"reason","from":null,"to":"the vault was lost"}]`})
	s.grant(t, text.Reveal())
	_, _, err = s.RevealKey(t.Context(), s.root, before.ID, why)
	is(t, err, fault.NotRecoverable)

	// The newest secret is shown, and what is gone is not kept either.
	_, second, err := s.RegenerateKey(t.Context(), s.root, k.ID, []byte(`{"overlap_seconds":60}`), 0)
	must(t, err)
	_, text, err = s.RevealKey(t.Context(), s.root, k.ID, why)
	must(t, err)
	if text.Reveal() != second.Reveal() || s.kept(t) != 2 {
		t.Errorf("after regenerating another is shown, or %d are kept", s.kept(t))
	}
	s.pass(time.Hour)
	_, err = s.CleanUpExpired(t.Context(), s.root, nil)
	must(t, err)
	same(t, s.kept(t), 1)
	_, _, err = s.RegenerateKey(t.Context(), s.root, before.ID, nil, 0)
	must(t, err)
	same(t, s.kept(t), 2)
	must(t, s.DeleteKey(t.Context(), s.root, k.ID, 0))
	same(t, s.kept(t), 1)
	must(t, s.PurgeKey(t.Context(), s.root, before.ID))
	same(t, s.kept(t), 0)

	// Who changes their mind has nothing kept.
	k, _ = s.key(t, `{"name":"last"}`)
	same(t, s.kept(t), 1)
	s.want(t, false)
	same(t, s.kept(t), 0)
	_, _, err = s.RevealKey(t.Context(), s.root, k.ID, why)
	is(t, err, fault.NotRecoverable)
	s.want(t, true)
	_, _, err = s.RevealKey(t.Context(), s.root, k.ID, why)
	is(t, err, fault.NotRecoverable)
}

func TestE2_RevealingNeedsItsPermissionAndAReason(t *testing.T) {
	s := newSealing(t)
	s.want(t, true)
	u := s.user(t, `{"email":"ada@example.com"}`)
	admin := s.user(t, `{"email":"boss@example.com","role":"admin"}`)
	auditor := s.user(t, `{"email":"audit@example.com","role":"auditor"}`)
	k, secretText := s.key(t, `{"name":"hers","user_id":"`+u.ID+`"}`)
	for name, c := range map[string]struct {
		who  authority.Principal
		body string
		want fault.Kind
	}{
		"its owner":              {s.actingFor(t, u), string(why), fault.PermissionDenied},
		"who reads everything":   {s.actingFor(t, auditor), string(why), fault.PermissionDenied},
		"everything but this":    {s.as(t, s.root.OrganizationID(), "*", "!platform:api-keys:reveal"), string(why), fault.PermissionDenied},
		"this, and not to read":  {s.as(t, s.root.OrganizationID(), "platform:api-keys:reveal"), string(why), fault.NotFound},
		"another organization":   {s.as(t, "org_abroad", "*"), string(why), fault.NotFound},
		"nobody":                 {authority.Principal{}, string(why), fault.PermissionDenied},
		"an admin":               {s.actingFor(t, admin), string(why), ""},
		"read and this":          {s.as(t, s.root.OrganizationID(), "platform:api-keys:read", "platform:api-keys:reveal"), string(why), ""},
		"no body":                {s.root, "", fault.ValidationFailed},
		"no reason":              {s.root, "{}", fault.ValidationFailed},
		"a reason of spaces":     {s.root, `{"reason":"  "}`, fault.ValidationFailed},
		"a reason that is null":  {s.root, `{"reason":null}`, fault.ValidationFailed},
		"a reason that is long":  {s.root, `{"reason":"` + strings.Repeat("x", 501) + `"}`, fault.ValidationFailed},
		"a reason and something": {s.root, `{"reason":"x","secret_id":"y"}`, fault.ValidationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			_, text, err := s.RevealKey(t.Context(), c.who, k.ID, []byte(c.body))
			if c.want == "" {
				must(t, err)
				if text.Reveal() != secretText {
					t.Error("another secret is shown")
				}
				return
			}
			if is(t, err, c.want); !text.IsZero() {
				t.Error("a refusal comes with a secret")
			}
			if c.want == fault.PermissionDenied && c.who.ID() != "" {
				if e := s.last(t, "api_key.reveal"); e.Outcome != "refused" || e.ActorID != c.who.ID() {
					t.Errorf("the audit says %+v", e)
				}
			}
		})
	}
	// What the audit cannot keep is not shown.
	broken := s.store
	broken.Audit = brokenAudit{broken.Audit}
	_, text, err := authority.New(broken, authority.Options{Sealer: s.sealer}).RevealKey(t.Context(), s.root, k.ID, why)
	if is(t, err, fault.StoreUnavailable); !text.IsZero() {
		t.Error("shown, and not kept")
	}
}

// A sealed secret opens where it lies, and nowhere else; with another keyset it is
// trouble, not somebody's fault.
func TestE2_ASealedSecretThatWasMovedDoesNotOpen(t *testing.T) {
	s := newSealing(t)
	s.want(t, true)
	one, _ := s.key(t, `{"name":"one"}`)
	two, _ := s.key(t, `{"name":"two"}`)
	_, err := s.behind(t).ExecContext(t.Context(), `UPDATE sealed SET ciphertext = (SELECT ciphertext FROM sealed WHERE row_id = ?)`, one.Secrets[0].ID)
	must(t, err)
	_, _, err = s.RevealKey(t.Context(), s.root, two.ID, why)
	if is(t, err, fault.StoreUnavailable); !errors.Is(err, secret.ErrNotOpened) {
		t.Errorf("moved: %v", err)
	}
	other, err := secret.NewKeyset()
	must(t, err)
	s.sealer.Use(other)
	_, _, err = s.RevealKey(t.Context(), s.root, one.ID, why)
	is(t, err, fault.StoreUnavailable)
}

// The keyset may change, and the organization its mind, between sealing and storing.
func TestE2_WhatIsSealedMeanwhile(t *testing.T) {
	var during func()
	s := newSealing(t, func(store *authority.Store) { store.Keys = &hesitant{store.Keys, &during} })
	s.want(t, true)
	fresh, err := secret.NewKeyset()
	must(t, err)
	during = func() { // as the vault rotates
		must(t, s.db.Seals().AllowSealKey(t.Context(), fresh.Primary()))
		old := s.sealer.Keyset().Primary()
		s.sealer.Use(fresh)
		gone, err := s.db.Seals().ForbidSealKey(t.Context(), old)
		if must(t, err); !gone {
			t.Error("the old key is still needed")
		}
	}
	k, text := s.key(t, `{"name":"a"}`)
	_, shown, err := s.RevealKey(t.Context(), s.root, k.ID, why)
	must(t, err)
	if shown.Reveal() != text {
		t.Error("another secret is shown")
	}
	during = func() { s.want(t, false) }
	k, text = s.key(t, `{"name":"b"}`)
	same(t, s.kept(t), 0)
	s.grant(t, text)
	_, _, err = s.RevealKey(t.Context(), s.root, k.ID, why)
	is(t, err, fault.NotRecoverable)
}

// hesitant is a store before whose next CreateKey something else happens.
type hesitant struct {
	authority.KeyStore
	during *func()
}

func (h *hesitant) CreateKey(ctx context.Context, row authority.KeyRow, most *int64, act authority.Act) error {
	if first := *h.during; first != nil {
		*h.during = nil
		first()
	}
	return h.KeyStore.CreateKey(ctx, row, most, act)
}
