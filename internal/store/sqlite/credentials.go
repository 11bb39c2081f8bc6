package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
)

// CreateCredential implements authority.CredentialStore.
func (db *DB) CreateCredential(ctx context.Context, row authority.CredentialRow, act authority.Act) error {
	return db.changed(ctx, "make the credential", act, func(tx *sql.Tx) error {
		if err := belongs(ctx, tx, row.OrganizationID, row.UserID); err != nil {
			return err
		}
		if err := enthrone(ctx, tx, &row); err != nil {
			return err
		}
		columns := append(credentialColumns(&row), validationColumns(&row)...)
		if _, err := tx.ExecContext(ctx, insertInto("credentials", columns), pointers(columns)...); err != nil {
			return err
		}
		return writeSecretsOf(ctx, tx, &row)
	})
}

// enthrone takes the default from the credential that row takes it from. That
// another one is the default by now is a conflict: the audit would name the wrong
// one.
func enthrone(ctx context.Context, tx *sql.Tx, row *authority.CredentialRow) error {
	if !row.Default {
		return nil
	}
	const same = "organization_id = ? AND ifnull(user_id, '') = ? AND provider = ? AND is_default = 1 AND deleted_at IS NULL AND id <> ?"
	args := []any{row.OrganizationID, row.UserID, row.Provider, row.ID}
	var now string
	err := tx.QueryRowContext(ctx, "SELECT id FROM credentials WHERE "+same, args...).Scan(&now)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if now != row.Dethrones {
		return fault.VersionConflict
	}
	_, err = tx.ExecContext(ctx, "UPDATE credentials SET is_default = 0, version = version + 1, updated_at = ? WHERE "+same,
		append([]any{row.UpdatedAt.UnixMilli()}, args...)...)
	return err
}

// endCredentials writes a tombstone in the place of each credential of u.
func endCredentials(ctx context.Context, tx *sql.Tx, u *authority.User, end func(authority.CredentialRow) (authority.CredentialRow, authority.Act)) error {
	found, err := tx.QueryContext(ctx, "SELECT "+names(allCredentialColumns(new(authority.CredentialRow)))+
		" FROM credentials WHERE organization_id = ? AND user_id = ? AND deleted_at IS NULL ORDER BY id", u.OrganizationID, u.ID)
	if err != nil {
		return err
	}
	rows, err := scanAll(found, allCredentialColumns)
	if err != nil {
		return err
	}
	for _, row := range rows {
		after, act := end(row)
		columns := credentialColumns(&after)
		if _, err := tx.ExecContext(ctx, updateSet("credentials", columns, "id = ?"), append(pointers(columns), after.ID)...); err != nil {
			return err
		}
		if err := writeSecretsOf(ctx, tx, &after); err != nil {
			return err
		}
		if err := record(ctx, tx, act); err != nil {
			return err
		}
	}
	return nil
}

