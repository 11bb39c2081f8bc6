package authority

import (
	"context"
	"errors"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// AuthenticateManagement tells who acts with a key of the management API. It is
// key_invalid for every other key, one of the data plane included, and
// store_unavailable when the store cannot say.
func (a *Authority) AuthenticateManagement(ctx context.Context, token string) (Principal, error) {
	row, err := a.store.Management.ManagementKeyByHash(ctx, key.HashOf(token))
	if isNotFound(err) {
		return Principal{}, fault.New(fault.KeyInvalid,
			"The management key is not valid. Management keys begin with %q; keys of the data plane do not work here.", key.ManagementPrefix)
	}
	if err != nil {
		return Principal{}, err
	}
	return Principal{row.OrganizationID, row.ID, row.Name, row.Permissions}, nil
}

// minRootLen keeps a root key from being guessable.
const minRootLen = 16

// EnsureRoot makes the organisation and its root management key if there is none
// yet. A given key is used instead of a fresh one, and takes the place of the
// stored one if that differs. What was made and must be shown, once, is returned;
// it is zero when nothing was made.
func (a *Authority) EnsureRoot(ctx context.Context, given secret.Text) (made secret.Text, err error) {
	if err := checkRoot(given); err != nil {
		return secret.Text{}, err
	}
	row, err := a.store.Management.RootKey(ctx)
	switch {
	case isNotFound(err):
		return a.install(ctx, given)
	case err != nil || given.IsZero() || key.HashOf(given.Reveal()) == row.Hash:
		return secret.Text{}, err
	}
	row.Hash, row.Prefix, row.UpdatedAt = key.HashOf(given.Reveal()), key.Hint(given.Reveal()), a.instant()
	return secret.Text{}, a.store.Management.UpdateManagementKey(ctx, row)
}

func (a *Authority) install(ctx context.Context, given secret.Text) (made secret.Text, err error) {
	root := given
	if given.IsZero() {
		made = key.New(key.ManagementPrefix)
		root = made
	}
	now := a.instant()
	org := Organization{
		ID: newID("org_"), Name: "Default", Timezone: a.timezone, Status: StatusActive,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	err = a.store.Management.Install(ctx, org, ManagementRow{
		ID: newID("mk_"), OrganizationID: org.ID, Name: "root", Root: true, Permissions: []string{"*"},
		Hash: key.HashOf(root.Reveal()), Prefix: key.Hint(root.Reveal()), CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return secret.Text{}, err
	}
	return made, nil
}

func checkRoot(given secret.Text) error {
	s := given.Reveal()
	if given.IsZero() || len(s) >= minRootLen && len(s) <= 256 && s[:len(key.ManagementPrefix)] == key.ManagementPrefix {
		return nil
	}
	return fault.New(fault.ValidationFailed,
		"The root key must begin with %q and have %d characters or more.", key.ManagementPrefix, minRootLen)
}

func isNotFound(err error) bool { return errors.Is(err, fault.NotFound) }
