package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/key"
)

// CreateKey implements authority.KeyStore.
func (db *DB) CreateKey(ctx context.Context, row authority.KeyRow) error {
	return db.create(ctx, "make the key", "api_keys", keyColumns(&row))
}

// KeyByID implements authority.KeyStore.
func (db *DB) KeyByID(ctx context.Context, organizationID, id string) (authority.KeyRow, error) {
	var row authority.KeyRow
	err := db.one(ctx, "read the key", "api_keys", keyColumns(&row),
		"organization_id = ? AND id = ? AND deleted_at IS NULL", organizationID, id)
	return row, err
}

// KeyByHash implements authority.KeyStore.
func (db *DB) KeyByHash(ctx context.Context, h key.Hash) (authority.KeyRow, error) {
	var row authority.KeyRow
	err := db.one(ctx, "look up the key", "api_keys", keyColumns(&row), "hash = ? AND deleted_at IS NULL", hash{&h})
	return row, err
}

// UpdateKey implements authority.KeyStore.
func (db *DB) UpdateKey(ctx context.Context, row authority.KeyRow) error {
	if !row.DeletedAt.IsZero() {
		row.Hash = key.Hash{}
	}
	return db.replace(ctx, "change the key", "api_keys", keyColumns(&row),
		"organization_id = ? AND id = ? AND deleted_at IS NULL", []any{row.OrganizationID, row.ID}, row.Version)
}

// ListKeys implements authority.KeyStore.
func (db *DB) ListKeys(ctx context.Context, organizationID string, f authority.KeyFilter, now time.Time) ([]authority.Key, int, error) {
	rows, total, err := listPage(ctx, db, "list the keys", "api_keys", keyColumns,
		keyConditions(organizationID, f, now), f.Page, f.Size)
	keys := make([]authority.Key, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	return keys, total, err
}

func keyConditions(organizationID string, f authority.KeyFilter, now time.Time) conditions {
	var where conditions
	where.add("organization_id = ? AND deleted_at IS NULL", organizationID)
	if f.UserID != "" {
		where.add("user_id = ?", f.UserID)
	}
	if f.IsActive != nil {
		where.add("(status = 'active') = ?", *f.IsActive)
	}
	if f.Kind != "" {
		where.add("kind = ?", string(f.Kind))
	}
	if f.Tag != "" {
		where.add("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", f.Tag)
	}
	switch f.Status {
	case "":
	case authority.StatusExpired:
		where.add("status = 'active' AND expires_at <= ?", now.UnixMilli())
	case authority.StatusActive:
		where.add("status = 'active' AND (expires_at IS NULL OR expires_at > ?)", now.UnixMilli())
	default:
		where.add("status = ?", string(f.Status))
	}
	if f.Search != "" {
		where.add("instr(search_text, ?) > 0", authority.SearchText(f.Search))
	}
	return where
}

func keyColumns(k *authority.KeyRow) []column {
	search := authority.SearchText(k.Name, k.Description)
	return append([]column{
		{"id", &k.ID},
		{"organization_id", &k.OrganizationID},
		{"user_id", optional[string]{&k.UserID}},
		{"kind", &k.Kind},
		{"name", &k.Name},
		{"description", &k.Description},
		{"search_text", &search},
		{"tags", words{&k.Tags}},
		{"hash", hash{&k.Hash}},
		{"key_prefix", &k.Prefix},
		{"status", &k.Status},
		{"expires_at", instant{&k.ExpiresAt}},
		{"auto_delete_on_expiry", &k.AutoDeleteOnExpiry},
		{"scopes", words{&k.Scopes}},
		{"permissions", flags{&k.Permissions}},
		{"allowed_models", words{&k.AllowedModels}},
		{"allowed_endpoints", words{&k.AllowedEndpoints}},
		{"allowed_ips", words{&k.AllowedIPs}},
		{"allowed_chatbots", words{&k.AllowedChatbots}},
		{"allowed_providers", words{&k.AllowedProviders}},
		{"allowed_api_formats", words{&k.AllowedAPIFormats}},
		{"created_at", instant{&k.CreatedAt}},
		{"updated_at", instant{&k.UpdatedAt}},
		{"deleted_at", instant{&k.DeletedAt}},
		{"version", &k.Version},
	}, limitColumns(&k.Limits)...)
}

// conditions is a WHERE clause that grows; all of it must hold.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

// listPage reads one page of a table, newest first, and counts what matches, both
// at the same moment.
func listPage[T any](ctx context.Context, db *DB, doing, table string, columns func(*T) []column,
	where conditions, page, size int,
) ([]T, int, error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var total int
	from := fmt.Sprintf("FROM %s WHERE %s", table, strings.Join(where.terms, " AND "))
	if err := tx.QueryRowContext(ctx, "SELECT count(*) "+from, where.args...).Scan(&total); err != nil {
		return nil, 0, Classify(err, doing)
	}
	query := fmt.Sprintf("SELECT %s %s ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?", names(columns(new(T))), from)
	rows, err := tx.QueryContext(ctx, query, append(where.args, size, (page-1)*size)...)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	list, err := scanAll(rows, columns)
	return list, total, Classify(err, doing)
}

func scanAll[T any](rows *sql.Rows, columns func(*T) []column) ([]T, error) {
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var list []T
	for rows.Next() {
		var row T
		if err := rows.Scan(pointers(columns(&row))...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
