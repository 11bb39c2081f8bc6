package chaos

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// killSwitch closes struck when the n-th request from now reaches the provider.
type killSwitch struct {
	left   atomic.Int64
	struck atomic.Pointer[chan struct{}]
}

func (k *killSwitch) arm(n int64) <-chan struct{} {
	c := make(chan struct{})
	k.struck.Store(&c)
	k.left.Store(n)
	return c
}

func (k *killSwitch) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.left.Add(-1) == 0 {
			close(*k.struck.Load())
		}
		next.ServeHTTP(w, r)
	})
}

// killer is what the rounds of TestKill go on with.
type killer struct {
	house    *house
	provider *provider
	trigger  killSwitch
	keys     []api.KeyCreated // hard budget, tokens and none
	complete map[string]reply // answers that a caller got to their end
}

// TestKill kills the process at a random moment under load, again and again, and
// looks after each start whether the books still say what happened.
func TestKill(t *testing.T) {
	n := 20
	if testing.Short() {
		n = 5
	}
	k := &killer{complete: map[string]reply{}}
	k.provider = newProvider(t, simulate.Behaviour{}, k.trigger.wrap)
	k.house = newHouse(t, k.provider)
	c, g := k.house.start(t)
	k.keys = []api.KeyCreated{
		g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](2000)}),
		g.newKey(t, api.KeyInput{TokensPerMonth: api.Set[int64](5_000_000)}),
		g.newKey(t, api.KeyInput{}),
	}
	for _, key := range k.keys { // the data plane knows them
		if r := g.do(t.Context(), ask{key: key.SecretKey}); !r.complete {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
	}
	c.kill(t)
	for round := range rounds(t, n) {
		k.round(t, round)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d requests billed, %d answered to their end", len(k.provider.Served()), len(k.complete))
}

// round starts the program, loads it, kills it in the middle, starts it again
// and audits.
func (k *killer) round(t *testing.T, round int) {
	c, g := k.house.start(t)
	struck := k.trigger.arm(1 + rand.Int64N(300))
	callers := g.gather(t, 12, func(caller int) ask {
		return ask{
			key: k.keys[caller%len(k.keys)].SecretKey, stream: rand.IntN(2) == 0, max: 50,
			header: map[string]string{
				"X-Simulate-Output-Tokens": strconv.Itoa(1 + rand.IntN(50)),
				"X-Simulate-Chunks":        strconv.Itoa(1 + rand.IntN(8)),
				"X-Simulate-Latency":       strconv.Itoa(rand.IntN(3)) + "ms",
				"X-Simulate-Chunk-Delay":   strconv.Itoa(rand.IntN(500)) + "us",
			},
		}
	})
	<-struck
	c.killAfter(t, rand.N(5*time.Millisecond))
	for _, s := range callers.disperse() {
		if s.reply.complete {
			k.complete[s.reply.id] = s.reply
		}
	}
	if rand.IntN(2) == 0 { // another one dies while it recovers
		k.house.spawn(t).killAfter(t, rand.N(40*time.Millisecond))
	}
	restarted, g := k.house.start(t)
	k.audit(t, g, round)
	restarted.kill(t)
}

// audit compares what the provider billed with the rows, the totals and the
// limits.
func (k *killer) audit(t *testing.T, g *gate, round int) {
	t.Helper()
	served := k.provider.Served()
	rows := g.byID(t)
	billed := map[string]int64{} // by key
	unconfirmed := 0
	for _, s := range served {
		row, ok := rows[s.RequestID]
		if !ok {
			t.Errorf("round %d: %s was served and has no entry", round, s.RequestID)
			continue
		}
		billed[row.KeyID] += cost(s)
		switch row.Outcome {
		case "settled":
			if nano(t, row.CostUSD) != cost(s) || row.InputTokens != s.InputTokens || row.OutputTokens != s.OutputTokens {
				t.Errorf("round %d: billed %+v, settled %+v", round, s, row)
			}
		case "unconfirmed":
			unconfirmed++
			if nano(t, row.CostUSD) < cost(s) || rowTokens(row) < tokens(s) {
				t.Errorf("round %d: billed %+v, more than the hold %+v", round, s, row)
			}
			if _, ok := k.complete[s.RequestID]; ok {
				t.Errorf("round %d: %s was answered to its end and is %s", round, s.RequestID, row.Outcome)
			}
		default:
			t.Errorf("round %d: %s is %s", round, s.RequestID, row.Outcome)
		}
	}
	for id := range k.complete {
		if rows[id].Outcome != "settled" {
			t.Errorf("round %d: %s was answered to its end and is %q", round, id, rows[id].Outcome)
		}
	}
	for _, key := range k.keys {
		total := g.reconcile(t, key, rows)
		if total < billed[key.APIKey.ID] {
			t.Errorf("round %d: the provider billed %d, booked are %d", round, billed[key.APIKey.ID], total)
		}
	}
	t.Logf("round %d: %d billed, %d rows, %d unconfirmed", round, len(served), len(rows), unconfirmed)
}

// reconcile checks that the rows of a key, its totals, its usage and its counters
// say the same, and that no limit is passed; nothing is in flight. It gives the
// cost.
func (g *gate) reconcile(t *testing.T, key api.KeyCreated, rows map[string]api.UsageRow) int64 {
	t.Helper()
	var requests, used, spent int64
	for _, row := range rows {
		if row.KeyID == key.APIKey.ID {
			requests++
			used += rowTokens(row)
			spent += nano(t, row.CostUSD)
		}
	}
	shown, err := g.admin.Key(t.Context(), key.APIKey.ID)
	if err != nil {
		t.Fatal(err)
	}
	usage, err := g.admin.KeyUsage(t.Context(), key.APIKey.ID)
	if err != nil {
		t.Fatal(err)
	}
	if shown.TotalRequests != requests || shown.TotalTokens != used || nano(t, shown.TotalCostUSD) != spent {
		t.Errorf("the key says %d requests, %d tokens, $%s; its rows %d, %d, %d nano", shown.TotalRequests, shown.TotalTokens, shown.TotalCostUSD, requests, used, spent)
	}
	if sum := usage.Totals; sum.Requests != requests || sum.Tokens != used || nano(t, sum.CostUSD) != spent {
		t.Errorf("its usage says %+v; its rows %d, %d, %d nano", sum, requests, used, spent)
	}
	for _, c := range []struct {
		field string
		limit *int64
		want  int64
	}{
		{"budget_limit_cents", shown.BudgetLimitCents, spent},
		{"tokens_per_month", shown.TokensPerMonth, used},
		{"rate_limit_per_day", shown.RateLimitPerDay, requests},
		{"concurrent_limit", shown.ConcurrentLimit, 0},
	} {
		if c.limit == nil {
			continue
		}
		counted, held, limit := g.counters(t, key, key.APIKey.ID, c.field)
		if counted != c.want || held != 0 || counted > limit {
			t.Errorf("%s: %d used and %d held of %d; the rows say %d", c.field, counted, held, limit, c.want)
		}
	}
	return spent
}
