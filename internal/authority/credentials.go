package authority

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Credential is a provider's credential that a user or the organisation has
// brought along, without its secrets. Treat its lists as read-only.
type Credential struct {
	ID             string // "cred_…"
	OrganizationID string
	UserID         string // whose it is; "" = the organisation's
	Provider       string // one of credential.Providers
	DisplayName    string // what people call the provider
	Name           string // unique for an owner and provider
	SecretID       string // "sec_…"; another one whenever one of its secrets, or where they are sent, changes
	Prefix, Suffix string // what of the secret may be shown
	Status         Status // active or disabled
	Default        bool   // the owner's one for the provider
	Config         credential.Config
	Validation     credential.Validation
	Limits         // without a budget: what it costs is on the provider's bill
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Version        int64 // 1 at creation, one more with each change; a validation is none
}

// draft is a credential with what a body says of its secrets.
type draft struct {
	Credential
	apiKey  secret.Text            // zero = it stays
	headers map[string]secret.Text // those that change; zero = it goes
}

// drafted is c as a table takes it; nil is nothing.
func drafted(c *Credential) *draft {
	if c == nil {
		return nil
	}
	return &draft{Credential: *c}
}

// IsActive reports whether requests may use it.
func (c Credential) IsActive() bool { return c.Status == StatusActive }

// CredentialFilter says which credentials to list. Zero fields filter nothing.
type CredentialFilter struct {
	Provider  string
	UserID    string
	Ownerless bool // only the organisation's
	IsActive  *bool
	After     string // the id of the last credential already seen; Page then means nothing
	Page      int    // from 1; 0 = 1
	Size      int    // 1–100; 0 = 10
}

// CredentialRow is a credential as it is stored.
type CredentialRow struct {
	Credential
	Sealed    []secret.Sealed // its secrets; of a row that is written, those that change, without a ciphertext where one goes
	Dethrones string          // of a row that is written: the credential that is the default until now; "" = none
	DeletedAt time.Time       // zero = alive
	// Unvalidated is, of a row that is written, that what was learned of it until
	// now means nothing any more.
	Unvalidated bool
}

// CredentialStore keeps credentials.
type CredentialStore interface {
	// CreateCredential makes a credential. Its user, if it has one, must be one of
	// the organisation, else it is fault.NotFound; it is fault.VersionConflict when row.Default
	// and another one than row.Dethrones is the default, or when a secret is sealed
	// with a key that is out of use.
	CreateCredential(ctx context.Context, row CredentialRow, act Act) error
	CredentialByID(ctx context.Context, organizationID, id string) (CredentialRow, error)
	// ListCredentials gives one page and how many there are in all: the defaults
	// first, then those that were used last, then by id. fault.NotFound when f.After
	// never was one.
	ListCredentials(ctx context.Context, organizationID string, f CredentialFilter) ([]Credential, int, error)
	// UpdateCredential replaces the row of the same id whose version is
	// row.Version−1, its validation only if row.Unvalidated, and takes the default
	// from row.Dethrones; see CreateCredential. A row with DeletedAt becomes a
	// tombstone and loses its secrets.
	UpdateCredential(ctx context.Context, row CredentialRow, act Act) error
	// CredentialsOf are an owner's active credentials with their secrets, in the
	// order of a list. userID "" is the organisation.
	CredentialsOf(ctx context.Context, organizationID, userID string) ([]CredentialRow, error)
}

const credentialWhat = "credential"

// CreateCredential makes a credential of the fields in body. It belongs to the
// principal's own user, or else to the organisation, unless body says otherwise.
// Kinds: permission_denied, invalid_json, duplicate_field, validation_failed,
// name_taken, idempotency_conflict, store_unavailable.
func (a *Authority) CreateCredential(ctx context.Context, p Principal, body []byte) (Credential, error) {
	d := deed{p: p, action: "credential.create", kind: "credential"}
	return a.onceCredential(ctx, d, body, func(d deed) (Credential, error) { return a.createCredential(ctx, d, body) })
}

// onceCredential is once for credentials, and keeps refusals.
func (a *Authority) onceCredential(ctx context.Context, d deed, body []byte, do func(deed) (Credential, error)) (Credential, error) {
	c, _, err := once(ctx, a, d, body, func(d deed) (Credential, secret.Text, error) {
		c, err := do(d)
		return c, secret.Text{}, err
	}, func(id string) (Credential, error) {
		row, err := a.reachCredential(ctx, d.p, id, credentialsRead)
		return row.Credential, err
	})
	return c, a.refused(ctx, d, err)
}

