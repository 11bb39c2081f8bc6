package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// A connection keeps its statements, and never lends one of them twice: a query may
// run while the rows of the same query are read.
func TestStatementsAreKept(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	const query = "SELECT value FROM json_each(?) ORDER BY value"
	pairs := ""
	for range 3 {
		pairs = ""
		outer, err := tx.QueryContext(t.Context(), query, "[1,2,3]")
		if err != nil {
			t.Fatal(err)
		}
		for outer.Next() {
			var a, b int
			inner, err := tx.QueryContext(t.Context(), query, "[7,8]")
			if err != nil {
				t.Fatal(err)
			}
			for inner.Next() {
				if err := errors.Join(outer.Scan(&a), inner.Scan(&b)); err != nil {
					t.Fatal(err)
				}
				pairs += fmt.Sprint(a, b, " ")
			}
			if err := errors.Join(inner.Err(), inner.Close(), inner.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(outer.Err(), outer.Close()); err != nil {
			t.Fatal(err)
		}
		// One that fails is not kept, and more of them than are kept do no harm.
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO audit_heads VALUES ('x', 1, NULL)"); err == nil {
			t.Error("NULL was stored where there is none")
		}
		for i := range 3 * maxPrepared {
			var n int
			if err := tx.QueryRowContext(t.Context(), fmt.Sprintf("SELECT ? + %d", i), 1).Scan(&n); err != nil || n != i+1 {
				t.Fatalf("%d: %d, %v", i, n, err)
			}
		}
	}
	if pairs != "1 7 1 8 2 7 2 8 3 7 3 8 " {
		t.Errorf("%q", pairs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var n int
	if err := tx.QueryRowContext(ctx, query, "[1]").Scan(&n); err == nil {
		t.Error("a query ran for a caller who has left")
	}
}
