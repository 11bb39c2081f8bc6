package authority

import (
	"context"
	"reflect"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// CreateKey makes a key of the fields in body, a JSON object, laid over the
// defaults or the named preset. It belongs to the principal's own user unless body
// says otherwise. The secret is in this one answer and nowhere else; a repetition
// with the same idempotency key answers the same key and no secret. Kinds:
// permission_denied, invalid_json, duplicate_field, validation_failed,
// key_quota_reached, idempotency_conflict, store_unavailable.
func (a *Authority) CreateKey(ctx context.Context, p Principal, body []byte) (Key, secret.Text, error) {
	d := deed{p: p, action: "api_key.create", kind: "api_key"}
	k, text, err := once(ctx, a, d, body,
		func(d deed) (Key, secret.Text, error) { return a.createKey(ctx, d, body) }, a.againKey(ctx, p))
	return k, text, a.refused(ctx, d, err)
}

func (a *Authority) createKey(ctx context.Context, d deed, body []byte) (Key, secret.Text, error) {
	// Who may make no key at all learns nothing about the body.
	if !d.p.Can(keysCreate) && !d.p.Can(keysCreateAny) {
		return Key{}, secret.Text{}, denied(keysCreate)
	}
	list, err := members(body)
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	row, most, err := a.composeRow(ctx, d.p, list)
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	d.id, d.name = row.ID, row.Name
	var text secret.Text
	err = retry(ctx, "API key", func() error { // the keyset may change between sealing and storing
		row.Secrets, row.Hashes = nil, nil
		var err error
		if text, err = a.addSecret(ctx, &row); err != nil {
			return err
		}
		return a.storeKey(ctx, d, row, most, act(a, d, keyFields(row.CreatedAt), nil, &row.Key))
	})
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	row.InitialBalance = nil
	return row.Key, text, nil
}

// storeKey stores a new key and what it opens.
func (a *Authority) storeKey(ctx context.Context, d deed, row KeyRow, most *int64, done Act) error {
	bots, err := a.grantEvents(ctx, d, &row, &done)
	if err != nil {
		return err
	}
	defer a.refreshChatbots(ctx, bots)
	return quota(a.store.Keys.CreateKey(ctx, row, most, done), most)
}

// composeRow is the key that a body asks for, without a secret, and how many its
// user may have.
func (a *Authority) composeRow(ctx context.Context, p Principal, list []member) (row KeyRow, most *int64, err error) {
	k, err := a.composeKey(ctx, p, list)
	if err != nil {
		return KeyRow{}, nil, err
	}
	if k.UserID != "" {
		o, err := a.store.Organizations.OrganizationByID(ctx, p.organizationID)
		if err != nil {
			return KeyRow{}, nil, absent(err, "organization", p.organizationID)
		}
		most = o.MaxKeysPerUser
	}
	k.ID, k.OrganizationID = newID("key_"), p.organizationID
	k.CreatedAt = a.instant()
	k.UpdatedAt, k.Version = k.CreatedAt, 1
	row = KeyRow{Key: k}
	for _, id := range opened(&k) {
		row.Grants = append(row.Grants, a.newGrant(p, id, k.ID))
	}
	return row, most, nil
}

// composeKey is the key that a body asks for, or everything that is wrong with it.
func (a *Authority) composeKey(ctx context.Context, p Principal, list []member) (Key, error) {
	now := a.instant()
	k, preset, list, problem := startFrom(list, now)
	e := &edit[Key]{next: &k}
	if problem != nil {
		e.problems = append(e.problems, *problem)
	}
	e.apply(keyFields(now), list)
	if !e.has("user_id") && k.Kind != KindService && k.Kind != KindStandalone {
		k.UserID = p.userID
	}
	settlePreset(e, preset)
	settleKey(e)
	if !p.owns(k.UserID) && !p.Can(keysCreateAny) {
		return Key{}, denied(keysCreateAny)
	}
	if p.owns(k.UserID) && !p.Can(keysCreate) {
		return Key{}, denied(keysCreate)
	}
	if k.UserID != "" && !e.failed("user_id") {
		if _, err := a.store.Users.UserByID(ctx, p.organizationID, k.UserID); isNotFound(err) {
			e.fail("user_id", noSuchUser)
		} else if err != nil {
			return Key{}, err
		}
	}
	if err := a.checkOpened(ctx, p, e); err != nil {
		return Key{}, err
	}
	if k.Status == StatusDisabled {
		k.DisabledBy = p.actor()
	}
	return k, e.err()
}

const noSuchUser = "there is no such user"

func quota(err error, most *int64) error {
	if isNotFound(err) { // deleted since the body was judged
		return problem("user_id", noSuchUser)
	}
	if fault.Of(err).Kind == fault.Internal && isKind(err, fault.KeyQuotaReached) {
		return fault.Wrap(fault.KeyQuotaReached, err,
			"The user has %d keys already, which is as many as a user may have here. Delete or revoke one first.", *most)
	}
	return err
}

// KeyByID is one key. Kinds: not_found (also for a key that the principal may not
// see), store_unavailable.
func (a *Authority) KeyByID(ctx context.Context, p Principal, id string) (Key, error) {
	return a.ReadKey(ctx, p, id, "api_key.get")
}

// ReadKey is KeyByID for a door that shows something else of the key, such as its
// usage; the audit calls it action. Reads of one's own keys are not kept.
func (a *Authority) ReadKey(ctx context.Context, p Principal, id, action string) (Key, error) {
	d := deed{p: p, action: action, kind: "api_key", id: id}
	row, err := a.visibleKey(ctx, p, id)
	if err != nil {
		return Key{}, a.refused(ctx, d, err)
	}
	if !p.owns(row.UserID) {
		d.name = row.Name
		if err := a.note(ctx, a.event(d)); err != nil {
			return Key{}, err
		}
	}
	return row.Key, nil
}

// ResolveKey is KeyByID for a door that keeps in the audit itself what it then
// does: what is kept here is a refusal only, as action.
func (a *Authority) ResolveKey(ctx context.Context, p Principal, id, action string) (Key, error) {
	row, err := a.visibleKey(ctx, p, id)
	return row.Key, a.refused(ctx, deed{p: p, action: action, kind: "api_key", id: id}, err)
}

// visibleKey is a key that p may see.
func (a *Authority) visibleKey(ctx context.Context, p Principal, id string) (KeyRow, error) {
	return a.reachKey(ctx, p, id, keysRead)
}

// reachKey is a key to which p may do what permission says.
func (a *Authority) reachKey(ctx context.Context, p Principal, id, permission string) (KeyRow, error) {
	if p.organizationID == "" {
		return KeyRow{}, denied(permission)
	}
	row, err := a.store.Keys.KeyByID(ctx, p.organizationID, id)
	if err != nil {
		return KeyRow{}, absent(err, "API key", id)
	}
	if err := p.reach(keysRead, permission, row.UserID, "API key", id); err != nil {
		return KeyRow{}, err
	}
	return row, nil
}

// ListKeys is one page of the keys that f lets through, newest first, and how
// many there are in all. Who may not see everybody's gets their own. Kinds:
// permission_denied, validation_failed, store_unavailable.
func (a *Authority) ListKeys(ctx context.Context, p Principal, f KeyFilter) ([]Key, int, error) {
	d := deed{p: p, action: "api_key.list", kind: "api_key"}
	list, total, err := a.listKeys(ctx, d, f)
	return list, total, a.refused(ctx, d, err)
}

func (a *Authority) listKeys(ctx context.Context, d deed, f KeyFilter) ([]Key, int, error) {
	if f.UserID == "" && !d.p.Can(keysRead) {
		f.UserID = d.p.userID
	}
	if f.UserID == "" && !d.p.Can(keysRead) || !d.p.May(keysRead, f.UserID) {
		return nil, 0, denied(keysRead)
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, err
	}
	if !d.p.owns(f.UserID) {
		if err := a.note(ctx, a.event(d)); err != nil {
			return nil, 0, err
		}
	}
	list, total, err := a.store.Keys.ListKeys(ctx, d.p.organizationID, f, a.instant())
	return list, total, followed(err)
}

// UpdateKey lays body over the key as it is (RFC 7396: null takes a field back to
// nothing). Without the permission to manage keys, what restricts a key can only
// be tightened. A positive expect is the version that the caller has seen; 0 is
// any. The change is in force when UpdateKey returns. Kinds: as CreateKey, and
// not_found, escalation_denied, would_lift_restriction, precondition_failed,
// version_conflict.
func (a *Authority) UpdateKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	return a.editKey(ctx, deed{p: p, action: "api_key.update", kind: "api_key", id: id}, body, expect)
}