func (a *Authority) createCredential(ctx context.Context, d deed, body []byte) (Credential, error) {
	if !d.p.Can(credentialsCreate) && !d.p.Can(credentialsCreateAny) {
		return Credential{}, denied(credentialsCreate)
	}
	c, err := a.composeCredential(ctx, d.p, body)
	if err != nil {
		return Credential{}, err
	}
	c.ID, c.OrganizationID, c.CreatedAt, c.Version = newID("cred_"), d.p.organizationID, a.instant(), 1
	c.UpdatedAt = c.CreatedAt
	d.id, d.name = c.ID, c.Name
	var row CredentialRow
	err = retry(ctx, credentialWhat, func() error {
		row = CredentialRow{Credential: c.Credential}
		more, err := a.settle(ctx, &row, &c)
		if err != nil {
			return err
		}
		done := a.credentialAct(d, nil, &row.Credential, more)
		defer a.refreshWallet(ctx, c.OrganizationID, c.UserID)
		err = a.store.ProviderKeys.CreateCredential(ctx, row, done)
		return credentialTaken(absent(err, "user", c.UserID), &c.Credential)
	})
	return row.Credential, err
}

// settle seals what a body brought along, and finds whose place as the default a
// credential takes. What of that the audit shows is returned.
func (a *Authority) settle(ctx context.Context, row *CredentialRow, d *draft) ([]Change, error) {
	if err := a.settleSecrets(row, d); err != nil {
		return nil, err
	}
	return a.settleDefault(ctx, row)
}

// composeCredential is the credential that body asks for, or everything that is
// wrong with it.
func (a *Authority) composeCredential(ctx context.Context, p Principal, body []byte) (draft, error) {
	list, err := members(body)
	if err != nil {
		return draft{}, err
	}
	c := draft{Credential: Credential{Status: StatusActive}}
	e := &edit[draft]{next: &c}
	e.apply(a.credentialFields(), inOrder(list, "provider"))
	if !e.has("user_id") {
		c.UserID = p.userID
	}
	settleCredential(e, list)
	needs := credentialsCreateAny
	if p.owns(c.UserID) {
		needs = credentialsCreate
	}
	if !p.Can(needs) {
		return draft{}, denied(needs)
	}
	if c.UserID != "" && !e.failed("user_id") {
		if _, err := a.store.Users.UserByID(ctx, p.organizationID, c.UserID); isNotFound(err) {
			e.fail("user_id", "there is no such user")
		} else if err != nil {
			return draft{}, err
		}
	}
	return c, e.err()
}

// settleSecrets seals fresh secrets for their row.
func (a *Authority) settleSecrets(row *CredentialRow, d *draft) error {
	row.Sealed = nil
	seal := func(field string, text secret.Text) error {
		at := secret.Place{OrganizationID: row.OrganizationID, RowID: row.ID, Field: field}
		if text.IsZero() {
			row.Sealed = append(row.Sealed, secret.Sealed{Place: at})
			return nil
		}
		if a.sealer == nil {
			return errors.New("there is no keyset to seal a secret with")
		}
		s, err := a.sealer.Seal(at, text)
		row.Sealed = append(row.Sealed, s)
		return err
	}
	if !d.apiKey.IsZero() {
		row.Prefix, row.Suffix = credential.Hint(d.apiKey.Reveal())
		if err := seal(credential.APIKey, d.apiKey); err != nil {
			return err
		}
	}
	for name, value := range d.headers {
		if err := seal(credential.Headers+name, value); err != nil {
			return err
		}
	}
	if len(row.Sealed) > 0 {
		row.SecretID, row.Validation = newID("sec_"), credential.Validation{}
	}
	return nil
}

// settleDefault finds which credential loses being the default to row, and how
// the audit says that.
func (a *Authority) settleDefault(ctx context.Context, row *CredentialRow) ([]Change, error) {
	row.Dethrones = ""
	if !row.Default {
		return nil, nil
	}
	now, err := a.defaultOf(ctx, row.OrganizationID, row.UserID, row.Provider, false)
	switch {
	case isNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case now.ID == row.ID:
		return nil, nil
	}
	row.Dethrones = now.ID
	return []Change{{Field: "default_before", From: quoted(now.ID), To: quoted(row.ID)}}, nil
}

