package chaos

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// TestE8_SlotsOfAProcessThatDiedAreFree fills all slots of a key, kills the process,
// and fills them again: what died gave them back.
func TestE8_SlotsOfAProcessThatDiedAreFree(t *testing.T) {
	const slots = 3
	p := newProvider(t, simulate.Behaviour{}, nil)
	h := newHouse(t, p)
	c, g := h.start(t)
	key := g.newKey(t, api.KeyInput{ConcurrentLimit: api.Set[int64](slots)})
	for round := range 2 {
		ctx, leave := context.WithCancel(within(t, time.Minute))
		var callers sync.WaitGroup
		before := p.Stats().Requests
		for i := range slots {
			callers.Go(func() {
				g.do(ctx, ask{key: key.SecretKey, stream: i == 0, header: map[string]string{"X-Simulate-Latency": "1m"}})
			})
		}
		for p.Stats().Requests < before+slots && ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		if r := g.do(ctx, ask{key: key.SecretKey}); r.status != http.StatusTooManyRequests || r.code != "concurrency_limited" {
			t.Errorf("round %d, with all slots taken: %d %s", round, r.status, r.code)
		}
		c.kill(t)
		leave()
		callers.Wait()
		c, g = h.start(t)
		if _, held, _ := g.counters(t, key, key.APIKey.ID, "concurrent_limit"); held != 0 {
			t.Errorf("round %d: after the restart %d slots are taken", round, held)
		}
	}
	for i, r := range g.together(slots, func(int) reply {
		return g.do(t.Context(), ask{key: key.SecretKey, header: map[string]string{"X-Simulate-Latency": "50ms"}})
	}) {
		if !r.complete {
			t.Errorf("request %d of %d: %d %s", i+1, slots, r.status, r.body)
		}
	}
}
