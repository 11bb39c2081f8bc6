package ledger_test

import (
	"errors"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// However a request ends, its slot is free again, once: also when it ends twice,
// when the key's limit was changed meanwhile, when nobody ends it, and when the
// process dies.
func TestE8_ASlotIsAlwaysGivenBack(t *testing.T) {
	slots := func(n int64) limit.Chain {
		return chain(limit.Limit{Meter: limit.Concurrency, Window: limit.Total, Max: n})
	}
	take := func(t *testing.T, h house, n int64) *ledger.Hold {
		t.Helper()
		hold, err := h.Reserve(t.Context(), request(slots(n)))
		if err != nil {
			t.Fatal(err)
		}
		return hold
	}
	full := func(t *testing.T, h house, n int64) {
		t.Helper()
		_, err := h.Reserve(t.Context(), request(slots(n)))
		if !errors.Is(err, fault.ConcurrencyLimited) || fault.Of(err).RetryAfter != time.Second {
			t.Fatalf("with %d in flight: %v", n, err)
		}
	}
	for name, end := range map[string]func(*ledger.Hold){
		"settled":     func(h *ledger.Hold) { h.Settle(used(50)) },
		"estimated":   func(h *ledger.Hold) { h.Settle(ledger.Result{Outcome: ledger.Estimated}) },
		"unconfirmed": func(h *ledger.Hold) { h.Settle(ledger.Result{Outcome: ledger.Unconfirmed}) },
		"released":    func(h *ledger.Hold) { h.Release(502, fault.UpstreamUnavailable, "") },
		"more than held": func(h *ledger.Hold) {
			h.Settle(used(100_000))
			h.Release(500, fault.Internal, "")
			h.Settle(used(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, t.TempDir(), nil, ledger.Options{})
			for range 3 {
				one, two := take(t, h, 2), take(t, h, 2)
				full(t, h, 2)
				end(one)
				three := take(t, h, 2)
				full(t, h, 2)
				full(t, h, 1) // a limit that was lowered counts those that came before it
				end(two)
				end(three)
			}
			if states, err := h.Inspect(t.Context(), slots(2), nil); err != nil || states[0].Held != 0 {
				t.Errorf("with nothing in flight: %+v, %v", states, err)
			}
		})
	}
	t.Run("crashed", func(t *testing.T) {
		dir := t.TempDir()
		h := open(t, dir, nil, ledger.Options{ApplyInterval: time.Hour})
		take(t, h, 2)
		take(t, h, 2)
		full(t, h, 2)
		h = open(t, crashed(t, dir), nil, ledger.Options{})
		take(t, h, 2)
		take(t, h, 2)
		full(t, h, 2)
		if n := h.total(t).Requests; n != 2 { // those that were in flight are booked
			t.Errorf("%d requests are booked", n)
		}
	})
	t.Run("never ended", func(t *testing.T) {
		h := open(t, t.TempDir(), nil, ledger.Options{HoldFor: 10 * time.Millisecond})
		left := take(t, h, 1)
		deadline := time.Now().Add(10 * time.Second)
		for h.InFlight() > 0 && time.Now().Before(deadline) {
			_ = h.Flush(t.Context())
		}
		again := take(t, h, 1)
		left.Settle(used(1)) // too late, and gives nothing back
		full(t, h, 1)
		again.Settle(used(1))
	})
}
