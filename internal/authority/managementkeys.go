package authority

import (
	"context"
	"reflect"
	"regexp"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// ManagementKey is a key of the management API without its secret. Treat its
// permissions as read-only: copies share them.
type ManagementKey struct {
	ID             string // "mk_…"
	OrganizationID string
	UserID         string // acts for this user, within that user's role; "" = for nobody
	Name           string
	Prefix         string    // the key's first 8 characters
	Permissions    []string  // patterns; "!" in front denies
	Root           bool      // made at the first start; one per organisation
	Status         Status    // active, disabled or revoked
	ExpiresAt      time.Time // refused from this instant on; zero = never
	CreatedBy      string    // a user, else a management key; "" = the first start
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Version        int64 // 1 at creation, one more with each change
}

// ManagementFilter says which management keys to list. Zero fields filter
// nothing.
type ManagementFilter struct {
	UserID string
	After  string // the id of the last one already seen; Page then means nothing
	Page   int    // from 1; 0 = 1
	Size   int    // 1–100; 0 = 10
}

// StatusAt is the key's status at now: revoked, disabled, expired or active, the
// first that holds.
func (m ManagementKey) StatusAt(now time.Time) Status {
	return Key{Status: m.Status, ExpiresAt: m.ExpiresAt}.StatusAt(now)
}

const managementWhat = "management key"

// CreateManagementKey makes a key of the management API: name, permissions,
// user_id, expires_at, is_active. It belongs to the principal's own user unless
// body says otherwise, and can hold no more than the principal does. The secret
// is in this one answer and nowhere else. Kinds: permission_denied,
// escalation_denied, invalid_json, duplicate_field, validation_failed,
// idempotency_conflict, store_unavailable.
func (a *Authority) CreateManagementKey(ctx context.Context, p Principal, body []byte) (ManagementKey, secret.Text, error) {
	d := deed{p: p, action: "management_key.create", kind: "management_key"}
	m, text, err := once(ctx, a, d, body,
		func(d deed) (ManagementKey, secret.Text, error) { return a.createManagementKey(ctx, d, body) },
		a.againManagementKey(ctx, p))
	return m, text, a.refused(ctx, d, err)
}

// againManagementKey reads a management key for a call that is repeated.
func (a *Authority) againManagementKey(ctx context.Context, p Principal) func(string) (ManagementKey, error) {
	return func(id string) (ManagementKey, error) {
		row, err := a.reachManagementKey(ctx, p, id, managementRead)
		return row.ManagementKey, err
	}
}

func (a *Authority) createManagementKey(ctx context.Context, d deed, body []byte) (ManagementKey, secret.Text, error) {
	if !d.p.Can(managementCreate) && !d.p.Can(managementCreateAny) {
		return ManagementKey{}, secret.Text{}, denied(managementCreate)
	}
	list, err := members(body)
	if err != nil {
		return ManagementKey{}, secret.Text{}, err
	}
	now := a.instant()
	text := key.New(key.ManagementPrefix)
	m := ManagementKey{
		ID: newID("mk_"), OrganizationID: d.p.organizationID, UserID: d.p.userID, Prefix: key.Hint(text.Reveal()),
		Status: StatusActive, CreatedBy: d.p.actor(), CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	e := &edit[ManagementKey]{next: &m}
	e.apply(managementFields(now), list)
	if err := a.settleManagementKey(ctx, e, d.p); err != nil {
		return ManagementKey{}, secret.Text{}, err
	}
	d.id, d.name = m.ID, m.Name
	row := ManagementRow{ManagementKey: m, Hash: key.HashOf(text.Reveal())}
	if err := a.store.Credentials.CreateManagementKey(ctx, row, act(a, d, managementFields(now), nil, &m)); isNotFound(err) {
		return ManagementKey{}, secret.Text{}, problem("user_id", noSuchUser) // deleted since the body was judged
	} else if err != nil {
		return ManagementKey{}, secret.Text{}, err
	}
	return m, text, nil
}

// settleManagementKey judges a management key once all of the body has been read.
func (a *Authority) settleManagementKey(ctx context.Context, e *edit[ManagementKey], p Principal) error {
	m := e.next
	if m.Name == "" && !e.failed("name") {
		e.fail("name", "is required")
	}
	if len(m.Permissions) == 0 && !e.failed("permissions") {
		e.fail("permissions", "is required: at least one pattern")
	}
	if e.current == nil {
		needs := managementCreateAny
		if p.owns(m.UserID) {
			needs = managementCreate
		}
		if !p.Can(needs) {
			return denied(needs)
		}
		if m.UserID != "" && !e.failed("user_id") {
			if _, err := a.store.Users.UserByID(ctx, p.organizationID, m.UserID); isNotFound(err) {
				e.fail("user_id", noSuchUser)
			} else if err != nil {
				return err
			}
		}
	}
	if err := e.err(); err != nil {
		return err
	}
	return p.canHand(m.Permissions, p.owns(m.UserID), "permissions")
}

// ManagementKeyByID is one management key. Kinds: not_found (also for one that the
// principal may not see), store_unavailable.
func (a *Authority) ManagementKeyByID(ctx context.Context, p Principal, id string) (ManagementKey, error) {
	d := deed{p: p, action: "management_key.get", kind: "management_key", id: id}
	row, err := a.reachManagementKey(ctx, p, id, managementRead)
	if err == nil && !p.owns(row.UserID) {
		d.name = row.Name
		err = a.note(ctx, a.event(d))
	}
	if err != nil {
		return ManagementKey{}, a.refused(ctx, d, err)
	}
	return row.ManagementKey, nil
}

// ListManagementKeys is one page, newest first, and how many there are in all. Who
// may not see everybody's gets their own. Kinds: permission_denied,
// validation_failed, store_unavailable.
func (a *Authority) ListManagementKeys(ctx context.Context, p Principal, f ManagementFilter) ([]ManagementKey, int, error) {
	d := deed{p: p, action: "management_key.list", kind: "management_key"}
	if f.UserID == "" && !p.Can(managementRead) {
		f.UserID = p.userID
	}
	if f.UserID == "" && !p.Can(managementRead) || !p.May(managementRead, f.UserID) {
		return nil, 0, a.refused(ctx, d, denied(managementRead))
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, a.refused(ctx, d, err)
	}
	if !p.owns(f.UserID) {
		if err := a.note(ctx, a.event(d)); err != nil {
			return nil, 0, err
		}
	}
	list, total, err := a.store.Credentials.ListManagementKeys(ctx, p.organizationID, f)
	return list, total, a.refused(ctx, d, followed(err))
}

// UpdateManagementKey lays body over the management key as it is (RFC 7396). It
// can be given no more than the principal holds. A positive expect is the version
// that the caller has seen; 0 is any. Kinds: as CreateManagementKey, and
// not_found, precondition_failed, version_conflict.
func (a *Authority) UpdateManagementKey(ctx context.Context, p Principal, id string, body []byte, expect int64) (ManagementKey, error) {
	d := deed{p: p, action: "management_key.update", kind: "management_key", id: id}
	list, err := members(body)
	if err != nil {
		return ManagementKey{}, a.refused(ctx, d, err)
	}
	m, err := a.changeManagementKey(ctx, d, managementUpdate, expect, func(m *ManagementKey) error {
		current := *m
		e := &edit[ManagementKey]{next: m, current: &current}
		e.apply(managementFields(a.instant()), list)
		return a.settleManagementKey(ctx, e, p)
	})
	return m, a.refused(ctx, d, err)
}

// RevokeManagementKey ends a management key for good; it stays in lists. The root
// key cannot be revoked. A positive expect is the version that the caller has seen;
// 0 is any. Kinds: permission_denied, not_found, validation_failed,
// idempotency_conflict, precondition_failed, version_conflict, store_unavailable.
func (a *Authority) RevokeManagementKey(ctx context.Context, p Principal, id string, expect int64) (ManagementKey, error) {
	d := deed{p: p, action: "management_key.revoke", kind: "management_key", id: id}
	m, _, err := once(ctx, a, d, nil, func(d deed) (ManagementKey, secret.Text, error) {
		m, err := a.changeManagementKey(ctx, d, managementUpdate, expect, func(m *ManagementKey) error {
			m.Status = StatusRevoked
			return nil
		})
		return m, secret.Text{}, err
	}, a.againManagementKey(ctx, p))
	return m, a.refused(ctx, d, err)
}

// DeleteManagementKey takes a management key away; the audit still names it. The
// root key cannot be deleted. A positive expect is the version that the caller has
// seen; 0 is any. Kinds: permission_denied, not_found, precondition_failed,
// validation_failed, store_unavailable.
func (a *Authority) DeleteManagementKey(ctx context.Context, p Principal, id string, expect int64) error {
	d := deed{p: p, action: "management_key.delete", kind: "management_key", id: id}
	row, err := a.reachManagementKey(ctx, p, id, managementDelete)
	if err == nil && row.Root {
		err = rootStays()
	}
	if err == nil {
		err = checkVersion(managementWhat, expect, row.Version)
	}
	if err == nil {
		d.name = row.Name
		done := act(a, d, managementFields(a.instant()), &row.ManagementKey, nil)
		err = absent(a.store.Credentials.DeleteManagementKey(ctx, p.organizationID, id, done), managementWhat, id)
	}
	return a.refused(ctx, d, err)
}

func (a *Authority) changeManagementKey(ctx context.Context, d deed, permission string, expect int64, change func(*ManagementKey) error) (ManagementKey, error) {
	var changed ManagementKey
	err := retry(ctx, managementWhat, func() error {
		before, err := a.reachManagementKey(ctx, d.p, d.id, permission)
		if err != nil {
			return err
		}
		d.name = before.Name
		if err := checkVersion(managementWhat, expect, before.Version); err != nil {
			return err
		}
		after := before
		if err := change(&after.ManagementKey); err != nil {
			return err
		}
		done := act(a, d, managementFields(a.instant()), &before.ManagementKey, &after.ManagementKey)
		if changed = before.ManagementKey; reflect.DeepEqual(before, after) && done.Replay.Key == "" {
			return a.note(ctx, done.Event)
		}
		if before.Root {
			return rootStays()
		}
		after.Version, after.UpdatedAt = before.Version+1, a.instant()
		changed = after.ManagementKey
		return absent(a.store.Credentials.UpdateManagementKey(ctx, after, done), managementWhat, d.id)
	})
	if err != nil {
		return ManagementKey{}, err
	}
	return changed, nil
}

// reachManagementKey is a management key to which p may do what permission says.
func (a *Authority) reachManagementKey(ctx context.Context, p Principal, id, permission string) (ManagementRow, error) {
	if p.organizationID == "" {
		return ManagementRow{}, denied(permission)
	}
	row, err := a.store.Credentials.ManagementKeyByID(ctx, p.organizationID, id)
	if err != nil {
		return ManagementRow{}, absent(err, managementWhat, id)
	}
	if err := p.reach(managementRead, permission, row.UserID, managementWhat, id); err != nil {
		return ManagementRow{}, err
	}
	return row, nil
}

func rootStays() error {
	return fault.New(fault.ValidationFailed,
		"The root key cannot be changed here: set TOLLGATE_ROOT_KEY and start the server again to replace it.")
}

// managementFields is the table of a management key.
func managementFields(now time.Time) []field[ManagementKey] {
	table := []field[ManagementKey]{
		textField("name", 1, 100, func(m *ManagementKey) *string { return &m.Name }),
		wordsField("permissions", func(m *ManagementKey) *[]string { return &m.Permissions }, permissionPattern),
		ownerOfManagementKey(),
		activeField(func(m *ManagementKey) *Status { return &m.Status }),
		instantField("expires_at", now, func(m *ManagementKey) *time.Time { return &m.ExpiresAt }),
		kept("key_prefix", "", func(m *ManagementKey) any { return m.Prefix }),
		kept("status", "send is_active, or revoke the key", func(m *ManagementKey) any { return string(m.Status) }),
	}
	for _, name := range []string{"id", "organization_id", "created_by", "created_at", "updated_at", "version"} {
		table = append(table, readOnly[ManagementKey](name, ""))
	}
	return table
}

// ownerOfManagementKey may only be set at creation.
func ownerOfManagementKey() field[ManagementKey] {
	f := textField("user_id", 0, 200, func(m *ManagementKey) *string { return &m.UserID })
	set := f.set
	f.set = func(e *edit[ManagementKey], raw jsontext.Value) string {
		problem := set(e, raw)
		if problem == "" && e.current != nil && e.next.UserID != e.current.UserID {
			return "cannot be changed; make a new key"
		}
		return problem
	}
	return f
}

var patternShape = regexp.MustCompile(`^!?(\*|[a-z][a-z0-9-]*\*?(:([a-z][a-z0-9-]*\*?|\*))*)$`)

func permissionPattern(s string) (string, string) {
	if len(s) > 200 || !patternShape.MatchString(s) {
		return "", "must be a permission like platform:api-keys:read, with * at the end of a segment or ! in front if wanted"
	}
	return s, ""
}
