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
	return authority.Store{Keys: db, Users: db, Organizations: db, Management: db}
}

// OrganizationByID implements authority.OrganizationStore.
func (db *DB) OrganizationByID(ctx context.Context, id string) (authority.Organization, error) {
	var o authority.Organization
	err := db.one(ctx, "read the organization", "organizations", organizationColumns(&o), "id = ?", id)
	return o, err
}

// UpdateOrganization implements authority.OrganizationStore.
func (db *DB) UpdateOrganization(ctx context.Context, o authority.Organization) error {
	return db.replace(ctx, "change the organization", "organizations", organizationColumns(&o),
		"id = ?", []any{o.ID}, o.Version)
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
func (db *DB) Install(ctx context.Context, o authority.Organization, root authority.ManagementRow) error {
	return db.update(ctx, "install", func(tx *sql.Tx) error {
		organization, management := organizationColumns(&o), managementColumns(&root)
		_, err := tx.ExecContext(ctx, insertInto("organizations", organization), pointers(organization)...)
		if err == nil {
			_, err = tx.ExecContext(ctx, insertInto("management_keys", management), pointers(management)...)
		}
		return err
	})
}

// UpdateManagementKey implements authority.ManagementStore.
func (db *DB) UpdateManagementKey(ctx context.Context, row authority.ManagementRow) error {
	return db.update(ctx, "change the management key", func(tx *sql.Tx) error {
		columns := managementColumns(&row)
		result, err := tx.ExecContext(ctx, updateSet("management_keys", columns, "id = ?"), append(pointers(columns), row.ID)...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(fault.NotFound, err)
		}
		return nil
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
func (db *DB) create(ctx context.Context, doing, table string, columns []column) error {
	err := db.update(ctx, doing, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertInto(table, columns), pointers(columns)...)
		return err
	})
	return taken(err)
}

// replace writes the one row that matches, if its version is the one before
// version. Otherwise it is fault.VersionConflict, or fault.NotFound if there is
// none at all.
func (db *DB) replace(ctx context.Context, doing, table string, columns []column, where string, args []any, version int64) error {
	err := db.update(ctx, doing, func(tx *sql.Tx) error {
		query := updateSet(table, columns, where+" AND version = ?")
		result, err := tx.ExecContext(ctx, query, append(append(pointers(columns), args...), version-1)...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var found int
		query = fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", table, where)
		if err := tx.QueryRowContext(ctx, query, args...).Scan(&found); err != nil {
			return err
		}
		if found == 0 {
			return fault.NotFound
		}
		return fault.VersionConflict
	})
	return taken(err)
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
		{"created_at", instant{&o.CreatedAt}},
		{"updated_at", instant{&o.UpdatedAt}},
		{"version", &o.Version},
	}, limitColumns(&o.Limits)...)
}

func managementColumns(m *authority.ManagementRow) []column {
	return []column{
		{"id", &m.ID},
		{"organization_id", &m.OrganizationID},
		{"name", &m.Name},
		{"key_prefix", &m.Prefix},
		{"permissions", words{&m.Permissions}},
		{"is_root", &m.Root},
		{"hash", hash{&m.Hash}},
		{"created_at", instant{&m.CreatedAt}},
		{"updated_at", instant{&m.UpdatedAt}},
	}
}
