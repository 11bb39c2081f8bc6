package authority

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// CreateUser makes a user of the fields in body, a JSON object. The role can be
// none that holds more than the principal does. Kinds: permission_denied,
// escalation_denied, invalid_json, duplicate_field, validation_failed, name_taken
// (the email), idempotency_conflict, store_unavailable.
func (a *Authority) CreateUser(ctx context.Context, p Principal, body []byte) (User, error) {
	d := deed{p: p, action: "user.create", kind: "user"}
	u, _, err := once(ctx, a, d, body,
		func(d deed) (User, secret.Text, error) {
			u, err := a.createUser(ctx, d, body)
			return u, secret.Text{}, err
		},
		func(id string) (User, error) { return a.reachUser(ctx, p, id, usersRead) })
	return u, a.refused(ctx, d, err)
}

func (a *Authority) createUser(ctx context.Context, d deed, body []byte) (User, error) {
	if err := d.p.require(usersCreate); err != nil {
		return User{}, err
	}
	list, err := members(body)
	if err != nil {
		return User{}, err
	}
	u := User{Role: RoleUser, Status: StatusActive}
	if err := editUser(&edit[User]{next: &u}, list); err != nil {
		return User{}, err
	}
	if err := d.p.canHand(rolePatterns(u.Role), false, "role"); err != nil {
		return User{}, err
	}
	u.ID, u.OrganizationID, u.Version = newID("user_"), d.p.organizationID, 1
	u.CreatedAt = a.instant()
	u.UpdatedAt = u.CreatedAt
	d.id, d.name = u.ID, u.Email
	if err := a.store.Users.CreateUser(ctx, u, act(a, d, userFields(), nil, &u)); err != nil {
		return User{}, emailTaken(err, u.Email)
	}
	return u, nil
}

// UserByID is one user. Everybody may see themselves. Kinds: not_found (also for
// one that the principal may not see), store_unavailable.
func (a *Authority) UserByID(ctx context.Context, p Principal, id string) (User, error) {
	d := deed{p: p, action: "user.get", kind: "user", id: id}
	u, err := a.reachUser(ctx, p, id, usersRead)
	if err == nil && !p.owns(id) {
		d.name = u.Email
		err = a.note(ctx, a.event(d))
	}
	if err != nil {
		return User{}, a.refused(ctx, d, err)
	}
	return u, nil
}

// reachUser is a user to whom p may do what permission says; of themselves, p may
// only see.
func (a *Authority) reachUser(ctx context.Context, p Principal, id, permission string) (User, error) {
	switch {
	case p.organizationID == "":
		return User{}, denied(permission)
	case p.Can(permission), permission == usersRead && p.May(usersRead, id):
	case p.May(usersRead, id):
		return User{}, denied(permission)
	default:
		return User{}, notThere("user", id)
	}
	u, err := a.store.Users.UserByID(ctx, p.organizationID, id)
	return u, absent(err, "user", id)
}

// ListUsers is one page of the users that f lets through, newest first, and how
// many there are in all. Kinds: permission_denied, validation_failed,
// store_unavailable.
func (a *Authority) ListUsers(ctx context.Context, p Principal, f UserFilter) ([]User, int, error) {
	d := deed{p: p, action: "user.list", kind: "user"}
	if err := p.require(usersRead); err != nil {
		return nil, 0, a.refused(ctx, d, err)
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, a.refused(ctx, d, err)
	}
	if err := a.note(ctx, a.event(d)); err != nil {
		return nil, 0, err
	}
	list, total, err := a.store.Users.ListUsers(ctx, p.organizationID, f)
	return list, total, a.refused(ctx, d, followed(err))
}

// UpdateUser lays body over the user as they are (RFC 7396). Neither the role
// before nor the one after can hold more than the principal does. A positive
// expect is the version that the caller has seen; 0 is any. The change is in
// force for all of the user's keys when UpdateUser returns. The last active owner
// stays one. Kinds: as CreateUser, and not_found, last_owner, precondition_failed,
// version_conflict.
func (a *Authority) UpdateUser(ctx context.Context, p Principal, id string, body []byte, expect int64) (User, error) {
	d := deed{p: p, action: "user.update", kind: "user", id: id}
	list, err := members(body)
	if err != nil {
		return User{}, a.refused(ctx, d, err)
	}
	var changed User
	err = retry(ctx, "user", func() error {
		before, err := a.reachUser(ctx, p, id, usersUpdate)
		if err != nil {
			return err
		}
		d.name = before.Email
		if err := checkVersion("user", expect, before.Version); err != nil {
			return err
		}
		changed = before
		if err := editUser(&edit[User]{next: &changed, current: &before}, list); err != nil {
			return err
		}
		for _, role := range []string{before.Role, changed.Role} {
			if err := p.canHand(rolePatterns(role), false, "role"); err != nil {
				return err
			}
		}
		done := act(a, d, userFields(), &before, &changed)
		if reflect.DeepEqual(before, changed) {
			return a.note(ctx, done.Event)
		}
		changed.Version, changed.UpdatedAt = before.Version+1, a.instant()
		defer a.users.refresh(ctx, userRef{p.organizationID, id})
		return lastOwner(emailTaken(a.store.Users.UpdateUser(ctx, changed, keepOwner(&before, &changed), done), changed.Email))
	})
	if err != nil {
		return User{}, a.refused(ctx, d, err)
	}
	return changed, nil
}

