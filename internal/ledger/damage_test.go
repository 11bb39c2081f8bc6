package ledger_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/ledger"
)

// TestDamageInTheMiddle flips one bit in an old segment: that record is lost,
// the ones behind it are not.
func TestDamageInTheMiddle(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{ApplyInterval: time.Hour})
	for range 10 {
		hold, err := h.Reserve(t.Context(), request(chain()))
		if err != nil {
			t.Fatal(err)
		}
		hold.Settle(used(1))
	}
	dir := copyJournal(t, h.dir)
	files, _ := filepath.Glob(filepath.Join(dir, "journal", "*.log"))
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, nil, ledger.Options{})
	if rows := again.entries(t); len(rows) != 10 && len(rows) != 9 {
		t.Errorf("%d entries of 10 are left", len(rows))
	}
}
