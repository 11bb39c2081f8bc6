package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

func sealedDB(t *testing.T) (*DB, *secret.Keyset) {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	k, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return db, k
}

func sealedValue(t *testing.T, k *secret.Keyset, row, field string) secret.Sealed {
	t.Helper()
	s, err := k.Seal(secret.Place{OrganizationID: "org_1", RowID: row, Field: field}, secret.New("value of "+row+"."+field))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (db *DB) keep(ctx context.Context, values ...secret.Sealed) error {
	return db.update(ctx, "test", func(tx *sql.Tx) error { return writeSealed(ctx, tx, values...) })
}

// TestA3_NothingIsSealedWithAKeyThatIsOutOfUse: whatever the order in which a
// writer and a rotation come, no value is left that the keyset does not open.
func TestA3_NothingIsSealedWithAKeyThatIsOutOfUse(t *testing.T) {
	ctx := t.Context()
	db, k := sealedDB(t)
	one := sealedValue(t, k, "cred_1", "api_key")
	if err := db.keep(ctx, one); !errors.Is(err, fault.VersionConflict) {
		t.Fatalf("sealed with a key that was never in use: %v", err)
	}
	if err := db.Seals().AllowSealKey(ctx, k.Primary()); err != nil {
		t.Fatal(err)
	}
	if err := db.keep(ctx, one, sealedValue(t, k, "cred_1", "headers"), sealedValue(t, k, "cred_2", "api_key")); err != nil {
		t.Fatal(err)
	}
	if gone, err := db.Seals().ForbidSealKey(ctx, k.Primary()); gone || err != nil {
		t.Fatalf("a key that is needed went: %v, %v", gone, err)
	}
	if err := db.update(ctx, "test", func(tx *sql.Tx) error {
		return errors.Join(wipeSealed(ctx, tx, "cred_1"), wipeSealed(ctx, tx, "cred_2"))
	}); err != nil {
		t.Fatal(err)
	}
	if gone, err := db.Seals().ForbidSealKey(ctx, k.Primary()); !gone || err != nil {
		t.Fatalf("a key that is not needed stays: %v, %v", gone, err)
	}
	if err := db.keep(ctx, one); !errors.Is(err, fault.VersionConflict) {
		t.Errorf("sealed with a key that is out of use: %v", err)
	}
}

func TestSealedValuesAreReadByRow(t *testing.T) {
	ctx := t.Context()
	db, k := sealedDB(t)
	if err := db.Seals().AllowSealKey(ctx, k.Primary()); err != nil {
		t.Fatal(err)
	}
	if err := db.keep(ctx, sealedValue(t, k, "cred_1", "headers"), sealedValue(t, k, "cred_1", "api_key"), sealedValue(t, k, "cred_2", "api_key")); err != nil {
		t.Fatal(err)
	}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	found, err := sealedOf(ctx, tx, "cred_1", "cred_2", "cred_3")
	if err != nil || len(found["cred_1"]) != 2 || len(found["cred_2"]) != 1 || found["cred_3"] != nil || found["cred_1"][0].Field != "api_key" {
		t.Fatalf("%v, %v", found, err)
	}
	if text, err := k.Open(found["cred_1"][1]); err != nil || string(text) != "value of cred_1.headers" {
		t.Errorf("%q, %v", text, err)
	}
}
