package authority

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/key"
	"tollgate/internal/secret"
)

const (
	maxOverlap    = 30 * 24 * time.Hour
	maxExtendDays = 3650
	maxSecrets    = 2 // that work at once
)

// addSecret gives row a fresh secret in front of those it has, sealed as well where
// the organisation wants to see it again.
func (a *Authority) addSecret(ctx context.Context, row *KeyRow) (secret.Text, error) {
	text := key.New(a.prefix)
	s := Secret{ID: newID("sec_"), Prefix: key.Hint(text.Reveal()), CreatedAt: a.instant()}
	row.Sealed = nil
	o, err := a.organizations.get(ctx, row.OrganizationID)
	if err == nil && o.recoverable && a.sealer != nil {
		s.Recoverable = true
		row.Sealed, err = a.seal(row.OrganizationID, s.ID, text)
	}
	if err != nil {
		return secret.Text{}, absent(err, "organization", row.OrganizationID)
	}
	row.Prefix = s.Prefix
	row.Secrets = append([]Secret{s}, row.Secrets...)
	row.Hashes = append([]key.Hash{key.HashOf(text.Reveal())}, row.Hashes...)
	return text, nil
}

// secretsShown is the secrets as the audit shows them: when each ends.
func secretsShown(k *Key) any {
	type shown struct {
		ID        string `json:"id"`
		Prefix    string `json:"key_prefix"`
		ExpiresAt any    `json:"expires_at"`
	}
	list := make([]shown, len(k.Secrets))
	for i, s := range k.Secrets {
		list[i] = shown{s.ID, s.Prefix, instantOrNull(s.ExpiresAt)}
	}
	return list
}

// wish is what the bodies of the operations on a key's life may say.
type wish struct {
	overlap *int64 // seconds
	days    *int64
	reason  string
}

// read reads body, which may be empty, through table.
func (w *wish) read(body []byte, table ...field[wish]) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	list, err := members(body)
	if err != nil {
		return err
	}
	e := &edit[wish]{next: w}
	e.apply(table, list)
	return e.err()
}

// demanded is f where null is as wrong as nothing.
func demanded[T any](f field[T], problem string) field[T] {
	set := f.set
	f.set = func(e *edit[T], raw jsontext.Value) string {
		if isNull(raw) {
			return problem
		}
		return set(e, raw)
	}
	return f
}

// RegenerateKey gives a key another secret; its id, limits and counters stay.
// body is empty or {"overlap_seconds": n}: the old secret works on for so long, 0
// to 30 days, and dies at once without it. One that still worked from an earlier
// time dies in any case. The secret is in this one answer and nowhere else. Kinds:
// permission_denied, not_found, validation_failed (also for a revoked key),
// idempotency_conflict, precondition_failed, version_conflict, store_unavailable.
func (a *Authority) RegenerateKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, secret.Text, error) {
	d := deed{p: p, action: "api_key.regenerate", kind: "api_key", id: id}
	k, text, err := once(ctx, a, d, body, func(d deed) (Key, secret.Text, error) {
		var w wish
		if err := w.read(body, numberField("overlap_seconds", 0, int64(maxOverlap/time.Second),
			func(w *wish) **int64 { return &w.overlap })); err != nil {
			return Key{}, secret.Text{}, err
		}
		var text secret.Text
		k, err := a.rewriteKey(ctx, d, keysUpdate, expect, func(row *KeyRow) error {
			if row.Status == StatusRevoked {
				return revokedForGood()
			}
			a.retireSecrets(row, w.overlap)
			var err error
			text, err = a.addSecret(ctx, row)
			return err
		})
		return k, text, err
	}, a.againKey(ctx, p))
	return k, text, a.refused(ctx, d, err)
}

// retireSecrets lets the newest secret work on for a while, and ends the others.
func (a *Authority) retireSecrets(row *KeyRow, overlap *int64) {
	if overlap == nil || *overlap == 0 || len(row.Secrets) == 0 {
		row.Secrets, row.Hashes = nil, nil
		return
	}
	row.Secrets, row.Hashes = slices.Clone(row.Secrets[:maxSecrets-1]), slices.Clone(row.Hashes[:maxSecrets-1])
	row.Secrets[0].ExpiresAt = a.instant().Add(time.Duration(*overlap) * time.Second)
}

