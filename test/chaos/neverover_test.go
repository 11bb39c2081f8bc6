package chaos

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// parallel is how many requests come at the same moment, crowded how many once
// a limit is nearly used up.
const (
	parallel = 500
	crowded  = 40
)

// TestNeverOver sends waves of parallel requests at each sort of hard limit,
// each request a tenth of what is left, until nothing passes any more. What the
// provider billed by then must not be more than the limit.
func TestNeverOver(t *testing.T) {
	byCost := measure{cost, func(left int64) int { return int(left/10/10_000) - 95 }}
	byTokens := measure{tokens, func(left int64) int { return int(left/10) - 380 }}
	for _, c := range []struct {
		name, field string
		key         api.KeyInput
		measure     measure
	}{
		{"cost", "budget_limit_cents", api.KeyInput{BudgetLimitCents: api.Set[int64](20)}, byCost},
		{"cost of a day", "budget_limit_cents", api.KeyInput{BudgetLimitCents: api.Set[int64](20), BudgetType: api.Set("daily")}, byCost},
		{"tokens of a minute", "tokens_per_minute", api.KeyInput{TokensPerMinute: api.Set[int64](50_000)}, byTokens},
		{"tokens of a day", "tokens_per_day", api.KeyInput{TokensPerDay: api.Set[int64](50_000)}, byTokens},
		{"tokens of a month", "tokens_per_month", api.KeyInput{TokensPerMonth: api.Set[int64](50_000)}, byTokens},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, simulate.Behaviour{Latency: 10 * time.Millisecond}, nil)
			g, _ := start(t, p, nil)
			key := g.newKey(t, c.key)
			g.exhaust(t, p, []api.KeyCreated{key}, key.APIKey.ID, c.field, c.measure)
		})
	}
	t.Run("cost of an owner with five keys", func(t *testing.T) { neverOverOwner(t, byCost) })
	t.Run("requests of a minute", neverOverRate)
	t.Run("slots", neverOverSlots)
}

// measure is what a request takes of a limit, and the output cap that a tenth of
// what is left pays for.
type measure struct {
	charged    func(simulate.Served) int64
	affordable func(left int64) int
}

// exhaust uses the keys until the limit called field of the subject lets nothing
// through.
func (g *gate) exhaust(t *testing.T, p *provider, keys []api.KeyCreated, subject, field string, m measure) {
	_, _, limit := g.counters(t, keys[0], subject, field)
	waves, answered, n, last := 0, 0, parallel, outcomes{}
	for ; waves < 300; waves++ {
		used, held, _ := g.counters(t, keys[0], subject, field)
		if held != 0 {
			t.Fatalf("wave %d: %d is held with nothing in flight", waves, held)
		}
		if waves == 6 {
			n = crowded
		}
		last = g.wave(t, keys, n, max(m.affordable(limit-used), 1))
		answered += last[http.StatusOK]
		if last[http.StatusOK] == 0 && n == crowded {
			break
		}
	}
	if answered == 0 || last[http.StatusOK] != 0 {
		t.Fatalf("%d of the requests passed, in the last wave %v", answered, last)
	}
	var billed, booked int64
	for _, s := range p.Served() {
		billed += m.charged(s)
	}
	for _, row := range g.rows(t, "") {
		if field == "budget_limit_cents" {
			booked += nano(t, row.CostUSD)
		} else {
			booked += rowTokens(row)
		}
	}
	used, held, _ := g.counters(t, keys[0], subject, field)
	t.Logf("%d waves, %d answers; billed %d of %d (%.2f %%)", waves, answered, billed, limit, 100*float64(billed)/float64(limit))
	if billed > limit {
		t.Errorf("the provider billed %d, the limit is %d", billed, limit)
	}
	if used != billed || booked != billed || held != 0 {
		t.Errorf("the provider billed %d; the counters say %d used and %d held, the rows %d", billed, used, held, booked)
	}
	if strings.Contains(g.log.String(), "more than was held") {
		t.Error("more was billed for a request than was held for it")
	}
	if billed < limit*9/10 {
		t.Errorf("the provider billed %d only: %d was never let through", billed, limit-billed)
	}
}

