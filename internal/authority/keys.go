package authority

import (
	"context"
	"reflect"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// CreateKey makes a key of the fields in body, a JSON object, laid over the
// defaults or the named preset. The secret is in this one answer and nowhere
// else. Kinds: permission_denied, invalid_json, duplicate_field,
// validation_failed, store_unavailable.
func (a *Authority) CreateKey(ctx context.Context, p Principal, body []byte) (Key, secret.Text, error) {
	if err := p.require(keysCreate); err != nil {
		return Key{}, secret.Text{}, err
	}
	k, err := a.composeKey(ctx, p, body)
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	text := key.New(a.prefix)
	k.ID, k.OrganizationID, k.Prefix = newID("key_"), p.organizationID, key.Hint(text.Reveal())
	k.CreatedAt = a.instant()
	k.UpdatedAt, k.Version = k.CreatedAt, 1
	if err := a.store.Keys.CreateKey(ctx, KeyRow{Key: k, Hash: key.HashOf(text.Reveal())}); err != nil {
		return Key{}, secret.Text{}, err
	}
	return k, text, nil
}

// composeKey is the key that body asks for, or everything that is wrong with it.
func (a *Authority) composeKey(ctx context.Context, p Principal, body []byte) (Key, error) {
	list, err := members(body)
	if err != nil {
		return Key{}, err
	}
	now := a.instant()
	k, preset, list, problem := startFrom(list, now)
	e := &edit[Key]{next: &k}
	if problem != nil {
		e.problems = append(e.problems, *problem)
	}
	e.apply(keyFields(now), list)
	settlePreset(e, preset)
	settleKey(e)
	if k.UserID != "" && !e.failed("user_id") {
		if _, err := a.store.Users.UserByID(ctx, p.organizationID, k.UserID); isNotFound(err) {
			e.fail("user_id", "there is no such user")
		} else if err != nil {
			return Key{}, err
		}
	}
	return k, e.err()
}

// KeyByID is one key. Kinds: permission_denied, not_found (also for a key of
// another organisation), store_unavailable.
func (a *Authority) KeyByID(ctx context.Context, p Principal, id string) (Key, error) {
	if err := p.require(keysRead); err != nil {
		return Key{}, err
	}
	row, err := a.store.Keys.KeyByID(ctx, p.organizationID, id)
	return row.Key, absent(err, "API key", id)
}

// ListKeys is one page of the keys that f lets through, newest first, and how
// many there are in all. Kinds: permission_denied, validation_failed,
// store_unavailable.
func (a *Authority) ListKeys(ctx context.Context, p Principal, f KeyFilter) ([]Key, int, error) {
	if err := p.require(keysRead); err != nil {
		return nil, 0, err
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, err
	}
	return a.store.Keys.ListKeys(ctx, p.organizationID, f, a.instant())
}

// UpdateKey lays body over the key as it is (RFC 7396: null takes a field back to
// nothing). A positive expect is the version that the caller has seen; 0 is any.
// The change is in force when UpdateKey returns. Kinds: as CreateKey, and
// not_found, would_lift_restriction, precondition_failed, version_conflict.
func (a *Authority) UpdateKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	return a.editKey(ctx, p, id, body, expect)
}

// ReplaceKey is UpdateKey: what body leaves out stays as it is, so that no limit
// and no restriction is ever lifted by leaving it out.
func (a *Authority) ReplaceKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	return a.editKey(ctx, p, id, body, expect)
}

// ActivateKey enables a disabled key. Kinds: permission_denied, not_found,
// validation_failed for a revoked key, version_conflict, store_unavailable.
func (a *Authority) ActivateKey(ctx context.Context, p Principal, id string) (Key, error) {
	return a.UpdateKey(ctx, p, id, []byte(`{"is_active":true}`), 0)
}

// DeactivateKey disables a key until it is activated. A revoked key stays
// revoked. Kinds: as ActivateKey.
func (a *Authority) DeactivateKey(ctx context.Context, p Principal, id string) (Key, error) {
	return a.UpdateKey(ctx, p, id, []byte(`{"is_active":false}`), 0)
}

// RevokeKey ends a key for good; it stays in lists. Kinds: permission_denied,
// not_found, version_conflict, store_unavailable.
func (a *Authority) RevokeKey(ctx context.Context, p Principal, id string) (Key, error) {
	if err := p.require(keysUpdate); err != nil {
		return Key{}, err
	}
	return a.changeKey(ctx, p, id, 0, func(row *KeyRow) error {
		row.Status = StatusRevoked
		return nil
	})
}

// DeleteKey takes a key out of every list and wipes its hash, so that its secret
// can never work again; the ledger goes on naming it. A positive expect is the
// version that the caller has seen. Kinds: permission_denied, not_found,
// precondition_failed, version_conflict, store_unavailable.
func (a *Authority) DeleteKey(ctx context.Context, p Principal, id string, expect int64) error {
	if err := p.require(keysDelete); err != nil {
		return err
	}
	_, err := a.changeKey(ctx, p, id, expect, func(row *KeyRow) error {
		row.DeletedAt, row.Hash = a.instant(), key.Hash{}
		return nil
	})
	return err
}

func (a *Authority) editKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	if err := p.require(keysUpdate); err != nil {
		return Key{}, err
	}
	list, err := members(body)
	if err != nil {
		return Key{}, err
	}
	return a.changeKey(ctx, p, id, expect, func(row *KeyRow) error {
		current, next := row.Key, row.Key
		e := &edit[Key]{next: &next, current: &current}
		e.apply(keyFields(a.instant()), list)
		settleKey(e)
		row.Key = next
		return e.err()
	})
}

// changeKey reads a key, changes it and stores it as one more version, unless the
// change changes nothing. Whatever the store answered, the key is forgotten in
// memory before changeKey returns: a write that failed may have been stored all
// the same.
func (a *Authority) changeKey(ctx context.Context, p Principal, id string, expect int64, change func(*KeyRow) error) (Key, error) {
	var changed Key
	err := retry(ctx, "API key", func() error {
		before, err := a.store.Keys.KeyByID(ctx, p.organizationID, id)
		if err != nil {
			return absent(err, "API key", id)
		}
		if err := checkVersion("API key", expect, before.Version); err != nil {
			return err
		}
		after := before
		if err := change(&after); err != nil {
			return err
		}
		if reflect.DeepEqual(before, after) {
			changed = before.Key
			return nil
		}
		after.Version, after.UpdatedAt = before.Version+1, a.instant()
		changed = after.Key
		defer a.keys.refresh(ctx, before.Hash)
		return absent(a.store.Keys.UpdateKey(ctx, after), "API key", id)
	})
	if err != nil {
		return Key{}, err
	}
	return changed, nil
}

// page puts the defaults into a page and refuses what is out of range.
func page(number, size *int) error {
	if *number == 0 {
		*number = 1
	}
	if *size == 0 {
		*size = 10
	}
	var wrong []fault.Field
	if *number < 1 || *number > 1_000_000_000 {
		wrong = append(wrong, fault.Field{Name: "page", Problem: "must be 1 or more"})
	}
	if *size < 1 || *size > 100 {
		wrong = append(wrong, fault.Field{Name: "size", Problem: "must be from 1 to 100"})
	}
	if wrong != nil {
		return &fault.Error{Kind: fault.ValidationFailed, Public: summary(wrong), Param: wrong[0].Name, Fields: wrong}
	}
	return nil
}
