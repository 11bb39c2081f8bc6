package sqlite

import (
	"context"
	"database/sql"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// CreateUser implements authority.UserStore.
func (db *DB) CreateUser(ctx context.Context, u authority.User, act authority.Act) error {
	return db.create(ctx, "make the user", act, "users", userColumns(&u))
}

// UserByID implements authority.UserStore.
func (db *DB) UserByID(ctx context.Context, organizationID, id string) (authority.User, error) {
	var u authority.User
	err := db.one(ctx, "read the user", "users", userColumns(&u), liveUser, organizationID, id)
	return u, err
}

// UserByEmail implements authority.ImportStore.
func (db *DB) UserByEmail(ctx context.Context, organizationID, email string) (authority.User, error) {
	var u authority.User
	err := db.one(ctx, "read the user", "users", userColumns(&u), "organization_id = ? AND email = ? AND deleted_at IS NULL", organizationID, email)
	return u, err
}

// UpdateUser implements authority.UserStore.
func (db *DB) UpdateUser(ctx context.Context, u authority.User, keep string, act authority.Act) error {
	return db.replace(ctx, "change the user", act, place{
		"users", userColumns(&u), liveUser, []any{u.OrganizationID, u.ID}, u.Version,
	}, func(tx *sql.Tx) error { return keepRole(ctx, tx, &u, keep) })
}

const liveUser = "organization_id = ? AND id = ? AND deleted_at IS NULL"

// DeleteUser implements authority.UserStore.
func (db *DB) DeleteUser(ctx context.Context, u authority.User, keep string, act authority.Act, estate authority.Estate) error {
	return db.replace(ctx, "delete the user", act, place{
		"users", userColumns(&u), liveUser, []any{u.OrganizationID, u.ID}, u.Version,
	}, func(tx *sql.Tx) error {
		if err := keepRole(ctx, tx, &u, keep); err != nil {
			return err
		}
		if err := db.endKeys(ctx, tx, &u, estate.Key); err != nil {
			return err
		}
		if err := endChatbots(ctx, tx, &u, estate.Chatbot); err != nil {
			return err
		}
		if err := endCredentials(ctx, tx, &u, estate.Credential); err != nil {
			return err
		}
		return endManagementKeys(ctx, tx, &u, estate.Management)
	})
}

// endKeys writes a tombstone in the place of each key of u that is alive.
func (db *DB) endKeys(ctx context.Context, tx *sql.Tx, u *authority.User, end func(authority.KeyRow) (authority.KeyRow, authority.Act)) error {
	found, err := tx.QueryContext(ctx, "SELECT "+names(keyColumns(new(authority.KeyRow)))+
		" FROM api_keys WHERE organization_id = ? AND user_id = ? AND deleted_at IS NULL ORDER BY id", u.OrganizationID, u.ID)
	if err != nil {
		return err
	}
	rows, err := scanAll(found, keyColumns)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := fillSecrets(ctx, tx, &row); err != nil {
			return err
		}
		after, act := end(row)
		columns := keyColumns(&after)
		if _, err := tx.ExecContext(ctx, updateSet("api_keys", columns, "id = ?"), append(pointers(columns), after.ID)...); err != nil {
			return err
		}
		if err := writeSecrets(ctx, tx, &after); err != nil {
			return err
		}
		if err := record(ctx, tx, act); err != nil {
			return err
		}
	}
	return nil
}

// endManagementKeys takes the management keys of u away.
func endManagementKeys(ctx context.Context, tx *sql.Tx, u *authority.User, end func(authority.ManagementRow) authority.Act) error {
	found, err := tx.QueryContext(ctx, "SELECT "+names(managementColumns(new(authority.ManagementRow)))+
		" FROM management_keys WHERE organization_id = ? AND user_id = ? ORDER BY id", u.OrganizationID, u.ID)
	if err != nil {
		return err
	}
	rows, err := scanAll(found, managementColumns)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := tx.ExecContext(ctx, "DELETE FROM management_keys WHERE id = ?", row.ID); err != nil {
			return err
		}
		if err := record(ctx, tx, end(row)); err != nil {
			return err
		}
	}
	return nil
}

// belongs is fault.NotFound unless a user is one of the organisation; "" is nobody.
func belongs(ctx context.Context, tx *sql.Tx, organizationID, userID string) error {
	if userID == "" {
		return nil
	}
	var n int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE "+liveUser, organizationID, userID).Scan(&n)
	if err == nil && n == 0 {
		err = fault.NotFound
	}
	return err
}

// keepRole is fault.LastOwner unless an active user other than u has the role; ""
// need not be kept.
func keepRole(ctx context.Context, tx *sql.Tx, u *authority.User, role string) error {
	if role == "" {
		return nil
	}
	var others int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE organization_id = ? AND id <> ? AND role = ? AND status = 'active' AND deleted_at IS NULL`,
		u.OrganizationID, u.ID, role).Scan(&others)
	if err == nil && others == 0 {
		err = fault.LastOwner
	}
	return err
}

// ListUsers implements authority.UserStore.
func (db *DB) ListUsers(ctx context.Context, organizationID string, f authority.UserFilter) ([]authority.User, int, error) {
	var where conditions
	where.add("organization_id = ? AND deleted_at IS NULL", organizationID)
	if f.Status != "" {
		where.add("status = ?", string(f.Status))
	}
	if f.Search != "" {
		where.add("instr(search_text, ?) > 0", authority.SearchText(f.Search))
	}
	const doing = "list the users"
	if f.After != "" {
		if err := db.following(ctx, doing, &where, "users", organizationID, f.After); err != nil {
			return nil, 0, err
		}
		f.Page = 1
	}
	return listPage(ctx, db, doing, "users", userColumns, where, f.Page, f.Size)
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
		{"deleted_at", instant{&u.DeletedAt}},
		{"version", &u.Version},
	}, limitColumns(&u.Limits)...)
}