// defaultOf is the default credential of an owner for a provider, active or not.
// With any it is the first active one, the default before others.
func (a *Authority) defaultOf(ctx context.Context, organizationID, userID, provider string, any bool) (Credential, error) {
	f := CredentialFilter{Provider: provider, UserID: userID, Ownerless: userID == "", Page: 1, Size: 1}
	if any {
		active := true
		f.IsActive = &active
	}
	list, _, err := a.store.ProviderKeys.ListCredentials(ctx, organizationID, f)
	if err != nil {
		return Credential{}, err
	}
	if len(list) == 0 || !any && !list[0].Default {
		return Credential{}, fault.New(fault.NotFound, "There is no default credential for %s.", provider)
	}
	return list[0], nil
}

// credentialAct is what stands beside the change of a credential.
func (a *Authority) credentialAct(d deed, before, after *Credential, more []Change) Act {
	done := act(a, d, a.credentialFields(), drafted(before), drafted(after))
	if more != nil {
		done.Event.Changes = a.veil.changes(append(diff(a.credentialFields(), drafted(before), drafted(after)), more...))
	}
	return done
}

// CredentialByID is one credential. Kinds: not_found (also for one that the
// principal may not see), store_unavailable.
func (a *Authority) CredentialByID(ctx context.Context, p Principal, id string) (Credential, error) {
	d := deed{p: p, action: "credential.get", kind: "credential", id: id}
	row, err := a.reachCredential(ctx, p, id, credentialsRead)
	return a.shownCredential(ctx, d, row.Credential, err)
}

// DefaultCredential is an owner's default credential for a provider, if it is
// active; or, with any, the first active one. userID "" is the organisation.
// Kinds: permission_denied, not_found, validation_failed, store_unavailable.
func (a *Authority) DefaultCredential(ctx context.Context, p Principal, userID, provider string, any bool) (Credential, error) {
	d := deed{p: p, action: "credential.get", kind: "credential"}
	if !p.May(credentialsRead, userID) {
		return Credential{}, a.refused(ctx, d, denied(credentialsRead))
	}
	if !slices.Contains(credential.Providers(), provider) {
		return Credential{}, a.refused(ctx, d, problem("provider", "must be one of "+oneOf(credential.Providers())))
	}
	none := fault.New(fault.NotFound, "There is no active default credential for %s.", provider)
	c, err := a.defaultOf(ctx, p.organizationID, userID, provider, any)
	if isNotFound(err) || err == nil && !c.IsActive() {
		err = none
	}
	d.id = c.ID
	return a.shownCredential(ctx, d, c, err)
}

// shownCredential keeps that somebody else's was read, or that reading it was
// refused.
func (a *Authority) shownCredential(ctx context.Context, d deed, c Credential, err error) (Credential, error) {
	if err == nil && !d.p.owns(c.UserID) {
		d.name = c.Name
		err = a.note(ctx, a.event(d))
	}
	if err != nil {
		return Credential{}, a.refused(ctx, d, err)
	}
	return c, nil
}

// ListCredentials is one page of the credentials that f lets through: defaults
// first, then those used last. Who may not see everybody's gets their own. Kinds:
// permission_denied, validation_failed, store_unavailable.
func (a *Authority) ListCredentials(ctx context.Context, p Principal, f CredentialFilter) ([]Credential, int, error) {
	d := deed{p: p, action: "credential.list", kind: "credential"}
	if f.UserID == "" && !f.Ownerless && !p.Can(credentialsRead) {
		f.UserID = p.userID
	}
	if (f.UserID == "" || f.Ownerless) && !p.Can(credentialsRead) || !p.May(credentialsRead, f.UserID) {
		return nil, 0, a.refused(ctx, d, denied(credentialsRead))
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, a.refused(ctx, d, err)
	}
	if !p.owns(f.UserID) {
		if err := a.note(ctx, a.event(d)); err != nil {
			return nil, 0, err
		}
	}
	list, total, err := a.store.ProviderKeys.ListCredentials(ctx, p.organizationID, f)
	return list, total, a.refused(ctx, d, followed(err))
}

// reachCredential is a credential to which p may do what permission says.
func (a *Authority) reachCredential(ctx context.Context, p Principal, id, permission string) (CredentialRow, error) {
	if p.organizationID == "" {
		return CredentialRow{}, denied(permission)
	}
	row, err := a.store.ProviderKeys.CredentialByID(ctx, p.organizationID, id)
	if err != nil {
		return CredentialRow{}, absent(err, credentialWhat, id)
	}
	return row, p.reach(credentialsRead, permission, row.UserID, credentialWhat, id)
}

