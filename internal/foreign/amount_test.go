package foreign_test

import (
	"math/big"
	"strings"
	"testing"

	"tollgate/internal/foreign"
)

// checkAmount holds what was read of a number against the number, by another way.
func checkAmount(t *testing.T, s string, rec *foreign.Record) {
	t.Helper()
	if len(rec.Problem) > 0 || strings.TrimSpace(s) == "" || strings.TrimSpace(s) == `\N` || s == "NULL" {
		return
	}
	want, ok := new(big.Rat).SetString(strings.TrimSpace(s))
	if !ok || want.Sign() < 0 {
		t.Fatalf("%q is read as a number", s)
	}
	spent := new(big.Rat)
	if rec.Row.Spent != nil {
		spent.SetString(rec.Row.Spent.CostUSD)
	}
	nano := big.NewRat(1, 1_000_000_000)
	if diff := new(big.Rat).Sub(spent, want); diff.Sign() < 0 || diff.Cmp(nano) >= 0 {
		t.Errorf("%q spent becomes %s", s, spent.FloatString(12))
	}
	cents, given := rec.Row.Key.BudgetLimitCents.Get()
	if !given {
		t.Fatalf("%q as a budget is lost", s)
	}
	if diff := new(big.Rat).Sub(want, big.NewRat(cents, 100)); diff.Sign() < 0 || diff.Cmp(big.NewRat(1, 100)) >= 0 {
		t.Errorf("%q as a budget becomes %d cents", s, cents)
	}
}
