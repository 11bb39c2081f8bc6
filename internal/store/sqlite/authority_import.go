package sqlite

import (
	"context"
	"database/sql"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/key"
)

func importedColumns(i *authority.Imported) []column {
	return []column{
		{"source", &i.Source},
		{"source_id", &i.SourceID},
		{"key_id", &i.KeyID},
		{"fingerprint", digest{&i.Fingerprint}},
		{"at", instant{&i.At}},
	}
}

// writeImport writes where a key that is being made comes from.
func writeImport(ctx context.Context, tx *sql.Tx, row *authority.KeyRow) error {
	i := row.Import
	columns := append(importedColumns(&i.Imported), column{"organization_id", &row.OrganizationID})
	if _, err := tx.ExecContext(ctx, insertInto("imported_keys", columns), pointers(columns)...); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO foreign_secrets (secret_id, scheme, lookup, proof) VALUES (?, ?, ?, ?)",
		i.Secret.SecretID, string(i.Secret.Scheme), i.Secret.Lookup, blob(i.Secret.Proof))
	return err
}

// blob is b, or NULL for nil.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// ImportedKey implements authority.ImportStore.
func (db *DB) ImportedKey(ctx context.Context, organizationID, source, sourceID string) (authority.Imported, error) {
	var i authority.Imported
	err := db.one(ctx, "look for an imported row", "imported_keys", importedColumns(&i),
		"organization_id = ? AND source = ? AND source_id = ?", organizationID, source, sourceID)
	return i, err
}

// ForeignLookups implements authority.ImportStore.
func (db *DB) ForeignLookups(ctx context.Context, each func(authority.Scheme, []byte)) error {
	const doing = "read the imported secrets"
	rows, err := db.read.QueryContext(ctx, "SELECT scheme, substr(lookup, 1, 8) FROM foreign_secrets")
	if err != nil {
		return Classify(err, doing)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var scheme authority.Scheme
	var lookup sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&scheme, &lookup); err != nil {
			return Classify(err, doing)
		}
		each(scheme, lookup)
	}
	return Classify(rows.Err(), doing)
}

// ForeignSecrets implements authority.ImportStore.
func (db *DB) ForeignSecrets(ctx context.Context, scheme authority.Scheme, lookup []byte) ([]authority.ForeignSecret, error) {
	const doing = "look for an imported secret"
	rows, err := db.read.QueryContext(ctx, `SELECT k.organization_id, k.id, k.name, f.secret_id, f.scheme, f.lookup, f.proof
		FROM foreign_secrets f JOIN api_key_secrets s ON s.id = f.secret_id JOIN api_keys k ON k.id = s.key_id
		WHERE f.scheme = ? AND f.lookup = ? AND k.deleted_at IS NULL ORDER BY f.secret_id`, string(scheme), lookup)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var list []authority.ForeignSecret
	for rows.Next() {
		var f authority.ForeignSecret
		if err := rows.Scan(&f.OrganizationID, &f.KeyID, &f.KeyName, &f.SecretID, &f.Scheme, &f.Lookup, &f.Proof); err != nil {
			return nil, Classify(err, doing)
		}
		list = append(list, f)
	}
	return list, Classify(rows.Err(), doing)
}

// AdoptSecret implements authority.ImportStore.
func (db *DB) AdoptSecret(ctx context.Context, s authority.ForeignSecret, h key.Hash, now time.Time, act authority.Act) error {
	return db.changed(ctx, "adopt an imported secret", act, func(tx *sql.Tx) error {
		err := oneRow(tx.ExecContext(ctx, `UPDATE foreign_secrets SET scheme = ?, lookup = ?, proof = NULL
			WHERE secret_id = ? AND scheme = ? AND lookup = ? AND proof IS ?`,
			string(authority.SchemeSHA256), h[:8], s.SecretID, string(s.Scheme), s.Lookup, blob(s.Proof)))
		if err == nil {
			err = oneRow(tx.ExecContext(ctx, "UPDATE api_key_secrets SET hash = ? WHERE id = ?", hash{&h}, s.SecretID))
		}
		if err == nil {
			err = oneRow(tx.ExecContext(ctx, "UPDATE api_keys SET version = version + 1, updated_at = ? WHERE id = ? AND deleted_at IS NULL",
				now.UnixMilli(), s.KeyID))
		}
		return err
	})
}
