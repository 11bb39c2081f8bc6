package authority

import (
	"net/netip"
	"testing"
	"time"

	"tollgate/internal/fault"
)

// The work done on wrong guesses is bounded whatever they are: each costs what its
// hash costs, it comes back with time, and at once when the key turns out right.
func TestGuessingIsThrottledByWork(t *testing.T) {
	g, now := newGuesses(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	spend := func(cost int) (checked int) {
		t.Helper()
		for {
			try, err := g.begin([]byte{byte(checked), byte(checked >> 8)}, netip.Addr{}, now)
			if err == nil {
				err = try.spend(cost, now)
			}
			if err != nil {
				if f := fault.Of(err); f.Kind != fault.RateLimited || f.RetryAfter < time.Second || f.RetryAfter > 17*time.Second {
					t.Errorf("%v, in %v", err, f.RetryAfter)
				}
				return checked
			}
			checked++
		}
	}
	if n := spend(12); n != 16 {
		t.Errorf("%d of cost 12 at once, want 16", n)
	}
	now = now.Add(999 * time.Millisecond)
	if n := spend(12); n != 0 {
		t.Errorf("%d before a second had passed", n)
	}
	now = now.Add(time.Millisecond)
	if n := spend(12); n != 1 {
		t.Errorf("%d after a second, want 1", n)
	}
	now = now.Add(2 * time.Second)
	if n := spend(4); n != 512 {
		t.Errorf("%d of cost 4 after two seconds, want 512", n)
	}
	now = now.Add(10 * 365 * 24 * time.Hour)
	for range 3 { // right ones cost nothing
		try, err := g.begin([]byte("a"), netip.Addr{}, now)
		if err != nil || try.spend(14, now) != nil {
			t.Fatal("a right one is refused")
		}
		try.right()
	}
	if n := spend(14); n != 4 {
		t.Errorf("%d of cost 14 after ten years, want 4", n)
	}
	now = now.Add(-time.Hour) // a clock that is set back gives nothing and takes nothing
	if n := spend(4); n != 0 {
		t.Errorf("%d after the clock was set back", n)
	}
}

// So many addresses are never remembered that it matters.
func TestGuessersAreForgotten(t *testing.T) {
	g, now := newGuesses(), time.Unix(1e9, 0)
	for i := range 3 * maxGuessers {
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if _, err := g.begin([]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}, from, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.addresses) > maxGuessers {
		t.Errorf("%d addresses are remembered", len(g.addresses))
	}
	for i := range 3 * maxWrong {
		g.remember([32]byte{byte(i), byte(i >> 8)}, 0)
	}
	if len(g.wrong) > maxWrong {
		t.Errorf("%d wrong keys are remembered", len(g.wrong))
	}
	if _, err := g.begin([]byte{1}, netip.Addr{}, now.Add(time.Minute)); err != nil || len(g.keys) != 1 {
		t.Errorf("a minute later %d beginnings are remembered, %v", len(g.keys), err)
	}
}
