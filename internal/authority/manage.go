package authority

import (
	"context"
	"errors"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// AuthenticateManagement tells who acts with a key of the management API. It is
// key_invalid for every other key, one of the data plane included, and
// store_unavailable when the store cannot say. The store is not asked for what
// cannot be a key.
func (a *Authority) AuthenticateManagement(ctx context.Context, token string) (Principal, error) {
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
	return Principal{row.OrganizationID, row.ID, row.Name, row.Permissions}, nil
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
		a.root.Store(&row.Hash)
		return secret.Text{}, nil
	}
	row.Hash, row.Prefix, row.UpdatedAt = key.HashOf(given.Reveal()), key.Hint(given.Reveal()), a.instant()
	if err := a.store.Management.UpdateManagementKey(ctx, row); err != nil {
		return secret.Text{}, err
	}
	a.root.Store(&row.Hash)
	return secret.Text{}, nil
}

func (a *Authority) install(ctx context.Context, given secret.Text) (made secret.Text, err error) {
	root := given
	if given.IsZero() {
		made = key.New(a.managementPrefix)
		root = made
	}
	now, hash := a.instant(), key.HashOf(root.Reveal())
	org := Organization{
		ID: newID("org_"), Name: "Default", Timezone: a.timezone, Status: StatusActive,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	err = a.store.Management.Install(ctx, org, ManagementRow{
		ID: newID("mk_"), OrganizationID: org.ID, Name: "root", Root: true, Permissions: []string{"*"},
		Hash: hash, Prefix: key.Hint(root.Reveal()), CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return secret.Text{}, err
	}
	a.root.Store(&hash)
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
