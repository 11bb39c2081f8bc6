package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	driver "modernc.org/sqlite"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

// Seals keeps sealed values: a vault.Seals. It is safe for concurrent use.
type Seals struct{ db *DB }

var _ vault.Seals = Seals{}

// Seals is the database as the vault sees it.
func (db *DB) Seals() Seals { return Seals{db} }

// sealedRow is a row of sealed.
type sealedRow struct {
	secret.Sealed
	keyID int64
}

func sealedColumns(s *sealedRow) []column {
	return []column{
		{"row_id", &s.RowID},
		{"field", &s.Field},
		{"organization_id", &s.OrganizationID},
		{"key_id", &s.keyID},
		{"ciphertext", &s.Ciphertext},
	}
}

// constraintForeignKey is SQLite's code for a reference to a row that is not there.
const constraintForeignKey = 787

// writeSealed stores values in tx, in the place of those that lie there. A value
// whose key is not in use any more is fault.VersionConflict: seal it anew.
func writeSealed(ctx context.Context, tx *sql.Tx, values ...secret.Sealed) error {
	for _, v := range values {
		row := sealedRow{v, int64(v.KeyID())}
		columns := sealedColumns(&row)
		_, err := tx.ExecContext(ctx, insertInto("sealed", columns)+
			" ON CONFLICT (row_id, field) DO UPDATE SET key_id = excluded.key_id, ciphertext = excluded.ciphertext", pointers(columns)...)
		if refused, ok := errors.AsType[*driver.Error](err); ok && refused.Code() == constraintForeignKey {
			return fmt.Errorf("%w: key %s is not in use any more", fault.VersionConflict, v.KeyID())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// wipeSealed takes all sealed values of a row away.
func wipeSealed(ctx context.Context, tx *sql.Tx, rowID string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM sealed WHERE row_id = ?", rowID)
	return err
}

// sealedOf are the sealed values of rows, by row, in the order of their fields.
func sealedOf(ctx context.Context, q querier, rowIDs ...string) (map[string][]secret.Sealed, error) {
	list, err := json.Marshal(rowIDs)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, "SELECT "+names(sealedColumns(new(sealedRow)))+
		" FROM sealed WHERE row_id IN (SELECT value FROM json_each(?)) ORDER BY row_id, field", string(list))
	if err != nil {
		return nil, err
	}
	found, err := scanAll(rows, sealedColumns)
	out := make(map[string][]secret.Sealed, len(rowIDs))
	for _, row := range found {
		out[row.RowID] = append(out[row.RowID], row.Sealed)
	}
	return out, err
}

// SealKeys implements vault.Seals.
func (s Seals) SealKeys(ctx context.Context) ([]vault.SealKey, error) {
	const doing = "read the sealing keys"
	rows, err := s.db.read.QueryContext(ctx, `SELECT k.key_id, (SELECT count(*) FROM sealed v WHERE v.key_id = k.key_id),
			coalesce(v.row_id, ''), coalesce(v.field, ''), coalesce(v.organization_id, ''), v.ciphertext
		FROM seal_keys k LEFT JOIN sealed v ON (v.row_id, v.field) =
			(SELECT row_id, field FROM sealed w WHERE w.key_id = k.key_id LIMIT 1)
		ORDER BY k.created_at, k.key_id`)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	var out []vault.SealKey
	for rows.Next() {
		var k vault.SealKey
		if err := rows.Scan(&k.ID, &k.Values, &k.Sample.RowID, &k.Sample.Field, &k.Sample.OrganizationID, &k.Sample.Ciphertext); err != nil {
			return nil, Classify(err, doing)
		}
		out = append(out, k)
	}
	return out, Classify(rows.Err(), doing)
}

// AllowSealKey implements vault.Seals.
func (s Seals) AllowSealKey(ctx context.Context, id secret.KeyID) error {
	return s.db.update(ctx, "take a sealing key into use", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO seal_keys (key_id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
			int64(id), time.Now().UnixMilli())
		return err
	})
}

// SealedWith implements vault.Seals.
func (s Seals) SealedWith(ctx context.Context, id secret.KeyID, n int) ([]secret.Sealed, error) {
	const doing = "read what is sealed"
	rows, err := s.db.read.QueryContext(ctx, "SELECT "+names(sealedColumns(new(sealedRow)))+" FROM sealed WHERE key_id = ? LIMIT ?", int64(id), n)
	if err != nil {
		return nil, Classify(err, doing)
	}
	found, err := scanAll(rows, sealedColumns)
	out := make([]secret.Sealed, len(found))
	for i, row := range found {
		out[i] = row.Sealed
	}
	return out, Classify(err, doing)
}

// Reseal implements vault.Seals.
func (s Seals) Reseal(ctx context.Context, old, fresh []secret.Sealed) error {
	return s.db.update(ctx, "seal anew", func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, "UPDATE sealed SET key_id = ?, ciphertext = ? WHERE row_id = ? AND field = ? AND ciphertext = ?")
		if err != nil {
			return err
		}
		for i, v := range fresh {
			if _, err := statement.ExecContext(ctx, int64(v.KeyID()), v.Ciphertext, v.RowID, v.Field, old[i].Ciphertext); err != nil {
				return errors.Join(err, statement.Close())
			}
		}
		return statement.Close()
	})
}

// ForbidSealKey implements vault.Seals.
func (s Seals) ForbidSealKey(ctx context.Context, id secret.KeyID) (bool, error) {
	err := s.db.update(ctx, "take a sealing key out of use", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM seal_keys WHERE key_id = ?", int64(id))
		return err
	})
	if refused, ok := errors.AsType[*driver.Error](err); ok && refused.Code() == constraintForeignKey {
		return false, nil
	} else if err != nil {
		return false, err
	}
	// A power failure must not bring back what is sealed with the key.
	return true, s.db.durable(ctx)
}
