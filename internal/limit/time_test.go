package limit

import (
	"testing"
	"time"

	"tollgate/internal/fault"
)

// TestZoneChangeGivesNothingBack uses a day up in one zone and goes on in
// another whose day began at another instant.
func TestZoneChangeGivesNothingBack(t *testing.T) {
	tokyo, newYork := time.FixedZone("Tokyo", 9*3600), time.FixedZone("New York", -5*3600)
	for _, c := range []struct{ from, to *time.Location }{{tokyo, newYork}, {newYork, tokyo}} {
		for hour := range 24 {
			now := time.Date(2026, 3, 10, hour, 30, 0, 0, time.UTC)
			chain, states := chainOf(
				Limit{Meter: Cost, Window: Day, Max: 1000}, Limit{Meter: Cost, Window: Week, Max: 1000}, Limit{Meter: Cost, Window: Month, Max: 1000})
			used := askAt(now, c.from, 600)
			Decide(chain, states, used)
			done := Take(states, used, 0)
			Settle(states, &done, Amount{Cost: 600})
			open := Take(states, askAt(now, c.from, 400), 0)
			if _, refusal := Decide(chain, states, askAt(now.Add(time.Minute), c.to, 1)); refusal == nil {
				t.Errorf("%s to %s at %s: the day was used up, and more was admitted", c.from, c.to, now)
			}
			Settle(states, &open, Amount{Cost: 400})
			for i, l := range chain[0].Limits {
				r := states[0].Read(&chain[0].Limits[i], askAt(now.Add(time.Minute), c.to, 0).Calendar, now.Unix()+60)
				if r.Held != 0 || r.Used < 1000 {
					t.Errorf("%s to %s at %s: %s used %d, held %d", c.from, c.to, now, l.Window, r.Used, r.Held)
				}
			}
		}
	}
}

func askAt(t time.Time, loc *time.Location, cost int64) *Ask {
	a := ask(t.Unix(), cost, 0)
	cal := CalendarAt(t, loc)
	a.Calendar = &cal
	return a
}

// TestLateRequestMovesOn reads the clock before midnight and comes after a
// request that read it later: it is asked to come as of that instant.
func TestLateRequestMovesOn(t *testing.T) {
	midnight := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC).Unix()
	chain, states := chainOf(Limit{Meter: Cost, Window: Day, Max: 1000})
	first := ask(midnight, 100, 0)
	Decide(chain, states, first)
	held := Take(states, first, 0)

	late := ask(midnight-1, 100, 0)
	v, refusal := Decide(chain, states, late)
	if refusal != nil || v.Late != midnight {
		t.Fatalf("late %d, refusal %+v; want %d and none", v.Late, refusal, midnight)
	}
	late = ask(v.Late, 100, 0)
	Decide(chain, states, late)
	second := Take(states, late, 0)
	Settle(states, &held, Amount{Cost: 100})
	Settle(states, &second, Amount{Cost: 100})
	if r := states[0].Read(&chain[0].Limits[0], calendar(midnight+5), midnight+5); r.Used != 200 || r.Held != 0 {
		t.Errorf("used %d, held %d", r.Used, r.Held)
	}
}

// TestHugeHoldsComeBack takes and gives back holds that together pass the end
// of the numbers.
func TestHugeHoldsComeBack(t *testing.T) {
	now := at.Unix()
	chain, states := chainOf()
	Decide(chain, states, ask(now, 0, 0))
	var taken []Taken
	for range 100 {
		a := ask(now, 1<<62, 1<<62)
		a.OutputPrice, a.Choices = 1<<62, 1<<62
		taken = append(taken, Take(states, a, 1<<62))
	}
	for i := range taken {
		Settle(states, &taken[i], Amount{})
	}
	l := Limit{Meter: Cost, Window: Total}
	if r := states[0].Read(&l, calendar(now), now); r.Used != 0 || r.Held != 0 {
		t.Errorf("used %d, held %d", r.Used, r.Held)
	}
}

// Requests count for the sixty seconds after them, and for one more at most; each
// answer says how many are left and when the next one fits.
func TestE7_TheTrailingMinute(t *testing.T) {
	chain, states := chainOf(Limit{Meter: Requests, Window: Minute, Max: 3})
	start := at.Unix()
	for _, step := range []struct {
		at      int64 // seconds after the start
		allowed bool
		left    int64 // before it
		opens   int64 // when room comes, or a refused one fits
	}{
		{0, true, 3, 61},
		{10, true, 2, 61},
		{59, true, 1, 61},
		{59, false, 0, 61},
		{60, false, 0, 61}, // the last of sixty seconds is counted whole
		{61, true, 1, 71},
		{61, false, 0, 71},
		{71, true, 1, 120},
		{119, false, 0, 120},
		{120, true, 1, 122},
		{600, true, 3, 661}, // nothing of it is left
	} {
		a := ask(start+step.at, 0, 0)
		v, refusal := Decide(chain, states, a)
		if (refusal == nil) != step.allowed {
			t.Fatalf("after %d s: %+v", step.at, refusal)
		}
		if refusal != nil {
			if refusal.Kind() != fault.RateLimited || refusal.Retry != start+step.opens {
				t.Errorf("after %d s: %s, to be tried again after %d s", step.at, refusal.Kind(), refusal.Retry-start)
			}
			continue
		}
		if v.Requests.Left != step.left || v.Requests.OpensAt != start+step.opens {
			t.Errorf("after %d s: %d are left, the next after %d s", step.at, v.Requests.Left, v.Requests.OpensAt-start)
		}
		Take(states, a, v.Output)
	}
}
