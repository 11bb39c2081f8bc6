package chaos

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/simulate"
)

// mishap is how a request of TestRounds goes wrong.
type mishap struct {
	fault string // of the provider; "" = none
	leave bool   // the caller goes away at some moment
}

// faults remembers which fault each request met, by the id the provider was told.
type faults struct{ met sync.Map }

func (f *faults) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.met.Store(r.Header.Get("X-Client-Request-Id"), r.Header.Get("X-Simulate-Fault"))
		next.ServeHTTP(w, r)
	})
}

func (f *faults) of(id string) string {
	v, _ := f.met.Load(id)
	s, _ := v.(string)
	return s
}

// TestRounds sends a dozen requests at a time of which many go wrong, and after
// each round compares what was granted, what is held and spent, the rows, the
// totals and what the provider billed.
func TestRounds(t *testing.T) {
	var met faults
	p := newProvider(t, simulate.Behaviour{}, met.wrap)
	g, _ := start(t, p, func(c *config.Config) {
		c.Upstream.ResponseHeaderTimeout = 300 * time.Millisecond
		c.Limits.MaxRequestDuration = 600 * time.Millisecond
		c.DrainTimeout = 150 * time.Millisecond
	})
	n, reached := 100, int64(0)
	if testing.Short() {
		n = 20
	}
	var keys []api.KeyCreated
	for round := range rounds(t, n) {
		if round%20 == 0 { // so that there is not ever more to compare
			keys = g.manyKeys(t)
			reached += p.Stats().Requests
			p.Reset()
		}
		g.misfortunes(t, keys, round)
		for _, key := range keys {
			g.settled(t, key)
		}
		g.auditRound(t, p, keys, &met)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d requests reached the provider", reached+p.Stats().Requests)
}

// manyKeys are keys with a hard limit on money, one on tokens, a soft one and
// none.
func (g *gate) manyKeys(t *testing.T) []api.KeyCreated {
	t.Helper()
	many := []api.KeyInput{
		{BudgetLimitCents: api.Set[int64](1000)},
		{TokensPerMonth: api.Set[int64](9_000_000)},
		{BudgetLimitCents: api.Set[int64](1000), BudgetMode: api.Set("soft")},
		{},
	}
	var keys []api.KeyCreated
	for _, in := range many {
		in.RateLimitPerDay, in.ConcurrentLimit = api.Set[int64](1_000_000), api.Set[int64](1000)
		keys = append(keys, g.newKey(t, in))
	}
	return keys
}

// misfortunes sends one round.
func (g *gate) misfortunes(t *testing.T, keys []api.KeyCreated, round int) {
	ctx := within(t, time.Minute)
	choice := []mishap{{}, {}, {fault: "cut"}, {fault: "cut-before"}, {fault: "status=500"}, {fault: "status=429"}, {fault: "no-usage"}, {fault: "usage-twice"}, {leave: true}, {leave: true}}
	if round%10 == 0 { // these take long
		choice = append(choice, mishap{fault: "hang"}, mishap{fault: "hang-mid"}, mishap{fault: "hang", leave: true})
	}
	g.together(12, func(i int) reply {
		m := choice[rand.IntN(len(choice))]
		a := ask{key: keys[i%len(keys)].SecretKey, stream: rand.IntN(2) == 0, max: 60, header: map[string]string{
			"X-Simulate-Output-Tokens":    strconv.Itoa(1 + rand.IntN(60)),
			"X-Simulate-Reasoning-Tokens": strconv.Itoa(rand.IntN(20)),
			"X-Simulate-Latency":          strconv.Itoa(rand.IntN(3)) + "ms",
			"X-Simulate-Chunks":           strconv.Itoa(2 + rand.IntN(8)),
			"X-Simulate-Chunk-Delay":      strconv.Itoa(rand.IntN(1000)) + "us",
		}}
		if m.fault != "" {
			a.header["X-Simulate-Fault"] = m.fault
		}
		if !m.leave {
			r := g.do(ctx, a)
			if err := unlucky(m, a.stream, r); err != "" {
				t.Errorf("%+v, stream %t: %s: %d %s %s", m, a.stream, err, r.status, r.body, r.err)
			}
			return r
		}
		short, cancel := context.WithTimeout(ctx, rand.N(12*time.Millisecond))
		defer cancel()
		return g.do(short, a)
	})
}

// unlucky says what is wrong with what a caller that stayed got to see.
func unlucky(m mishap, stream bool, r reply) string {
	if r.err != nil {
		return "no answer"
	}
	status, begun := 200, false
	switch m.fault {
	case "cut", "hang-mid":
		if begun = stream; !begun {
			status = 502
		}
	case "cut-before":
		status = 502
	case "hang":
		status = 504
	case "status=500":
		status = 500
	case "status=429":
		status = 429
	}
	switch {
	case r.status != status && !(m.fault == "hang-mid" && r.status == 504):
		return "not " + strconv.Itoa(status)
	case begun && (!r.broken || r.complete):
		return "no error event"
	case status == 200 && !begun && !r.complete:
		return "not complete"
	}
	return ""
}

// settled waits until nothing of the key is in flight: an answer whose caller has
// left may still be read.
func (g *gate) settled(t *testing.T, key api.KeyCreated) {
	t.Helper()
	ctx := within(t, 10*time.Second)
	for {
		_, held, _ := g.counters(t, key, key.APIKey.ID, "concurrent_limit")
		if held == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d requests of %s never end", held, key.APIKey.ID)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// auditRound compares the books.
func (g *gate) auditRound(t *testing.T, p *provider, keys []api.KeyCreated, met *faults) {
	t.Helper()
	rows := g.byID(t, keys...)
	hard := map[string]bool{keys[0].APIKey.ID: true, keys[1].APIKey.ID: true}
	for _, s := range p.Served() {
		row, ok := rows[s.RequestID]
		if !ok {
			t.Errorf("%s was served and has no entry", s.RequestID)
			continue
		}
		fault := met.of(s.RequestID)
		switch {
		case s.Status >= 400 && (row.Outcome != "failed" || row.Status != s.Status || rowTokens(row) != 0 || row.CostUSD != "0.00"):
			t.Errorf("%s: the provider refused with %d: %+v", fault, s.Status, row)
		case s.Status < 400 && fault != "no-usage" && hard[row.KeyID] && nano(t, row.CostUSD) < cost(s):
			t.Errorf("%s: billed %d under a hard limit, booked %+v", fault, cost(s), row)
		case row.Outcome == "settled" && (nano(t, row.CostUSD) != cost(s) || rowTokens(row) != tokens(s)):
			t.Errorf("%s: billed %+v, settled %+v", fault, s, row)
		case row.Outcome == "estimated" && (row.InputTokens == 0 || row.CostUSD == "0.00"):
			t.Errorf("%s: estimated to be nothing: %+v", fault, row)
		}
	}
	for _, key := range keys {
		g.reconcile(t, key, rows)
	}
}

// byID are the entries of keys by their id; of all keys when none is named.
func (g *gate) byID(t *testing.T, keys ...api.KeyCreated) map[string]api.UsageRow {
	t.Helper()
	var all []api.UsageRow
	if keys == nil {
		all = g.rows(t, "")
	}
	for _, key := range keys {
		all = append(all, g.rows(t, key.APIKey.ID)...)
	}
	rows := map[string]api.UsageRow{}
	for _, row := range all {
		if _, twice := rows[row.RequestID]; twice {
			t.Errorf("%s has two entries", row.RequestID)
		}
		rows[row.RequestID] = row
	}
	return rows
}
