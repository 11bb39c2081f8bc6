package proxy_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"tollgate/api"
)

// priced sets what a million tokens of demo-large cost, in and out alike.
func (g *gate) priced(usd string, from *time.Time) {
	g.t.Helper()
	report, err := g.admin.SetPrices(g.t.Context(), api.PricesInput{Prices: []api.PriceInput{{
		Provider: "demo", Model: "demo-large", From: from, Tiers: []api.PriceTierInput{{InputUSDPerMillion: usd, OutputUSDPerMillion: usd}},
	}}})
	if err != nil || report.Changed != 1 {
		g.t.Fatalf("set a price: %+v, %v", report, err)
	}
}

func costOf(t *testing.T, r api.UsageRow, perToken int64) {
	t.Helper()
	tokens := r.InputTokens + r.CacheReadTokens + r.CacheWriteTokens + r.OutputTokens
	if got := nano(t, r.CostUSD); got != tokens*perToken || tokens == 0 {
		t.Errorf("%d tokens cost %d nano-dollars, not %d each", tokens, got, perToken)
	}
}

// A request costs what held when it was admitted, hold and entry alike, however long
// it takes; the next one costs what has been set meanwhile, at once.
func TestARequestCostsWhatHeldWhenItWasAdmitted(t *testing.T) {
	g := open(t, nil)
	g.priced("1", nil) // $1 a million tokens is 1,000 nano-dollars a token
	k := g.key(hard())
	there, on := make(chan struct{}), make(chan struct{})
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		close(there)
		<-on
		g.provider.Provider.ServeHTTP(w, r)
	})
	var first reply
	var done sync.WaitGroup
	done.Go(func() { first = g.do(ask{key: k.SecretKey, max: 100}) })
	<-there
	g.provider.answers(nil)
	g.priced("7", nil)
	close(on)
	done.Wait()
	if !first.complete(false) {
		t.Fatalf("%+v", first)
	}
	costOf(t, g.row(k.APIKey.ID), 1000)
	g.do(ask{key: k.SecretKey, max: 100})
	costOf(t, g.rows(k.APIKey.ID)[0], 7000)
}

// A version whose instant is ahead comes into force by itself, at its instant.
func TestAPriceComesIntoForceAtItsInstant(t *testing.T) {
	g := open(t, nil)
	g.priced("1", nil)
	from := time.Now().Add(time.Second).UTC().Truncate(time.Millisecond)
	g.priced("7", &from)
	k := g.key(hard())
	g.do(ask{key: k.SecretKey, max: 10})
	first := g.row(k.APIKey.ID)
	if !first.At.Before(from) {
		t.Skip("the machine is too slow to ask before the price changes")
	}
	costOf(t, first, 1000)
	// The price is looked up a moment before the hold is dated.
	g.eventually("the instant", func() bool { return time.Now().After(from.Add(20 * time.Millisecond)) })
	g.do(ask{key: k.SecretKey, max: 10})
	costOf(t, g.rows(k.APIKey.ID)[0], 7000)
}
