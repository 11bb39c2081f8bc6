package ledger_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tollgate/internal/counter/memory"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/store/sqlite"
)

// TestE6_StatementDayByDay: what was spent is one line at the end of each local
// day; what was spent before there was a balance, on the same day too, is not.
func TestE6_StatementDayByDay(t *testing.T) {
	vienna := must(time.LoadLocation("Europe/Vienna"))
	at := func(text string) time.Time { return must(time.ParseInLocation("2006-01-02 15:04", text, vienna)) }
	dir := t.TempDir()
	db := must(sqlite.Open(t.Context(), filepath.Join(dir, "tollgate.db")))
	t.Cleanup(func() { _ = db.Close() })
	store := db.Ledger()
	spend := func(when time.Time, cost money.NanoUSD) {
		t.Helper()
		e := &ledger.Entry{ID: ledger.NewRequestID(when), At: when.UnixMilli(), OrganizationID: "org_1", KeyID: "key_1", Outcome: ledger.Settled, Cost: cost}
		if err := store.Apply(t.Context(), []*ledger.Entry{e}, ledger.Position{}); err != nil {
			t.Fatal(err)
		}
	}
	change := func(when time.Time, kind ledger.BalanceKind, amount money.NanoUSD) {
		t.Helper()
		id := ledger.NewBalanceID(when)
		if err := store.Post(t.Context(), ledger.BalanceEntry{ID: id, KeyID: "key_1", Kind: kind, Amount: amount, IdempotencyKey: id, At: when}, nil); err != nil {
			t.Fatal(err)
		}
	}
	spend(at("2026-10-20 10:00"), 1000)
	spend(at("2026-10-24 09:00"), 500)
	first := ledger.BalanceEntry{ID: "bal_1", KeyID: "key_1", Kind: ledger.Grant, Amount: 100, IdempotencyKey: "bal_1", At: at("2026-10-24 12:00")}
	if err := store.OpenAccount(t.Context(), first, 1500, nil); err != nil {
		t.Fatal(err)
	}
	spend(at("2026-10-24 23:59"), 7)
	spend(at("2026-10-25 00:00"), 5) // 25 hours long
	spend(at("2026-10-25 23:59"), 6)
	change(at("2026-10-25 13:00"), ledger.Deduct, -20)
	change(at("2026-10-27 08:00"), ledger.Refund, 3)
	spend(at("2026-10-27 09:00"), 1)

	l := must(ledger.Open(t.Context(), store, memory.New(store.Load), ledger.Options{Dir: filepath.Join(dir, "journal")}))
	t.Cleanup(func() { _ = l.Close() })
	lines := func(from, to time.Time) (out []string, s ledger.Statement) {
		t.Helper()
		s = must(l.Statement(t.Context(), "key_1", from, to, vienna))
		for _, line := range s.Lines {
			out = append(out, fmt.Sprintf("%s %s %d %d", line.At.In(vienna).Format("02 15:04"), line.Kind, line.Amount, line.Running))
		}
		return out, s
	}
	want := []string{
		"24 12:00 grant 100 100", "24 23:59 charge -7 93", "25 13:00 deduct -20 73", "25 23:59 charge -11 62",
		"27 08:00 refund 3 65", "27 23:59 charge -1 64",
	}
	all, s := lines(time.Time{}, time.Time{})
	if !slices.Equal(all, want) {
		t.Errorf("%q\nwant %q", all, want)
	}
	checkStatement(t, s, 64)
	if b := must(l.Balances(t.Context(), []string{"key_1"}))["key_1"]; b != (ledger.Balance{Granted: 83, Spent: 19}) {
		t.Errorf("%+v", b)
	}
	if some, s := lines(at("2026-10-25 00:00"), at("2026-10-27 08:00")); !slices.Equal(some, want[2:4]) || s.Opening != 93 || s.Closing != 62 {
		t.Errorf("a part: %q from %d to %d", some, s.Opening, s.Closing)
	}
}
