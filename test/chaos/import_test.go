package chaos

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/simulate"
)

// TestImportIsKilled kills the process while keys are imported, again and again,
// each time beginning the whole import anew. In the end each key is there once,
// and what it had spent is counted once, wherever sums are kept.
func TestImportIsKilled(t *testing.T) {
	const size = 20
	n := 15
	if testing.Short() {
		n = 4
	}
	h := newHouse(t, newProvider(t, simulate.Behaviour{}, nil))
	var batches []api.ImportInput
	for i := range 400 {
		if i%size == 0 {
			batches = append(batches, api.ImportInput{Source: "litellm", CreateUsers: true})
		}
		row := api.ImportRow{
			SourceID: fmt.Sprint(i), Secret: api.ImportSecret{Scheme: "sha256", Digest: fmt.Sprintf("%x", sha256.Sum256([]byte(importedText(i))))},
			Owner: &api.ImportOwner{Email: fmt.Sprintf("user%d@example.com", i%7)}, Spent: &api.ImportSpent{CostUSD: "0.010000001", Tokens: 3},
			Key: api.KeyInput{Name: api.Set("imported"), InitialBalanceUSD: api.Set("1.00")},
		}
		last := &batches[len(batches)-1]
		last.Rows = append(last.Rows, row)
	}
	for range rounds(t, n) {
		c, g := h.start(t)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, in := range batches {
				if _, err := g.admin.ImportKeys(t.Context(), in); err != nil {
					return // it was killed
				}
			}
		}()
		c.killAfter(t, time.Duration(rand.Int64N(int64(150*time.Millisecond))))
		<-ended
	}
	c, g := h.start(t)
	for _, in := range batches {
		if report, err := g.admin.ImportKeys(t.Context(), in); err != nil || report.Created+report.Exists != size {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	g.importedOnce(t, 400)
	c.kill(t)
	_, g = h.start(t) // and so say the sums that a new process begins with
	g.importedOnce(t, 400)
	for i := range 5 {
		if r := g.do(t.Context(), ask{key: importedText(i)}); r.status != http.StatusOK {
			t.Errorf("an imported key: %d %s", r.status, r.body)
		}
	}
}

func importedText(i int) string { return fmt.Sprintf("sk-imported-%d", i) }

// importedOnce compares keys, entries, sums and balances with what was imported.
func (g *gate) importedOnce(t *testing.T, n int) {
	t.Helper()
	keys, err := g.admin.Keys(t.Context(), client.KeyQuery{Size: 100, Search: "imported"})
	if err != nil || keys.Total != n {
		t.Errorf("%d keys, want %d, %v", keys.Total, n, err)
	}
	for _, k := range keys.APIKeys {
		if k.TotalCostUSD != "0.010000001" || k.TotalRequests != 1 || k.Balance == nil || k.Balance.AvailableUSD != "1.00" || k.Balance.SpentUSD != "0.00" {
			t.Errorf("%s: %s, %d, %+v", k.ID, k.TotalCostUSD, k.TotalRequests, k.Balance)
		}
	}
	const want = "4.0000004" // of 400
	for _, by := range []string{"provider", "key", "user", "day"} {
		usage, err := g.admin.Usage(t.Context(), client.UsageQuery{GroupBy: []string{by}, Size: 1000})
		if err != nil || usage.Totals == nil || usage.Totals.Requests != int64(n) || usage.Totals.CostUSD != want || usage.Totals.Tokens != 3*int64(n) {
			t.Errorf("by %s: %+v, want %s, %v", by, usage.Totals, want, err)
		}
		if groups := map[string]int{"provider": 1, "key": n, "user": 7, "day": len(usage.Series)}[by]; len(usage.Series) != groups {
			t.Errorf("by %s: %d groups", by, len(usage.Series))
		}
	}
	verdict, err := g.admin.VerifyAudit(t.Context(), "")
	if err != nil || len(verdict.Broken) > 0 {
		t.Errorf("the audit: %+v, %v", verdict.Broken, err)
	}
}