func neverOverOwner(t *testing.T, m measure) {
	p := newProvider(t, simulate.Behaviour{Latency: 10 * time.Millisecond}, nil)
	g, _ := start(t, p, nil)
	owner, err := g.admin.CreateUser(t.Context(), api.UserInput{
		Email: api.Set("owner@example.com"), Name: api.Set("Owner"),
		LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](20)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var keys []api.KeyCreated
	for range 5 {
		keys = append(keys, g.newKey(t, api.KeyInput{UserID: api.Set(owner.ID), BudgetLimitCents: api.Set[int64](15)}))
	}
	g.exhaust(t, p, keys, owner.ID, "budget_limit_cents", m)
}

// outcomes counts answers by their status.
type outcomes map[int]int

// wave sends n requests at a time with an output cap of about cap, half of them
// streams, some without a cap of their own; what is written is less than asked
// for in most of them.
func (g *gate) wave(t *testing.T, keys []api.KeyCreated, n, cap int) outcomes {
	ctx := within(t, time.Minute)
	replies := g.together(n, func(i int) reply {
		a := ask{key: keys[i%len(keys)].SecretKey, stream: i%2 == 0, max: 1 + rand.IntN(2*cap), header: map[string]string{
			"X-Simulate-Output-Tokens": strconv.Itoa(1 + rand.IntN(2*cap)),
			"X-Simulate-Chunks":        "4",
		}}
		switch {
		case i%7 == 0:
			a.max = 0
		case i%11 == 0:
			a.n = 1 + rand.IntN(4)
		}
		return g.do(ctx, a)
	})
	seen := outcomes{}
	for _, r := range replies {
		seen[r.status]++
		if err := refusedWell(r); err != nil {
			t.Error(err)
		}
	}
	return seen
}

// together calls f n times at the same moment.
func (g *gate) together(n int, f func(i int) reply) []reply {
	replies := make([]reply, n)
	var ready, done sync.WaitGroup
	gun := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-gun
			replies[i] = f(i)
		})
	}
	ready.Wait()
	close(gun)
	done.Wait()
	return replies
}

// refusedWell says what is wrong with an answer under load: it is complete, or
// refused by a limit.
func refusedWell(r reply) error {
	switch {
	case r.err != nil:
		return fmt.Errorf("no answer: %w", r.err)
	case r.status == http.StatusOK && !r.complete:
		return fmt.Errorf("%s: an answer without its end: %s", r.id, r.body)
	case r.status == http.StatusOK:
		return nil
	case r.status == http.StatusPaymentRequired && r.code == "budget_exceeded":
		if r.header.Get("X-Should-Retry") != "false" {
			return fmt.Errorf("402 without x-should-retry: false: %v", r.header)
		}
		return nil
	case r.status == http.StatusTooManyRequests:
		switch r.code {
		case "rate_limited", "tokens_limited", "concurrency_limited", "budget_held":
			if r.header.Get("Retry-After") == "" && r.code != "tokens_limited" {
				return fmt.Errorf("429 %s without Retry-After", r.code)
			}
			return nil
		}
	}
	return fmt.Errorf("status %d, code %q: %s", r.status, r.code, r.body)
}

func neverOverRate(t *testing.T) {
	const rate = 60
	p := newProvider(t, simulate.Behaviour{Chunks: 4}, nil)
	g, _ := start(t, p, nil)
	key := g.newKey(t, api.KeyInput{RateLimitPerMinute: api.Set[int64](rate)})
	begun := time.Now()
	seen := g.wave(t, []api.KeyCreated{key}, parallel, 20)
	if time.Since(begun) > 50*time.Second {
		if os.Getenv("CI") != "" {
			t.Fatal("this machine is too slow to send a wave within a minute")
		}
		t.Skip("NOT CHECKED: this machine is too slow to send a wave within a minute")
	}
	if n := p.Stats().Requests; n != rate || seen[http.StatusOK] != rate {
		t.Errorf("%d requests reached the provider and %d were answered, of %d a minute", n, seen[http.StatusOK], rate)
	}
}

func neverOverSlots(t *testing.T) {
	const slots = 5
	p := newProvider(t, simulate.Behaviour{Latency: 2 * time.Millisecond}, nil)
	g, _ := start(t, p, nil)
	key := g.newKey(t, api.KeyInput{ConcurrentLimit: api.Set[int64](slots)})
	answered := 0
	for range 5 {
		answered += g.wave(t, []api.KeyCreated{key}, parallel, 20)[http.StatusOK]
	}
	if n := p.Stats().MaxInFlight; n > slots || answered < slots {
		t.Errorf("%d requests were at the provider at a time, %d were answered; the limit is %d", n, answered, slots)
	}
	_, held, _ := g.counters(t, key, key.APIKey.ID, "concurrent_limit")
	if held != 0 {
		t.Errorf("%d slots are taken with nothing in flight", held)
	}
	ctx := within(t, time.Minute)
	for i, r := range g.together(slots, func(i int) reply {
		return g.do(ctx, ask{key: key.SecretKey, stream: i%2 == 0, header: map[string]string{"X-Simulate-Latency": "100ms"}})
	}) {
		if !r.complete {
			t.Errorf("afterwards, request %d of %d: status %d %s", i+1, slots, r.status, r.body)
		}
	}
	t.Logf("%d answers with %d at most at a time", answered, p.Stats().MaxInFlight)
}
