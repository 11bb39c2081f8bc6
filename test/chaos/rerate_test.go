package chaos

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/simulate"
)

// TestRatingAnewIsKilled kills the process while a period is being rated anew, again
// and again, each time by another price. What was broken off is finished after the
// next start; in the end everything costs what it should, wherever sums are kept, and
// no entry of a request was touched.
func TestRatingAnewIsKilled(t *testing.T) {
	n := 8
	if testing.Short() {
		n = 4
	}
	h := newHouse(t, newProvider(t, simulate.Behaviour{}, nil))
	c, g := h.start(t)
	key := g.newKey(t, api.KeyInput{InitialBalanceUSD: api.Set("1000")})
	crowd := g.gather(t, 20, func(int) ask { return ask{key: key.SecretKey, max: 20} })
	<-time.After(1500 * time.Millisecond)
	for _, s := range crowd.disperse() {
		if s.reply.status != 0 && s.reply.status != http.StatusOK {
			t.Fatalf("%+v", s)
		}
	}
	before := len(g.rows(t, key.APIKey.ID))
	if before < 200 {
		t.Skipf("only %d requests: the machine is too slow", before)
	}
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	price := int64(0) // nano-dollars a token
	for i := range rounds(t, n) {
		price = int64(i+1) * 1000
		usd := fmt.Sprint(i + 1)
		if report, err := g.admin.SetPrices(t.Context(), api.PricesInput{Prices: []api.PriceInput{{
			Provider: "demo", Model: "*", From: &long, Tiers: []api.PriceTierInput{{InputUSDPerMillion: usd, OutputUSDPerMillion: usd}},
		}, {
			Provider: "demo", Model: "demo-large", From: &long, Tiers: []api.PriceTierInput{{InputUSDPerMillion: usd, OutputUSDPerMillion: usd}},
		}}}); err != nil || report.Refused > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = g.admin.Rerate(t.Context(), api.RerateInput{Apply: true}, nil) // it is killed, or done
		}()
		c.killAfter(t, time.Duration(rand.Int64N(int64(60*time.Millisecond))))
		<-ended
		c, g = h.start(t)
	}
	g.allDone(t)
	if _, err := g.admin.Rerate(t.Context(), api.RerateInput{Apply: true}, nil); err != nil { // the last one may not have begun
		t.Fatal(err)
	}
	g.ratedAt(t, key, before, price)
	c.kill(t)
	_, g = h.start(t) // and so say the sums that a new process begins with
	g.ratedAt(t, key, before, price)
	if again, err := g.admin.Rerate(t.Context(), api.RerateInput{Apply: true}, nil); err != nil || again.Corrected != 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// allDone waits until no re-rate is under way.
func (g *gate) allDone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		list, err := g.admin.Rerates(t.Context(), client.PageQuery{})
		if err != nil {
			t.Fatal(err)
		}
		running := 0
		for _, r := range list.Rerates {
			if r.State != "done" {
				running++
			}
		}
		if running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d are still under way", running, list.Total)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// ratedAt holds every sum to what the requests cost at so much a token.
func (g *gate) ratedAt(t *testing.T, key api.KeyCreated, requests int, perToken int64) {
	t.Helper()
	var tokens, cost int64
	n := 0
	for _, row := range g.rows(t, key.APIKey.ID) {
		cost += nano(t, row.CostUSD)
		if row.Outcome != "corrected" {
			n++
			tokens += row.InputTokens + row.CacheReadTokens + row.CacheWriteTokens + row.OutputTokens
		}
	}
	want := tokens * perToken
	if n != requests || cost != want {
		t.Errorf("%d requests of %d cost %d, want %d", n, requests, cost, want)
	}
	k, err := g.admin.Key(t.Context(), key.APIKey.ID)
	if err != nil || nano(t, k.TotalCostUSD) != want || k.TotalRequests != int64(requests) || nano(t, k.Balance.SpentUSD) != want {
		t.Errorf("the key: %s in %d requests, balance %+v, want %d (%v)", k.TotalCostUSD, k.TotalRequests, k.Balance, want, err)
	}
	for _, by := range []string{"model", "key", "day"} {
		usage, err := g.admin.Usage(t.Context(), client.UsageQuery{GroupBy: []string{by}, Size: 1000})
		if err != nil || usage.Totals == nil || usage.Totals.Requests != int64(requests) || nano(t, usage.Totals.CostUSD) != want {
			t.Errorf("by %s: %+v, want %d (%v)", by, usage.Totals, want, err)
		}
	}
	st, err := g.admin.KeyLedger(t.Context(), key.APIKey.ID, client.LedgerQuery{})
	if err != nil || st.ClosingUSD != k.Balance.AvailableUSD {
		t.Errorf("the statement closes with %s, the balance is %+v (%v)", st.ClosingUSD, k.Balance, err)
	}
	verdict, err := g.admin.VerifyAudit(t.Context(), "")
	if err != nil || len(verdict.Broken) > 0 {
		t.Errorf("the audit: %+v, %v", verdict.Broken, err)
	}
}