// ReplaceKey is UpdateKey: what body leaves out stays as it is, so that no limit
// and no restriction is ever lifted by leaving it out.
func (a *Authority) ReplaceKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (Key, error) {
	return a.editKey(ctx, deed{p: p, action: "api_key.update", kind: "api_key", id: id}, body, expect)
}

// ActivateKey enables a disabled key. Its owner may if it was they who disabled
// it. A positive expect is the version that the caller has seen; 0 is any. Kinds:
// permission_denied, escalation_denied, not_found, validation_failed for a revoked
// key, idempotency_conflict, precondition_failed, version_conflict,
// store_unavailable.
func (a *Authority) ActivateKey(ctx context.Context, p Principal, id string, expect int64) (Key, error) {
	return a.switchKey(ctx, deed{p: p, action: "api_key.activate", kind: "api_key", id: id}, `{"is_active":true}`, expect)
}

// DeactivateKey disables a key until it is activated. A revoked key stays
// revoked. Kinds: as ActivateKey.
func (a *Authority) DeactivateKey(ctx context.Context, p Principal, id string, expect int64) (Key, error) {
	return a.switchKey(ctx, deed{p: p, action: "api_key.deactivate", kind: "api_key", id: id}, `{"is_active":false}`, expect)
}

// switchKey is a change that is made once for an idempotency key: sent again
// later, it must not undo what was done since.
func (a *Authority) switchKey(ctx context.Context, d deed, body string, expect int64) (Key, error) {
	return onceKey(ctx, a, d, nil, func(d deed) (Key, error) { return a.mergeKey(ctx, d, []byte(body), expect) })
}

