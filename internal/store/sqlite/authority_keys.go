package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// CreateKey implements authority.KeyStore.
func (db *DB) CreateKey(ctx context.Context, row authority.KeyRow, most *int64, act authority.Act) error {
	return db.changed(ctx, "make the key", act, func(tx *sql.Tx) error {
		if err := belongs(ctx, tx, row.OrganizationID, row.UserID); err != nil {
			return err
		}
		if most != nil {
			var have int64
			err := tx.QueryRowContext(ctx, `SELECT count(*) FROM api_keys
				WHERE organization_id = ? AND user_id = ? AND deleted_at IS NULL AND status <> 'revoked'`,
				row.OrganizationID, row.UserID).Scan(&have)
			if err != nil {
				return err
			}
			if have >= *most {
				return fault.KeyQuotaReached
			}
		}
		columns := keyColumns(&row)
		if _, err := tx.ExecContext(ctx, insertInto("api_keys", columns), pointers(columns)...); err != nil {
			return err
		}
		if row.InitialBalance != nil {
			spent, err := spentBefore(ctx, tx, row.ID)
			if err == nil {
				err = openBalance(ctx, tx, firstGrant(&row, act.Event.ActorID), spent)
			}
			if err != nil {
				return err
			}
		}
		for i := range row.Grants {
			if err := insertGrant(ctx, tx, &row.Grants[i]); err != nil {
				return err
			}
		}
		if err := writeSecrets(ctx, tx, &row); err != nil || row.Import == nil {
			return err
		}
		return writeImport(ctx, tx, &row)
	})
}

// KeyByID implements authority.KeyStore.
func (db *DB) KeyByID(ctx context.Context, organizationID, id string) (authority.KeyRow, error) {
	return db.key(ctx, "read the key", nil, "organization_id = ? AND id = ? AND deleted_at IS NULL", organizationID, id)
}

// KeyByHash implements authority.KeyStore.
func (db *DB) KeyByHash(ctx context.Context, h key.Hash) (authority.KeyRow, error) {
	grants := func(row *authority.KeyRow) column { return column{keyGrants, grantList{row}} }
	return db.key(ctx, "look up the key", grants,
		"id = (SELECT key_id FROM api_key_secrets WHERE hash = ?) AND deleted_at IS NULL", hash{&h})
}

func (db *DB) key(ctx context.Context, doing string, more func(*authority.KeyRow) column, where string, args ...any) (authority.KeyRow, error) {
	var row authority.KeyRow
	columns := append(keyColumns(&row), column{balanceMax, &row.BalanceMax})
	if more != nil {
		columns = append(columns, more(&row))
	}
	if err := db.one(ctx, doing, "api_keys", columns, where, args...); err != nil {
		return authority.KeyRow{}, err
	}
	return row, db.fillSecrets(ctx, doing, &row)
}

// UpdateKey implements authority.KeyStore.
func (db *DB) UpdateKey(ctx context.Context, row authority.KeyRow, act authority.Act) error {
	if !row.DeletedAt.IsZero() {
		row.Secrets, row.Hashes = nil, nil
	}
	return db.replace(ctx, "change the key", act, place{
		"api_keys", keyColumns(&row),
		"organization_id = ? AND id = ? AND deleted_at IS NULL",
		[]any{row.OrganizationID, row.ID},
		row.Version,
	},
		func(tx *sql.Tx) error { return writeSecrets(ctx, tx, &row) })
}

// ListKeys implements authority.KeyStore.
func (db *DB) ListKeys(ctx context.Context, organizationID string, f authority.KeyFilter, now time.Time) ([]authority.Key, int, error) {
	const doing = "list the keys"
	where := keyConditions(organizationID, f, now)
	if f.After != "" {
		if err := db.following(ctx, doing, &where, "api_keys", organizationID, f.After); err != nil {
			return nil, 0, err
		}
		f.Page = 1
	}
	rows, total, err := listPage(ctx, db, doing, "api_keys", keyColumns, where, f.Page, f.Size)
	if err != nil {
		return nil, 0, err
	}
	at := make([]*authority.KeyRow, len(rows))
	for i := range rows {
		at[i] = &rows[i]
	}
	if err := db.fillSecrets(ctx, doing, at...); err != nil {
		return nil, 0, err
	}
	keys := make([]authority.Key, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	return keys, total, nil
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
		where.tag(f.Tag)
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

// tag asks for rows with a tag, by the text of the list: reading JSON takes several
// times longer. Inside of text a quotation mark stands behind a backslash, so one
// that follows a comma or the bracket begins an entry, or ends one that ends in such
// a character; and then comes another comma or bracket, with which the tag must not
// begin. Those that do are looked for in the list as it is read.
func (c *conditions) tag(tag string) {
	if strings.HasPrefix(tag, ",") || strings.HasPrefix(tag, "]") {
		c.add("json_valid(tags) AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag)
		return
	}
	entry := quoted(tag)
	c.add("(instr(tags, ?) > 0 OR instr(tags, ?) = 1)", ","+entry, "["+entry)
}

// quoted is a word as it stands in a JSON column.
func quoted(word string) string {
	list, _ := encode([]string{word}) // text is always JSON
	text, _ := list.(string)
	return strings.Trim(text, "[]")
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
		{"key_prefix", &k.Prefix},
		{"status", &k.Status},
		{"disabled_by", optional[string]{&k.DisabledBy}},
		{"revoked_by", optional[string]{&k.RevokedBy}},
		{"revoked_at", instant{&k.RevokedAt}},
		{"revoke_reason", &k.RevokeReason},
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
// at the same moment. A page that is not full tells the number by itself: a search
// that finds little looks through the table once.
func listPage[T any](ctx context.Context, db *DB, doing, table string, columns func(*T) []column,
	where conditions, page, size int,
) ([]T, int, error) {
	return listOrdered(ctx, db, doing, table, columns, where, "created_at DESC, id DESC", page, size)
}

// listOrdered is listPage in another order.
func listOrdered[T any](ctx context.Context, db *DB, doing, table string, columns func(*T) []column,
	where conditions, order string, page, size int,
) ([]T, int, error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	from := fmt.Sprintf("FROM %s WHERE %s", table, strings.Join(where.terms, " AND "))
	query := fmt.Sprintf("SELECT %s %s ORDER BY %s LIMIT ? OFFSET ?", names(columns(new(T))), from, order)
	rows, err := tx.QueryContext(ctx, query, append(slices.Clip(where.args), size, (page-1)*size)...)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	list, err := scanAll(rows, columns)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	if n := len(list); n < size && (n > 0 || page == 1) {
		return list, (page-1)*size + n, nil
	}
	var total int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) "+from, where.args...).Scan(&total); err != nil {
		return nil, 0, Classify(err, doing)
	}
	return list, total, nil
}

// following narrows a list, newest first, to what comes after the row with this id,
// be it a tombstone; fault.NotFound if there is none. What was seen is left out of
// the count as well: it is what is left.
func (db *DB) following(ctx context.Context, doing string, where *conditions, table, organizationID, id string) error {
	var created int64
	err := db.one(ctx, doing, table, []column{{"created_at", &created}}, "organization_id = ? AND id = ?", organizationID, id)
	where.add("(created_at, id) < (?, ?)", created, id)
	return err
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
