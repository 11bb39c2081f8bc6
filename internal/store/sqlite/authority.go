package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/money"
)

// Authority is db as the authority's store.
func (db *DB) Authority() authority.Store {
	return authority.Store{
		Keys: db, KeyCare: db, Users: db, Organizations: db, Management: db, Credentials: db, Audit: db, Replays: db, Imports: db,
		Chatbots: db, ChatbotGrants: db, ChatbotNames: db,
		ProviderKeys: db, Verdicts: db,
	}
}

// OrganizationByID implements authority.OrganizationStore.
func (db *DB) OrganizationByID(ctx context.Context, id string) (authority.Organization, error) {
	var o authority.Organization
	err := db.one(ctx, "read the organization", "organizations", organizationColumns(&o), "id = ?", id)
	return o, err
}

// UpdateOrganization implements authority.OrganizationStore.
func (db *DB) UpdateOrganization(ctx context.Context, o authority.Organization, act authority.Act) error {
	return db.replace(ctx, "change the organization", act, place{
		"organizations", organizationColumns(&o),
		"id = ?",
		[]any{o.ID},
		o.Version,
	}, func(tx *sql.Tx) error {
		if o.Recoverable {
			return nil
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM sealed WHERE organization_id = ? AND field = ?", o.ID, authority.SealedField)
		return err
	})
}

// ManagementKeyByHash implements authority.ManagementStore.
func (db *DB) ManagementKeyByHash(ctx context.Context, h key.Hash) (authority.ManagementRow, error) {
	var row authority.ManagementRow
	err := db.one(ctx, "read the management key", "management_keys", managementColumns(&row), "hash = ?", hash{&h})
	return row, err
}

// RootKey implements authority.ManagementStore.
func (db *DB) RootKey(ctx context.Context) (authority.ManagementRow, error) {
	var row authority.ManagementRow
	err := db.one(ctx, "read the root key", "management_keys", managementColumns(&row),
		"is_root = 1 ORDER BY created_at, id LIMIT 1")
	return row, err
}

// Install implements authority.ManagementStore.
func (db *DB) Install(ctx context.Context, o authority.Organization, root authority.ManagementRow, act authority.Act) error {
	return db.changed(ctx, "install", act, func(tx *sql.Tx) error {
		organization, management := organizationColumns(&o), managementColumns(&root)
		_, err := tx.ExecContext(ctx, insertInto("organizations", organization), pointers(organization)...)
		if err == nil {
			_, err = tx.ExecContext(ctx, insertInto("management_keys", management), pointers(management)...)
		}
		return err
	})
}

// CreateManagementKey implements authority.ManagementKeyStore.
func (db *DB) CreateManagementKey(ctx context.Context, row authority.ManagementRow, act authority.Act) error {
	return db.changed(ctx, "make the management key", act, func(tx *sql.Tx) error {
		if err := belongs(ctx, tx, row.OrganizationID, row.UserID); err != nil {
			return err
		}
		columns := managementColumns(&row)
		_, err := tx.ExecContext(ctx, insertInto("management_keys", columns), pointers(columns)...)
		return err
	})
}

// ManagementKeyByID implements authority.ManagementKeyStore.
func (db *DB) ManagementKeyByID(ctx context.Context, organizationID, id string) (authority.ManagementRow, error) {
	var row authority.ManagementRow
	err := db.one(ctx, "read the management key", "management_keys", managementColumns(&row),
		"organization_id = ? AND id = ?", organizationID, id)
	return row, err
}

// ListManagementKeys implements authority.ManagementKeyStore.
func (db *DB) ListManagementKeys(ctx context.Context, organizationID string, f authority.ManagementFilter) ([]authority.ManagementKey, int, error) {
	var where conditions
	where.add("organization_id = ?", organizationID)
	if f.UserID != "" {
		where.add("user_id = ?", f.UserID)
	}
	const doing = "list the management keys"
	if f.After != "" {
		if err := db.following(ctx, doing, &where, "management_keys", organizationID, f.After); err != nil {
			return nil, 0, err
		}
		f.Page = 1
	}
	rows, total, err := listPage(ctx, db, doing, "management_keys", managementColumns, where, f.Page, f.Size)
	list := make([]authority.ManagementKey, len(rows))
	for i, row := range rows {
		list[i] = row.ManagementKey
	}
	return list, total, err
}

// UpdateManagementKey implements authority.ManagementKeyStore.
func (db *DB) UpdateManagementKey(ctx context.Context, row authority.ManagementRow, act authority.Act) error {
	return db.replace(ctx, "change the management key", act, place{
		"management_keys", managementColumns(&row),
		"organization_id = ? AND id = ?",
		[]any{row.OrganizationID, row.ID},
		row.Version,
	}, nil)
}

// DeleteManagementKey implements authority.ManagementKeyStore.
func (db *DB) DeleteManagementKey(ctx context.Context, organizationID, id string, act authority.Act) error {
	return db.changed(ctx, "delete the management key", act, func(tx *sql.Tx) error {
		return oneRow(tx.ExecContext(ctx, "DELETE FROM management_keys WHERE organization_id = ? AND id = ?", organizationID, id))
	})
}

// one reads the one row of table that matches, or fault.NotFound.
func (db *DB) one(ctx context.Context, doing, table string, columns []column, where string, args ...any) error {
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s", names(columns), table, where)
	err := db.read.QueryRowContext(ctx, query, args...).Scan(pointers(columns)...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", doing, fault.NotFound)
	}
	return Classify(err, doing)
}

// create inserts one row; a value that must be unique and is not is
// fault.NameTaken.
func (db *DB) create(ctx context.Context, doing string, act authority.Act, table string, columns []column) error {
	return db.changed(ctx, doing, act, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertInto(table, columns), pointers(columns)...)
		return err
	})
}