// writeSecretsOf stores the secrets of row that change, and takes away those that
// go.
func writeSecretsOf(ctx context.Context, tx *sql.Tx, row *authority.CredentialRow) error {
	if !row.DeletedAt.IsZero() {
		return wipeSealed(ctx, tx, row.ID)
	}
	for _, s := range row.Sealed {
		var err error
		if s.Ciphertext == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM sealed WHERE row_id = ? AND field = ?", s.RowID, s.Field)
		} else {
			err = writeSealed(ctx, tx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CredentialByID implements authority.CredentialStore.
func (db *DB) CredentialByID(ctx context.Context, organizationID, id string) (authority.CredentialRow, error) {
	rows, err := db.credentials(ctx, "read the credential", "organization_id = ? AND id = ? AND deleted_at IS NULL", organizationID, id)
	if err != nil || len(rows) == 0 {
		return authority.CredentialRow{}, cmp.Or(err, error(fault.NotFound))
	}
	return rows[0], nil
}

// UpdateCredential implements authority.CredentialStore.
func (db *DB) UpdateCredential(ctx context.Context, row authority.CredentialRow, act authority.Act) error {
	columns := credentialColumns(&row)
	if row.Unvalidated { // else what was learned is another transaction's to write
		columns = append(columns, validationColumns(&row)...)
	}
	return db.changed(ctx, "change the credential", act, func(tx *sql.Tx) error {
		if err := enthrone(ctx, tx, &row); err != nil {
			return err
		}
		if err := replaceRow(ctx, tx, place{
			"credentials", columns,
			"organization_id = ? AND id = ? AND deleted_at IS NULL",
			[]any{row.OrganizationID, row.ID},
			row.Version,
		}); err != nil {
			return err
		}
		return writeSecretsOf(ctx, tx, &row)
	})
}

// ListCredentials implements authority.CredentialStore.
func (db *DB) ListCredentials(ctx context.Context, organizationID string, f authority.CredentialFilter) ([]authority.Credential, int, error) {
	var where conditions
	where.add("organization_id = ? AND deleted_at IS NULL", organizationID)
	switch {
	case f.Ownerless:
		where.add("user_id IS NULL")
	case f.UserID != "":
		where.add("user_id = ?", f.UserID)
	}
	if f.Provider != "" {
		where.add("provider = ?", f.Provider)
	}
	if f.IsActive != nil {
		where.add("(status = 'active') = ?", *f.IsActive)
	}
	const doing = "list the credentials"
	if f.After != "" {
		var isDefault, lastAt int64
		if err := db.one(ctx, doing, usedCredentials, []column{{"is_default", &isDefault}, {"ifnull(last_at, -1)", &lastAt}},
			"organization_id = ? AND id = ?", organizationID, f.After); err != nil {
			return nil, 0, err
		}
		where.add("(-is_default, -ifnull(last_at, -1), id) > (?, ?, ?)", -isDefault, -lastAt, f.After)
		f.Page = 1
	}
	rows, total, err := listOrdered(ctx, db, doing, usedCredentials, allCredentialColumns, where, credentialOrder, f.Page, f.Size)
	list := make([]authority.Credential, len(rows))
	for i, row := range rows {
		list[i] = row.Credential
	}
	return list, total, err
}

// usedCredentials is credentials with what they were used for, and credentialOrder
// how they are listed.
const (
	usedCredentials = "credentials LEFT JOIN usage_totals ON subject = id"
	credentialOrder = "is_default DESC, last_at DESC NULLS LAST, id"
)

// CredentialsOf implements authority.CredentialStore.
func (db *DB) CredentialsOf(ctx context.Context, organizationID, userID string) ([]authority.CredentialRow, error) {
	return db.credentials(ctx, "look up the credentials",
		"organization_id = ? AND ifnull(user_id, '') = ? AND deleted_at IS NULL AND status = 'active' ORDER BY "+credentialOrder, organizationID, userID)
}

// credentials are those that match, with their secrets, all of one moment: a
// secret must not be sent where another one was to go.
func (db *DB) credentials(ctx context.Context, doing, where string, args ...any) ([]authority.CredentialRow, error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s", names(allCredentialColumns(new(authority.CredentialRow))), usedCredentials, where)
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	rows, err := scanAll(found, allCredentialColumns)
	if err != nil || len(rows) == 0 {
		return nil, Classify(err, doing)
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	sealed, err := sealedOf(ctx, tx, ids...)
	for i := range rows {
		rows[i].Sealed = sealed[rows[i].ID]
	}
	return rows, Classify(err, doing)
}

// SetValidation implements authority.VerdictStore.
func (db *DB) SetValidation(ctx context.Context, row authority.CredentialRow, e *authority.Event) (bool, error) {
	kept := false
	err := db.update(ctx, "keep the validation", func(tx *sql.Tx) error {
		columns := validationColumns(&row)
		result, err := tx.ExecContext(ctx, updateSet("credentials", columns, "organization_id = ? AND id = ? AND secret_id = ? AND deleted_at IS NULL"),
			append(pointers(columns), row.OrganizationID, row.ID, row.SecretID)...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if kept = n == 1; err != nil || !kept || e == nil {
			return err
		}
		return appendEvent(ctx, tx, *e)
	})
	return kept && err == nil, err
}

// DueCredentials implements authority.VerdictStore.
func (db *DB) DueCredentials(ctx context.Context, since time.Time, n int) ([]authority.CredentialRow, error) {
	return db.credentials(ctx, "look for credentials to check",
		"deleted_at IS NULL AND status = 'active' AND (checked_at IS NULL OR checked_at < ?) ORDER BY checked_at NULLS FIRST, id LIMIT ?", since.UnixMilli(), n)
}

func allCredentialColumns(c *authority.CredentialRow) []column {
	return append(credentialColumns(c), validationColumns(c)...)
}

func credentialColumns(c *authority.CredentialRow) []column {
	return append([]column{
		{"id", &c.ID},
		{"organization_id", &c.OrganizationID},
		{"user_id", optional[string]{&c.UserID}},
		{"provider", &c.Provider},
		{"provider_display_name", &c.DisplayName},
		{"key_name", &c.Name},
		{"secret_id", &c.SecretID},
		{"key_prefix", &c.Prefix},
		{"key_suffix", &c.Suffix},
		{"status", &c.Status},
		{"is_default", &c.Default},
		{"config", document[credential.Config]{&c.Config}},
		{"created_at", instant{&c.CreatedAt}},
		{"updated_at", instant{&c.UpdatedAt}},
		{"deleted_at", instant{&c.DeletedAt}},
		{"version", &c.Version},
	}, countedColumns(&c.Limits)...)
}

// validationColumns are what providers say of a credential.
func validationColumns(c *authority.CredentialRow) []column {
	v := &c.Validation
	return []column{
		{"validation_state", &v.State},
		{"validation_verdict", &v.Verdict},
		{"validation_code", &v.Code},
		{"checked_at", instant{&v.CheckedAt}},
		{"validated_at", instant{&v.ValidatedAt}},
	}
}
