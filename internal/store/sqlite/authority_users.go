package sqlite

import (
	"context"

	"tollgate/internal/authority"
)

// CreateUser implements authority.UserStore.
func (db *DB) CreateUser(ctx context.Context, u authority.User, act authority.Act) error {
	return db.create(ctx, "make the user", act, "users", userColumns(&u))
}

// UserByID implements authority.UserStore.
func (db *DB) UserByID(ctx context.Context, organizationID, id string) (authority.User, error) {
	var u authority.User
	err := db.one(ctx, "read the user", "users", userColumns(&u), "organization_id = ? AND id = ?", organizationID, id)
	return u, err
}

// UserByEmail implements authority.UserStore.
func (db *DB) UserByEmail(ctx context.Context, organizationID, email string) (authority.User, error) {
	var u authority.User
	err := db.one(ctx, "read the user", "users", userColumns(&u), "organization_id = ? AND email = ?", organizationID, email)
	return u, err
}

// UpdateUser implements authority.UserStore.
func (db *DB) UpdateUser(ctx context.Context, u authority.User, act authority.Act) error {
	return db.replace(ctx, "change the user", act, place{
		"users", userColumns(&u),
		"organization_id = ? AND id = ?",
		[]any{u.OrganizationID, u.ID},
		u.Version,
	}, nil)
}

// ListUsers implements authority.UserStore.
func (db *DB) ListUsers(ctx context.Context, organizationID string, f authority.UserFilter) ([]authority.User, int, error) {
	var where conditions
	where.add("organization_id = ?", organizationID)
	if f.Status != "" {
		where.add("status = ?", string(f.Status))
	}
	if f.Search != "" {
		where.add("instr(search_text, ?) > 0", authority.SearchText(f.Search))
	}
	return listPage(ctx, db, "list the users", "users", userColumns, where, f.Page, f.Size)
}

func userColumns(u *authority.User) []column {
	search := authority.SearchText(u.Name, u.Email)
	return append([]column{
		{"id", &u.ID},
		{"organization_id", &u.OrganizationID},
		{"email", &u.Email},
		{"name", &u.Name},
		{"search_text", &search},
		{"role", &u.Role},
		{"status", &u.Status},
		{"created_at", instant{&u.CreatedAt}},
		{"updated_at", instant{&u.UpdatedAt}},
		{"version", &u.Version},
	}, limitColumns(&u.Limits)...)
}