// onceKey is once for what makes no secret.
func onceKey(ctx context.Context, a *Authority, d deed, body []byte, do func(deed) (Key, error)) (Key, error) {
	k, _, err := once(ctx, a, d, body, func(d deed) (Key, secret.Text, error) {
		k, err := do(d)
		return k, secret.Text{}, err
	}, a.againKey(ctx, d.p))
	return k, a.refused(ctx, d, err)
}

func (a *Authority) editKey(ctx context.Context, d deed, body []byte, expect int64) (Key, error) {
	k, err := a.mergeKey(ctx, d, body, expect)
	return k, a.refused(ctx, d, err)
}

func (a *Authority) mergeKey(ctx context.Context, d deed, body []byte, expect int64) (Key, error) {
	list, err := members(body)
	if err != nil {
		return Key{}, err
	}
	return a.rewriteKey(ctx, d, keysUpdate, expect, func(row *KeyRow) error {
		current, next := row.Key, row.Key
		e := &edit[Key]{next: &next, current: &current}
		e.apply(keyFields(a.instant()), list)
		settleKey(e)
		settleDisabled(e, d.p)
		row.Key = next
		return e.err()
	})
}

// settleDisabled keeps who disabled the key. Somebody else who disables what its
// owner has disabled already takes the owner's way back.
func settleDisabled(e *edit[Key], p Principal) {
	k := e.next
	switch {
	case k.Status == StatusActive:
		k.DisabledBy = ""
	case k.Status != StatusDisabled || !e.has("is_active"):
	case e.current.Status != StatusDisabled, e.current.DisabledBy == k.UserID && !p.owns(k.UserID):
		k.DisabledBy = p.actor()
	}
}

// rewriteKey reads a key, changes it and stores it as one more version, unless the
// change changes nothing; either way it keeps that it was done. Who may not manage
// keys can only tighten. Whatever the store answered, the key is forgotten in
// memory before rewriteKey returns: a write that failed may have been stored all
// the same.
func (a *Authority) rewriteKey(ctx context.Context, d deed, permission string, expect int64, change func(*KeyRow) error) (Key, error) {
	var changed Key
	err := retry(ctx, "API key", func() error {
		before, err := a.reachKey(ctx, d.p, d.id, permission)
		if err != nil {
			return err
		}
		d.name = before.Name
		if err := checkVersion("API key", expect, before.Version); err != nil {
			return err
		}
		after := before
		if err := change(&after); err != nil {
			return err
		}
		table := keyFields(a.instant())
		if !d.p.Can(keysManage) {
			if err := loosened(table, &before.Key, &after.Key); err != nil {
				return err
			}
		}
		done := act(a, d, table, &before.Key, &after.Key)
		if reflect.DeepEqual(before, after) && done.Replay.Key == "" {
			changed = before.Key
			return a.note(ctx, done.Event)
		}
		after.Version, after.UpdatedAt = before.Version+1, a.instant()
		changed = after.Key
		defer a.refreshKey(ctx, before.Hashes)
		return absent(a.store.Keys.UpdateKey(ctx, after, done), "API key", d.id)
	})
	if err != nil {
		return Key{}, err
	}
	return changed, nil
}

// refreshKey makes memory forget what it knows of a key with these secrets.
func (a *Authority) refreshKey(ctx context.Context, hashes []key.Hash) {
	for _, h := range hashes {
		a.keys.refresh(ctx, h)
	}
}

// followed says that a list cannot go on from what is not there: an empty list
// would look like the end.
func followed(err error) error {
	if isNotFound(err) {
		return problem("after", "names nothing that there is; begin anew without it")
	}
	return err
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
