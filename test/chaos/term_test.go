package chaos

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// TestTerm asks the process to end under load: what is in flight finishes, or is
// cut at the limit, and every entry is there at the next start.
func TestTerm(t *testing.T) {
	for _, c := range []ending{
		{name: "all finish", limit: "20s"},
		{name: "long streams are cut", limit: "300ms", long: map[string]string{
			"X-Simulate-Chunk-Delay": "1s", "X-Simulate-Chunks": "50", "X-Simulate-Output-Tokens": "50",
		}},
		{name: "at once", limit: "0s", long: map[string]string{"X-Simulate-Latency": "1m"}, short: true},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}

// ending is a way to end.
type ending struct {
	name  string
	limit string            // on what is in flight
	long  map[string]string // headers of requests that cannot end within it; nil = there are none
	short bool              // others may be cut, too
}

// test loads a child, ends it with SIGTERM, starts another and audits.
func (e *ending) test(t *testing.T) {
	var k killer
	k.complete = map[string]reply{}
	k.provider = newProvider(t, simulate.Behaviour{}, k.trigger.wrap)
	k.house = newHouse(t, k.provider, "TOLLGATE_SHUTDOWN_TIMEOUT="+e.limit)
	c, g := k.house.start(t)
	k.keys = []api.KeyCreated{
		g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](2000)}),
		g.newKey(t, api.KeyInput{}),
	}
	struck := k.trigger.arm(200)
	callers := g.gather(t, 12, func(caller int) ask {
		a := ask{key: k.keys[caller%2].SecretKey, stream: rand.IntN(2) == 0, max: 50, header: map[string]string{
			"X-Simulate-Output-Tokens": strconv.Itoa(1 + rand.IntN(50)),
			"X-Simulate-Chunks":        strconv.Itoa(1 + rand.IntN(8)),
			"X-Simulate-Chunk-Delay":   strconv.Itoa(rand.IntN(5)) + "ms",
		}}
		if e.long != nil && caller < 4 {
			a.stream, a.header = caller < 2, e.long
		}
		return a
	})
	<-struck
	begun := time.Now()
	c.terminate(t)
	if code := c.wait(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, k.house.output.tail())
	}
	took := time.Since(begun)
	cut := 0
	for _, s := range callers.disperse() {
		switch r := s.reply; {
		case r.complete:
			k.complete[r.id] = r
		case r.id != "":
			cut++
			if maps.Equal(s.ask.header, e.long) || e.short {
				if r.status == 200 && !r.broken {
					t.Errorf("cut without an error event: %v, %s", r.err, r.body)
				}
				continue
			}
			t.Errorf("begun and not finished: status %d, %v, %s", r.status, r.err, r.body)
		}
	}
	if e.long != nil && took > 6*time.Second {
		t.Errorf("it took %s to end", took)
	}
	c, g = k.house.start(t)
	k.auditTerm(t, g, cut > 0)
	c.kill(t)
	t.Logf("%d billed, %d answered to their end, %d cut; ended within %s", len(k.provider.Served()), len(k.complete), cut, took.Round(time.Millisecond))
}

// auditTerm compares what the provider billed with the rows: what was answered to
// its end is settled, and nothing is unconfirmed but what was cut.
func (k *killer) auditTerm(t *testing.T, g *gate, cut bool) {
	t.Helper()
	rows := g.byID(t)
	outcomes := map[string]int{}
	for _, s := range k.provider.Served() {
		row, ok := rows[s.RequestID]
		if !ok {
			t.Errorf("%s was served and has no entry", s.RequestID)
		}
		outcomes[row.Outcome]++
		if _, whole := k.complete[s.RequestID]; whole && row.Outcome != "settled" {
			t.Errorf("%s was answered to its end and is %s", s.RequestID, row.Outcome)
		}
		if row.Outcome == "settled" && nano(t, row.CostUSD) != cost(s) {
			t.Errorf("billed %+v, settled %+v", s, row)
		}
	}
	if !cut && len(outcomes) != 1 || outcomes["settled"] == 0 {
		t.Errorf("nothing was cut, and the outcomes are %v", outcomes)
	}
	for _, key := range k.keys {
		g.reconcile(t, key, rows)
	}
	t.Logf("outcomes %v", outcomes)
}
