package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/limit"
)

// flood is counters that remember few visitors.
func flood(most int) *Counters {
	c := New(func(_ context.Context, id limit.ID, _ *limit.Calendar, _ int64) (limit.Sums, error) {
		if id.Kind == limit.Visitor {
			return limit.Sums{}, errors.New("a visitor was looked up in the database")
		}
		return limit.Sums{}, nil
	})
	c.visitors = newVisitors(most)
	return c
}

func visit(i, perMinute int) limit.Chain {
	return limit.Chain{
		{ID: limit.ID{Kind: limit.Organization, ID: "org_1"}},
		{ID: limit.ID{Kind: limit.Visitor, ID: fmt.Sprint(i)}, Limits: []limit.Limit{{Meter: limit.Requests, Window: limit.Minute, Max: int64(perMinute)}}},
		{ID: limit.ID{Kind: limit.Chatbot, ID: "bot_1"}},
	}
}

// take is one request; it is nil when it was refused.
func take(t testing.TB, c *Counters, chain limit.Chain, unix int64) *limit.Taken {
	t.Helper()
	cal := limit.CalendarAt(time.Unix(unix, 0), time.UTC)
	var taken limit.Taken
	var v limit.Verdict
	refusal, err := c.Take(t.Context(), chain, &limit.Ask{Unix: unix, Calendar: &cal, Input: 1}, &taken, &v)
	if err != nil {
		t.Fatal(err)
	}
	if refusal != nil {
		return nil
	}
	return &taken
}

func (c *Counters) remembered() int {
	c.visitors.mu.Lock()
	defer c.visitors.mu.Unlock()
	return len(c.visitors.young) + len(c.visitors.old)
}

// However many addresses come, so many are remembered; those who come again are
// known, and those with a request in flight are never forgotten.
func TestAFloodOfVisitorsTakesBoundedMemory(t *testing.T) {
	const most, now = 100, 1_700_000_000
	c := flood(most)
	held := take(t, c, visit(-1, 1), now)
	used := visit(-2, 1)
	c.Settle(used, take(t, c, used, now), limit.Amount{Requests: 1})
	for i := range 50 * most {
		chain := visit(i, 1)
		taken := take(t, c, chain, now)
		if taken == nil {
			t.Fatalf("visitor %d is new and was refused", i)
		}
		c.Settle(chain, taken, limit.Amount{Requests: 1, Tokens: 1})
		if take(t, c, chain, now) != nil {
			t.Fatalf("visitor %d had one request a minute and got two", i)
		}
		if i%(most/4) == 0 && take(t, c, used, now) != nil {
			t.Fatalf("who comes again and again was forgotten after %d others", i)
		}
		if n := c.remembered(); n > most+1 {
			t.Fatalf("%d are remembered", n)
		}
	}
	if take(t, c, visit(-1, 1), now) != nil {
		t.Error("who has a request in flight was forgotten")
	}
	c.Settle(visit(-1, 1), held, limit.Amount{Requests: 1})
	if take(t, c, visit(1, 1), now) == nil {
		t.Error("an early visitor is still remembered")
	}
}

// Takes, settlements and forgetting at the same time never lose a slot, and never
// let one address have more than one at a time.
func TestVisitorsInParallel(t *testing.T) {
	const now = 1_700_000_000
	c := flood(8)
	var inFlight [4]atomic.Int32
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				who := (g + i) % len(inFlight)
				chain := visit(who, 1<<30)
				chain[1].Limits[0] = limit.Limit{Meter: limit.Concurrency, Window: limit.Total, Max: 1}
				taken := take(t, c, chain, now)
				other := visit(100+g*10_000+i, 1)
				if next := take(t, c, other, now); next != nil {
					c.Undo(other, next)
				}
				if taken == nil {
					continue
				}
				if inFlight[who].Add(1) != 1 {
					t.Error("two at a time")
				}
				inFlight[who].Add(-1)
				c.Settle(chain, taken, limit.Amount{Requests: 1})
			}
		})
	}
	wg.Wait()
	cal := limit.CalendarAt(time.Unix(now, 0), time.UTC)
	org := limit.Chain{{ID: limit.ID{Kind: limit.Organization, ID: "org_1"}, Limits: []limit.Limit{{Meter: limit.Concurrency, Window: limit.Total}}}}
	readings, err := c.Read(t.Context(), org, &cal, now)
	if err != nil || readings[0].Held != 0 {
		t.Errorf("%+v, %v", readings, err)
	}
}