// UpdateCredential lays body over the credential as it is (RFC 7396). A changed
// secret is not validated yet. A positive expect is the version that the caller
// has seen; 0 is any. It is in force when UpdateCredential returns. Kinds: as
// CreateCredential, and not_found, precondition_failed, version_conflict.
func (a *Authority) UpdateCredential(ctx context.Context, p Principal, id string, body []byte, expect int64) (Credential, error) {
	d := deed{p: p, action: "credential.update", kind: "credential", id: id}
	c, err := a.mergeCredential(ctx, d, body, expect)
	return c, a.refused(ctx, d, err)
}

// SetDefaultCredential makes a credential its owner's default for its provider, in
// the place of the one that is. Kinds: as UpdateCredential.
func (a *Authority) SetDefaultCredential(ctx context.Context, p Principal, id string, expect int64) (Credential, error) {
	d := deed{p: p, action: "credential.set_default", kind: "credential", id: id}
	return a.onceCredential(ctx, d, nil, func(d deed) (Credential, error) {
		return a.mergeCredential(ctx, d, []byte(`{"is_default":true}`), expect)
	})
}

func (a *Authority) mergeCredential(ctx context.Context, d deed, body []byte, expect int64) (Credential, error) {
	list, err := members(body)
	if err != nil {
		return Credential{}, err
	}
	return a.rewriteCredential(ctx, d, credentialsUpdate, expect, func(row *CredentialRow) (*draft, error) {
		next := drafted(&row.Credential)
		e := &edit[draft]{next: next, current: drafted(&row.Credential)}
		e.apply(a.credentialFields(), list)
		settleCredential(e, list)
		row.Credential = next.Credential
		return next, e.err()
	})
}

// DeleteCredential takes a credential out of every list and wipes its secrets;
// usage and audit go on naming it. A positive expect is the version that the
// caller has seen. Kinds: permission_denied, not_found, precondition_failed,
// version_conflict, store_unavailable.
func (a *Authority) DeleteCredential(ctx context.Context, p Principal, id string, expect int64) error {
	d := deed{p: p, action: "credential.delete", kind: "credential", id: id}
	_, err := a.rewriteCredential(ctx, d, credentialsDelete, expect, func(row *CredentialRow) (*draft, error) {
		a.buryCredential(row)
		return &draft{}, nil
	})
	return a.refused(ctx, d, err)
}

func (a *Authority) buryCredential(row *CredentialRow) {
	row.DeletedAt, row.Default = a.instant(), false
}

// rewriteCredential reads a credential, changes it and stores it as one more
// version, unless the change changes nothing. What memory knows of its owner's
// credentials is forgotten before it returns.
func (a *Authority) rewriteCredential(ctx context.Context, d deed, permission string, expect int64, change func(*CredentialRow) (*draft, error)) (Credential, error) {
	var changed Credential
	err := retry(ctx, credentialWhat, func() error {
		before, err := a.reachCredential(ctx, d.p, d.id, permission)
		if err != nil {
			return err
		}
		d.name = before.Name
		if err := checkVersion(credentialWhat, expect, before.Version); err != nil {
			return err
		}
		after := before
		next, err := change(&after)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(before.Config, after.Config) {
			after.SecretID, after.Validation = newID("sec_"), credential.Validation{}
		}
		more, err := a.settle(ctx, &after, next)
		if err != nil {
			return err
		}
		done := a.credentialAct(d, &before.Credential, &after.Credential, more)
		after.Unvalidated = before.SecretID != after.SecretID
		if !after.Unvalidated && after.DeletedAt.IsZero() && reflect.DeepEqual(before.Credential, after.Credential) && done.Replay.Key == "" {
			changed = before.Credential
			return a.note(ctx, done.Event)
		}
		after.Version, after.UpdatedAt = before.Version+1, a.instant()
		changed = after.Credential
		defer a.refreshWallet(ctx, before.OrganizationID, before.UserID)
		err = a.store.ProviderKeys.UpdateCredential(ctx, after, done)
		return credentialTaken(absent(err, credentialWhat, d.id), &after.Credential)
	})
	if err != nil {
		return Credential{}, err
	}
	return changed, nil
}

func credentialTaken(err error, c *Credential) error {
	if !errors.Is(err, fault.NameTaken) {
		return err
	}
	e := fault.Wrap(fault.NameTaken, err, "There is a credential for %s called %q already.", c.Provider, c.Name)
	e.Param = "key_name"
	return e
}
