package authority

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"tollgate/internal/fault"
)

// CreateUser makes a user of the fields in body, a JSON object. Kinds:
// permission_denied, invalid_json, duplicate_field, validation_failed,
// name_taken (the email), store_unavailable.
func (a *Authority) CreateUser(ctx context.Context, p Principal, body []byte) (User, error) {
	if err := p.require(usersCreate); err != nil {
		return User{}, err
	}
	list, err := members(body)
	if err != nil {
		return User{}, err
	}
	u := User{Role: "member", Status: StatusActive}
	if err := editUser(&edit[User]{next: &u}, list); err != nil {
		return User{}, err
	}
	u.ID, u.OrganizationID, u.Version = newID("user_"), p.organizationID, 1
	u.CreatedAt = a.instant()
	u.UpdatedAt = u.CreatedAt
	if err := a.store.Users.CreateUser(ctx, u); err != nil {
		return User{}, emailTaken(err, u.Email)
	}
	return u, nil
}

// UserByID is one user. Kinds: permission_denied, not_found, store_unavailable.
func (a *Authority) UserByID(ctx context.Context, p Principal, id string) (User, error) {
	if err := p.require(usersRead); err != nil {
		return User{}, err
	}
	u, err := a.store.Users.UserByID(ctx, p.organizationID, id)
	return u, absent(err, "user", id)
}

// ListUsers is one page of the users that f lets through, newest first, and how
// many there are in all. Kinds: permission_denied, validation_failed,
// store_unavailable.
func (a *Authority) ListUsers(ctx context.Context, p Principal, f UserFilter) ([]User, int, error) {
	if err := p.require(usersRead); err != nil {
		return nil, 0, err
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, err
	}
	return a.store.Users.ListUsers(ctx, p.organizationID, f)
}

// UpdateUser lays body over the user as they are (RFC 7396). A positive expect is
// the version that the caller has seen; 0 is any. The change is in force for all
// of the user's keys when UpdateUser returns. Kinds: as CreateUser, and not_found,
// precondition_failed, version_conflict.
func (a *Authority) UpdateUser(ctx context.Context, p Principal, id string, body []byte, expect int64) (User, error) {
	if err := p.require(usersUpdate); err != nil {
		return User{}, err
	}
	list, err := members(body)
	if err != nil {
		return User{}, err
	}
	var changed User
	err = retry(ctx, "user", func() error {
		before, err := a.store.Users.UserByID(ctx, p.organizationID, id)
		if err != nil {
			return absent(err, "user", id)
		}
		if err := checkVersion("user", expect, before.Version); err != nil {
			return err
		}
		changed = before
		if err := editUser(&edit[User]{next: &changed, current: &before}, list); err != nil || reflect.DeepEqual(before, changed) {
			return err
		}
		changed.Version, changed.UpdatedAt = before.Version+1, a.instant()
		defer a.users.refresh(ctx, userRef{p.organizationID, id})
		return emailTaken(a.store.Users.UpdateUser(ctx, changed), changed.Email)
	})
	if err != nil {
		return User{}, err
	}
	return changed, nil
}

// userFields is the table of a user: every name that a body may carry.
func userFields() []field[User] {
	table := []field[User]{
		textField("email", 3, 254, func(u *User) *string { return &u.Email }),
		textField("name", 0, 100, func(u *User) *string { return &u.Name }),
		textField("role", 1, 50, func(u *User) *string { return &u.Role }),
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