// DeleteUser ends a user, their keys and their management keys, for good: what
// belonged to them works no more when DeleteUser returns. Their chatbots are
// disabled and belong to the organisation from then on. The email is free again;
// ledger and audit go on naming the user. The last active owner stays. A positive
// expect is the version that the caller has seen; 0 is any. Kinds:
// permission_denied, escalation_denied, not_found, last_owner,
// precondition_failed, version_conflict, store_unavailable.
func (a *Authority) DeleteUser(ctx context.Context, p Principal, id string, expect int64) error {
	d := deed{p: p, action: "user.delete", kind: "user", id: id}
	err := retry(ctx, "user", func() error {
		before, err := a.reachUser(ctx, p, id, usersDelete)
		if err != nil {
			return err
		}
		d.name = before.Email
		if err := checkVersion("user", expect, before.Version); err != nil {
			return err
		}
		if err := p.canHand(rolePatterns(before.Role), false, "role"); err != nil {
			return err
		}
		after := before
		after.Status, after.DeletedAt = StatusDisabled, a.instant()
		after.Version, after.UpdatedAt = before.Version+1, after.DeletedAt
		var dead []key.Hash
		var bots []Chatbot
		defer func() {
			a.refreshKey(ctx, dead)
			a.refreshChatbots(ctx, bots)
			a.users.refresh(ctx, userRef{p.organizationID, id})
			a.refreshWallet(ctx, p.organizationID, id)
		}()
		return lastOwner(absent(a.store.Users.DeleteUser(ctx, after, keepOwner(&before, &after),
			act(a, d, userFields(), &before, nil), a.estate(p, &dead, &bots)), "user", id))
	})
	return a.refused(ctx, d, err)
}

// estate ends what belongs to a user whom p deletes. The hashes of the keys go to
// dead, the chatbots to bots.
func (a *Authority) estate(p Principal, dead *[]key.Hash, bots *[]Chatbot) Estate {
	now := a.instant()
	return Estate{
		Key: func(before KeyRow) (KeyRow, Act) {
			*dead = append(*dead, before.Hashes...)
			after := before
			after.Version, after.UpdatedAt = before.Version+1, now
			a.bury(&after)
			d := deed{p: p, action: "api_key.delete", kind: "api_key", id: before.ID, name: before.Name}
			return after, act(a, d, keyFields(now), &before.Key, &after.Key)
		},
		Credential: func(before CredentialRow) (CredentialRow, Act) {
			after := before
			after.Version, after.UpdatedAt = before.Version+1, now
			a.buryCredential(&after)
			d := deed{p: p, action: "credential.delete", kind: "credential", id: before.ID, name: before.Name}
			return after, a.credentialAct(d, &before.Credential, &after.Credential, nil)
		},
		Management: func(m ManagementRow) Act {
			d := deed{p: p, action: "management_key.delete", kind: "management_key", id: m.ID, name: m.Name}
			return act(a, d, managementFields(now), &m.ManagementKey, nil)
		},
		Chatbot: func(before Chatbot) (Chatbot, Act) {
			*bots = append(*bots, before)
			after := before
			after.UserID, after.Status, after.DisabledBy = "", StatusDisabled, p.actor()
			after.Version, after.UpdatedAt = before.Version+1, now
			d := deed{p: p, action: "chatbot.update", kind: "chatbot", id: before.ID, name: before.Name}
			return after, act(a, d, a.chatbotFields(), &before, &after)
		},
	}
}

// keepOwner is the role that somebody else must have for before to become after:
// an organisation that has an owner who can act keeps one. "" = none.
func keepOwner(before, after *User) string {
	acts := func(u *User) bool { return u.Role == RoleOwner && u.Status == StatusActive }
	if acts(before) && !acts(after) {
		return RoleOwner
	}
	return ""
}

func lastOwner(err error) error {
	if !isKind(err, fault.LastOwner) {
		return err
	}
	return fault.Wrap(fault.LastOwner, err, "This is the only active owner of the organization. Make another one first.")
}

// userFields is the table of a user: every name that a body may carry.
func userFields() []field[User] {
	table := []field[User]{
		textField("email", 3, 254, func(u *User) *string { return &u.Email }),
		textField("name", 0, 100, func(u *User) *string { return &u.Name }),
		wordField("role", func(u *User) *string { return &u.Role }, RoleOwner, RoleAdmin, RoleAuditor, RoleDeveloper, RoleUser),
		wordField("status", func(u *User) *Status { return &u.Status }, StatusActive, StatusDisabled),
		activeField(func(u *User) *Status { return &u.Status }),
	}
	table = append(table, limitFields(func(u *User) *Limits { return &u.Limits })...)
	for _, name := range []string{"id", "organization_id", "created_at", "updated_at", "version"} {
		table = append(table, readOnly[User](name, ""))
	}
	return table
}

func editUser(e *edit[User], list []member) error {
	e.apply(userFields(), list)
	u := e.next
	u.Email = strings.ToLower(u.Email)
	if local, domain, ok := strings.Cut(u.Email, "@"); !e.failed("email") &&
		(!ok || local == "" || domain == "" || strings.ContainsAny(u.Email, " \t<>,;") || strings.Contains(domain, "@")) {
		e.fail("email", "must be an address like ada@example.com")
	}
	e.settleActive(list)
	e.settleBudget(&u.Limits)
	return e.err()
}

func emailTaken(err error, email string) error {
	if !errors.Is(err, fault.NameTaken) {
		return err
	}
	e := fault.Wrap(fault.NameTaken, err, "There is a user with the email %q already.", email)
	e.Param = "email"
	return e
}
