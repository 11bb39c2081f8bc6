package authority

import (
	"context"
	"errors"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// AuthenticateManagement tells who acts with a key of the management API. It is
// key_invalid for every other key, one of the data plane included; for a right
// key key_revoked, key_disabled, key_expired, or owner_inactive when its user is
// disabled; and store_unavailable when the store cannot say. The store is not
// asked for what cannot be a key.
func (a *Authority) AuthenticateManagement(ctx context.Context, token string) (Principal, error) {
	p, err := a.whose(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}

// whose is whose management key token is. With an error the Principal only names
// the key, if it is known, and may do nothing.
func (a *Authority) whose(ctx context.Context, token string) (Principal, error) {
	hash := key.HashOf(token)
	if !a.plausible(token, hash) {
		return Principal{}, a.noManagementKey()
	}
	row, err := a.store.Management.ManagementKeyByHash(ctx, hash)
	if isNotFound(err) {
		return Principal{}, a.noManagementKey()
	}
	if err != nil {
		return Principal{}, err
	}
	p := Principal{organizationID: row.OrganizationID, id: row.ID, name: row.Name, userID: row.UserID}
	switch row.StatusAt(a.now()) {
	case StatusActive:
	case StatusRevoked:
		return p, fault.New(fault.KeyRevoked, "This management key was revoked. It will not work again; use another one.")
	case StatusExpired:
		return p, fault.New(fault.KeyExpired, "This management key expired at %s. Use another one.", row.ExpiresAt.Format(time.RFC3339))
	default:
		return p, fault.New(fault.KeyDisabled, "This management key is disabled. Ask whoever gave it to you to enable it.")
	}
	if row.UserID != "" {
		u, err := a.store.Users.UserByID(ctx, row.OrganizationID, row.UserID)
		switch {
		case err != nil:
			return p, orphan(err, row.ID)
		case u.Status != StatusActive:
			return p, fault.New(fault.OwnerInactive, "The user of this management key is disabled.")
		}
		p.role = rolePatterns(u.Role)
	}
	p.granted = row.Permissions
	return p, nil
}

// plausible reports whether token may be a management key. A root key that was
// given by configuration need not have check digits; until EnsureRoot has said
// which one that is, everything may be it.
func (a *Authority) plausible(token string, hash key.Hash) bool {
	root := a.root.Load()
	return key.Wellformed(token) || root == nil || hash == *root
}

func (a *Authority) noManagementKey() error {
	return fault.New(fault.KeyInvalid,
		"The management key is not valid. Management keys begin with %q; keys of the data plane do not work here.", a.managementPrefix)
}

// ManagementPrefix is what management keys begin with, for telling people.
func (a *Authority) ManagementPrefix() string { return a.managementPrefix }

// The length of a root key keeps it from being guessable.
const (
	minRootLen = 16
	maxRootLen = 256
)

// EnsureRoot makes the organisation and its root management key if there is none
// yet. A given key is used instead of a fresh one, and takes the place of the
// stored one if that differs. What was made and must be shown, once, is returned;
// it is zero when nothing was made.
func (a *Authority) EnsureRoot(ctx context.Context, given secret.Text) (made secret.Text, err error) {
	if err := checkRoot(given, a.managementPrefix); err != nil {
		return secret.Text{}, err
	}
	row, err := a.store.Management.RootKey(ctx)
	switch {
	case isNotFound(err):
		return a.install(ctx, given)
	case err != nil:
		return secret.Text{}, err
	case given.IsZero() || key.HashOf(given.Reveal()) == row.Hash:
		a.installed(row)
		return secret.Text{}, nil
	}
	before := row.ManagementKey
	row.Hash, row.Prefix, row.UpdatedAt = key.HashOf(given.Reveal()), key.Hint(given.Reveal()), a.instant()
	row.Version++
	d := deed{p: system(row.OrganizationID), action: "management_key.replace", kind: "management_key", id: row.ID, name: row.Name}
	if err := a.store.Credentials.UpdateManagementKey(ctx, row,
		act(a, d, managementFields(row.UpdatedAt), &before, &row.ManagementKey)); err != nil {
		return secret.Text{}, err
	}
	a.installed(row)
	return secret.Text{}, nil
}

// installed notes whose installation this is.
func (a *Authority) installed(root ManagementRow) {
	a.root.Store(&root.Hash)
	a.home.Store(&root.OrganizationID)
}

// Runs reports whether p is of the organisation that runs the installation: what
// all organisations have in common is for it alone to change.
func (a *Authority) Runs(p Principal) bool {
	home := a.home.Load()
	return home != nil && p.organizationID == *home
}

// system acts for the server itself.
func system(organizationID string) Principal {
	return Principal{organizationID: organizationID, id: "system", name: "Tollgate", granted: []string{"*"}}
}

func (a *Authority) install(ctx context.Context, given secret.Text) (made secret.Text, err error) {
	root := given
	if given.IsZero() {
		made = key.New(a.managementPrefix)
		root = made
	}
	now := a.instant()
	org := Organization{
		ID: newID("org_"), Name: "Default", Timezone: a.timezone, Status: StatusActive, ExpiredKeys: ExpiredDisable,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	row := ManagementRow{Hash: key.HashOf(root.Reveal()), ManagementKey: ManagementKey{
		ID: newID("mk_"), OrganizationID: org.ID, Name: "root", Root: true, Permissions: []string{"*"}, Status: StatusActive,
		Prefix: key.Hint(root.Reveal()), CreatedAt: now, UpdatedAt: now, Version: 1,
	}}
	d := deed{p: system(org.ID), action: "organization.create", kind: "organization", id: org.ID, name: org.Name}
	err = a.store.Management.Install(ctx, org, row, act(a, d, organizationFields(), nil, &org))
	if err != nil {
		return secret.Text{}, err
	}
	a.installed(row)
	return made, nil
}

func checkRoot(given secret.Text, prefix string) error {
	s := given.Reveal()
	if given.IsZero() || len(s) >= minRootLen && len(s) <= maxRootLen && strings.HasPrefix(s, prefix) {
		return nil
	}
	return fault.New(fault.ValidationFailed,
		"The root key must begin with %q and have %d to %d characters.", prefix, minRootLen, maxRootLen)
}

func isNotFound(err error) bool { return errors.Is(err, fault.NotFound) }

func isKind(err error, kind fault.Kind) bool { return errors.Is(err, kind) }
