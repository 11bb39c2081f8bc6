package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// secretRow is one secret of a key.
type secretRow struct {
	authority.Secret
	organizationID, keyID string
	hash                  key.Hash
}

func secretColumns(s *secretRow) []column {
	return []column{
		{"id", &s.ID},
		{"organization_id", &s.organizationID},
		{"key_id", &s.keyID},
		{"hash", hash{&s.hash}},
		{"key_prefix", &s.Prefix},
		{"created_at", instant{&s.CreatedAt}},
		{"expires_at", instant{&s.ExpiresAt}},
		{"last_used_at", instant{&s.LastUsedAt}},
	}
}

// shownColumns are those of a secret that is read.
func shownColumns(s *secretRow) []column {
	return append(secretColumns(s), column{"EXISTS (SELECT 1 FROM sealed WHERE row_id = api_key_secrets.id)", &s.Recoverable})
}

// fillSecrets gives each of rows its secrets. They are read after the row: a key
// that is changed in between has another version by then, so nobody writes on the
// strength of what does not belong together.
func (db *DB) fillSecrets(ctx context.Context, doing string, rows ...*authority.KeyRow) error {
	return Classify(fillSecrets(ctx, db.read, rows...), doing)
}

func fillSecrets(ctx context.Context, q querier, rows ...*authority.KeyRow) error {
	byID := make(map[string]*authority.KeyRow, len(rows))
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
		ids = append(ids, row.ID)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	found, err := q.QueryContext(ctx, "SELECT "+names(shownColumns(new(secretRow)))+
		" FROM api_key_secrets WHERE key_id IN (SELECT value FROM json_each(?)) ORDER BY key_id, created_at DESC, id DESC", string(list))
	if err != nil {
		return err
	}
	secrets, err := scanAll(found, shownColumns)
	for _, s := range secrets {
		row := byID[s.keyID]
		row.Secrets = append(row.Secrets, s.Secret)
		row.Hashes = append(row.Hashes, s.hash)
	}
	return err
}

// writeSecrets makes the stored secrets of a key those of row; when they were last
// used stays as it is stored.
func writeSecrets(ctx context.Context, tx *sql.Tx, row *authority.KeyRow) error {
	ids := make([]string, len(row.Secrets))
	for i := range row.Secrets {
		s := secretRow{row.Secrets[i], row.OrganizationID, row.ID, row.Hashes[i]}
		ids[i] = s.ID
		columns := secretColumns(&s)
		_, err := tx.ExecContext(ctx, insertInto("api_key_secrets", columns)+
			" ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at", pointers(columns)...)
		if err != nil {
			return err
		}
	}
	if row.Sealed != nil {
		if err := writeSealedSecret(ctx, tx, *row.Sealed); err != nil {
			return err
		}
	}
	if row.Version == 1 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM api_key_secrets WHERE key_id = ? AND id NOT IN (SELECT value FROM json_each(?))",
			row.ID, string(list))
	}
	return err
}

// writeSealedSecret stores a sealed secret while its organisation wants that: it may
// have changed its mind since the secret was sealed.
func writeSealedSecret(ctx context.Context, tx *sql.Tx, s secret.Sealed) error {
	var wanted bool
	err := tx.QueryRowContext(ctx, "SELECT recoverable FROM organizations WHERE id = ?", s.OrganizationID).Scan(&wanted)
	if err != nil || !wanted {
		return err
	}
	return writeSealed(ctx, tx, s)
}

// SealedSecret implements authority.KeyCareStore.
func (db *DB) SealedSecret(ctx context.Context, organizationID, secretID string) (secret.Sealed, error) {
	const doing = "read a sealed secret"
	found, err := sealedOf(ctx, db.read, secretID)
	for _, s := range found[secretID] {
		if s.OrganizationID == organizationID && s.Field == authority.SealedField {
			return s, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%s: %w", doing, fault.NotFound)
	}
	return secret.Sealed{}, Classify(err, doing)
}

// TouchSecrets implements authority.KeyCareStore.
func (db *DB) TouchSecrets(ctx context.Context, uses []authority.SecretUse) error {
	return db.update(ctx, "keep when secrets were used", func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, "UPDATE api_key_secrets SET last_used_at = ? WHERE hash = ?")
		if err != nil {
			return err
		}
		for _, u := range uses {
			if _, err := statement.ExecContext(ctx, u.At.UnixMilli(), hash{&u.Hash}); err != nil {
				return err
			}
		}
		return statement.Close()
	})
}

// ExpiredKeys implements authority.KeyCareStore.
func (db *DB) ExpiredKeys(ctx context.Context, organizationID string, now time.Time, after string, n int) ([]authority.KeyRow, int, error) {
	const doing = "look for expired keys"
	const from = ` FROM api_keys WHERE deleted_at IS NULL AND (? = '' OR organization_id = ?) AND id > ? AND (
		expires_at <= ? AND (status = 'active' OR auto_delete_on_expiry = 1 OR auto_delete_on_expiry IS NULL
			AND (SELECT o.expired_keys FROM organizations o WHERE o.id = organization_id) = 'delete')
		OR id IN (SELECT key_id FROM api_key_secrets WHERE expires_at <= ?))`
	args := []any{organizationID, organizationID, after, now.UnixMilli(), now.UnixMilli()}
	var total int
	if err := db.read.QueryRowContext(ctx, "SELECT count(*)"+from, args...).Scan(&total); err != nil {
		return nil, 0, Classify(err, doing)
	}
	found, err := db.read.QueryContext(ctx,
		"SELECT "+names(keyColumns(new(authority.KeyRow)))+from+" ORDER BY id LIMIT ?", append(args, n)...)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	rows, err := scanAll(found, keyColumns)
	return rows, total, Classify(err, doing)
}

// PurgeKey implements authority.KeyCareStore.
func (db *DB) PurgeKey(ctx context.Context, organizationID, id string, act authority.Act) error {
	return db.changed(ctx, "purge the key", act, func(tx *sql.Tx) error {
		return oneRow(tx.ExecContext(ctx, "DELETE FROM api_keys WHERE organization_id = ? AND id = ?", organizationID, id))
	})
}

// oneRow is fault.NotFound for a statement that met no row.
func oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fault.NotFound, err)
	}
	return nil
}