// ExtendKey moves a key's expiry; body is {"days": n}, 1 to 3650, from now or from
// when it expires, whichever is later. A key that never expires gets an expiry.
// Kinds: as UpdateKey.
func (a *Authority) ExtendKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	d := deed{p: p, action: "api_key.extend", kind: "api_key", id: id}
	return onceKey(ctx, a, d, body, func(d deed) (Key, error) {
		var w wish
		days := numberField("days", 1, maxExtendDays, func(w *wish) **int64 { return &w.days })
		if err := w.read(body, demanded(days, "is required: a whole number from 1 to 3650")); err != nil {
			return Key{}, err
		}
		if w.days == nil {
			return Key{}, problem("days", "is required: a whole number from 1 to 3650")
		}
		return a.rewriteKey(ctx, d, keysUpdate, expect, func(row *KeyRow) error {
			if row.Status == StatusRevoked {
				return revokedForGood()
			}
			from := a.instant()
			if row.ExpiresAt.After(from) {
				from = row.ExpiresAt
			}
			row.ExpiresAt = from.AddDate(0, 0, int(*w.days))
			if row.ExpiresAt.Year() > 9999 {
				return problem("days", "the expiry would lie after the year 9999")
			}
			return nil
		})
	})
}

// RevokeKey ends a key for good; it stays in lists. body is empty or {"reason":
// text}. A key that is revoked already stays as it is. Kinds: permission_denied,
// not_found, validation_failed, idempotency_conflict, precondition_failed,
// version_conflict, store_unavailable.
func (a *Authority) RevokeKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	d := deed{p: p, action: "api_key.revoke", kind: "api_key", id: id}
	return onceKey(ctx, a, d, body, func(d deed) (Key, error) {
		var w wish
		if err := w.read(body, textField("reason", 0, 500, func(w *wish) *string { return &w.reason })); err != nil {
			return Key{}, err
		}
		return a.rewriteKey(ctx, d, keysUpdate, expect, func(row *KeyRow) error {
			if row.Status != StatusRevoked {
				row.Status, row.DisabledBy = StatusRevoked, ""
				// Whoever says why a key ends may well paste the key.
				row.RevokedBy, row.RevokedAt, row.RevokeReason = p.actor(), a.instant(), a.veil.hide(w.reason)
			}
			return nil
		})
	})
}

// DeleteKey takes a key out of every list and wipes its secrets, so that they can
// never work again; the ledger and the audit go on naming it. A positive expect is
// the version that the caller has seen. Kinds: permission_denied, not_found,
// precondition_failed, version_conflict, store_unavailable.
func (a *Authority) DeleteKey(ctx context.Context, p Principal, id string, expect int64) error {
	d := deed{p: p, action: "api_key.delete", kind: "api_key", id: id}
	_, err := a.rewriteKey(ctx, d, keysDelete, expect, func(row *KeyRow) error {
		a.bury(row)
		return nil
	})
	return a.refused(ctx, d, err)
}

// bury makes row a tombstone.
func (a *Authority) bury(row *KeyRow) {
	row.DeletedAt, row.Secrets, row.Hashes = a.instant(), nil, nil
}

// PurgeKey takes a key away altogether, also one that was deleted. The ledger and
// the audit still name it. Kinds: permission_denied, not_found,
// store_unavailable.
func (a *Authority) PurgeKey(ctx context.Context, p Principal, id string) error {
	d := deed{p: p, action: "api_key.purge", kind: "api_key", id: id}
	err := p.require(keysPurge)
	if err == nil {
		var row KeyRow
		row, err = a.store.Keys.KeyByID(ctx, p.organizationID, id)
		switch {
		case err == nil:
			d.name = row.Name
			defer a.refreshKey(ctx, row.Hashes)
			err = a.store.KeyCare.PurgeKey(ctx, p.organizationID, id, act(a, d, keyFields(a.instant()), &row.Key, nil))
		case isNotFound(err):
			err = a.store.KeyCare.PurgeKey(ctx, p.organizationID, id, Act{Event: a.event(d)})
		}
	}
	return a.refused(ctx, d, absent(err, "API key", id))
}

// againKey reads a key for a call that is repeated.
func (a *Authority) againKey(ctx context.Context, p Principal) func(string) (Key, error) {
	return func(id string) (Key, error) {
		row, err := a.visibleKey(ctx, p, id)
		return row.Key, err
	}
}

func revokedForGood() error {
	return problem("status", "the key was revoked, which is for good; make a new key")
}