// place is a row that is to be replaced: the one that matches, if its version is
// the one before.
type place struct {
	table   string
	columns []column
	where   string
	args    []any
	version int64 // of the new row
}

// replace writes one row, and what then does. Otherwise it is
// fault.VersionConflict, or fault.NotFound if there is none at all.
func (db *DB) replace(ctx context.Context, doing string, act authority.Act, p place, then func(*sql.Tx) error) error {
	return db.changed(ctx, doing, act, func(tx *sql.Tx) error {
		err := replaceRow(ctx, tx, p)
		if err == nil && then != nil {
			err = then(tx)
		}
		return err
	})
}

// replaceRow is replace within a transaction.
func replaceRow(ctx context.Context, tx *sql.Tx, p place) error {
	query := updateSet(p.table, p.columns, p.where+" AND version = ?")
	result, err := tx.ExecContext(ctx, query, append(append(pointers(p.columns), p.args...), p.version-1)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var found int
	query = fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", p.table, p.where)
	if err := tx.QueryRowContext(ctx, query, p.args...).Scan(&found); err != nil {
		return err
	}
	if found == 0 {
		return fault.NotFound
	}
	return fault.VersionConflict
}

func taken(err error) error {
	if errors.Is(err, ErrTaken) {
		return fmt.Errorf("%w: %w", fault.NameTaken, err)
	}
	return err
}

func organizationColumns(o *authority.Organization) []column {
	return append([]column{
		{"id", &o.ID},
		{"name", &o.Name},
		{"timezone", &o.Timezone},
		{"status", &o.Status},
		{"default_input_price", half{&o.DefaultPrice, func(p *authority.DefaultPrice) *money.Price { return &p.Input }}},
		{"default_output_price", half{&o.DefaultPrice, func(p *authority.DefaultPrice) *money.Price { return &p.Output }}},
		{"max_keys_per_user", &o.MaxKeysPerUser},
		{"expired_keys", &o.ExpiredKeys},
		{"credential_fallback", &o.CredentialFallback},
		{"allow_key_in_query", &o.AllowKeyInQuery},
		{"recoverable", &o.Recoverable},
		{"created_at", instant{&o.CreatedAt}},
		{"updated_at", instant{&o.UpdatedAt}},
		{"version", &o.Version},
	}, limitColumns(&o.Limits)...)
}

func managementColumns(m *authority.ManagementRow) []column {
	return []column{
		{"id", &m.ID},
		{"organization_id", &m.OrganizationID},
		{"user_id", optional[string]{&m.UserID}},
		{"name", &m.Name},
		{"key_prefix", &m.Prefix},
		{"permissions", words{&m.Permissions}},
		{"is_root", &m.Root},
		{"hash", hash{&m.Hash}},
		{"status", &m.Status},
		{"expires_at", instant{&m.ExpiresAt}},
		{"created_by", &m.CreatedBy},
		{"created_at", instant{&m.CreatedAt}},
		{"updated_at", instant{&m.UpdatedAt}},
		{"version", &m.Version},
	}
}
