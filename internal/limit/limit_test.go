package limit

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tollgate/internal/fault"
	"tollgate/internal/money"
)

const day = 86400

// at is a Tuesday noon, UTC.
var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func calendar(unix int64) *Calendar {
	c := CalendarAt(time.Unix(unix, 0), time.UTC)
	return &c
}

func ask(unix, input, output int64) *Ask {
	return &Ask{
		Unix: unix, Calendar: calendar(unix),
		Input: input, InputCost: money.NanoUSD(input), Output: output,
		LeastOutput: min(64, output), OutputPrice: 1000, // one nano-dollar a token
	}
}

func chainOf(limits ...Limit) (Chain, []*State) {
	return Chain{{ID: ID{Key, "k"}, Limits: limits}}, []*State{{}}
}

func TestRequestsBorder(t *testing.T) {
	now := at.Unix()
	for _, w := range []Window{Minute, Hour, Day, Week, Month, Total} {
		chain, states := chainOf(Limit{Meter: Requests, Window: w, Max: 3})
		for n := 1; n <= 4; n++ {
			out, refusal := Decide(chain, states, ask(now, 1, 1))
			if ok := n <= 3; ok != (refusal == nil) {
				t.Fatalf("%s: request %d of 3: refusal %+v", w, n, refusal)
			} else if ok {
				Take(states, ask(now, 1, 1), out.Output)
			}
		}
	}
}

func TestZeroDenies(t *testing.T) {
	for _, l := range []Limit{
		{Meter: Tokens, Window: Day},
		{Meter: Cost, Window: Total},
		{Meter: Concurrency, Window: Total},
		{Meter: Cost, Window: Total, Mode: Soft},
	} {
		chain, states := chainOf(l)
		if _, refusal := Decide(chain, states, ask(at.Unix(), 1, 1)); refusal == nil {
			t.Errorf("%s: max 0 admitted a request", l.Meter)
		}
	}
}

func TestTrailingWindowNeverPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.SampledFrom([]Window{Minute, Hour}).Draw(t, "window")
		width := map[Window]int64{Minute: 60, Hour: 3600}[window]
		chain, states := chainOf(Limit{Meter: Requests, Window: window, Max: 5})
		now := at.Unix()
		var admitted []int64
		for range 200 {
			now += rapid.Int64Range(0, width/4).Draw(t, "step")
			if out, refusal := Decide(chain, states, ask(now, 0, 0)); refusal == nil {
				Take(states, ask(now, 0, 0), out.Output)
				admitted = append(admitted, now)
			} else if refusal.Retry <= now || refusal.Retry > now+width+width/60 {
				t.Fatalf("refused at %d, told to retry at %d", now, refusal.Retry)
			} else {
				at := *states[0]
				at.minute.older = append([]bucket(nil), at.minute.older...)
				at.hour.older = append([]bucket(nil), at.hour.older...)
				if _, again := Decide(chain, []*State{&at}, ask(refusal.Retry, 0, 0)); again != nil {
					t.Fatalf("refused at %d, told to retry at %d, and refused again", now, refusal.Retry)
				}
			}
		}
		for i := 5; i < len(admitted); i++ {
			if admitted[i]-admitted[i-5] < width {
				t.Fatalf("6 requests within %d s", admitted[i]-admitted[i-5])
			}
		}
	})
}

func TestClamp(t *testing.T) {
	now := at.Unix()
	for _, c := range []struct {
		name          string
		max           int64
		input, output int64
		choices       int64
		want          int64 // -1 = refused
	}{
		{"fits", 1100, 100, 1000, 1, 1000},
		{"one short", 1099, 100, 1000, 1, 999},
		{"floor", 164, 100, 1000, 1, 64},
		{"below the floor", 163, 100, 1000, 1, -1},
		{"own cap below the floor", 110, 100, 10, 1, 10},
		{"own cap does not fit", 109, 100, 10, 1, -1},
		{"choices share", 100 + 4*70 + 3, 100, 1000, 4, 70},
		{"no output", 100, 100, 0, 1, 0},
		{"no output, too much", 99, 100, 0, 1, -1},
	} {
		for _, meter := range []Meter{Tokens, Cost} {
			chain, states := chainOf(Limit{Meter: meter, Window: Total, Max: c.max})
			a := ask(now, c.input, c.output)
			a.Choices = c.choices
			v, refusal := Decide(chain, states, a)
			out := v.Output
			if refusal != nil {
				out = -1
			}
			if out != c.want {
				t.Errorf("%s, %s: output cap %d, want %d", c.name, meter, out, c.want)
			}
		}
	}
}

func TestRefusalKinds(t *testing.T) {
	now := at.Unix()
	budget := Limit{Meter: Cost, Window: Total, Max: 1000}
	chain, states := chainOf(budget)
	held := Take(states, ask(now, 900, 0), 0)

	_, refusal := Decide(chain, states, ask(now, 200, 0))
	if refusal.Kind() != fault.BudgetHeld {
		t.Errorf("open holds are the cause: %s", refusal.Kind())
	}
	Settle(states, &held, Amount{Tokens: 900, Cost: 900})
	_, refusal = Decide(chain, states, ask(now, 200, 0))
	if refusal.Kind() != fault.BudgetExceeded {
		t.Errorf("spending is the cause: %s", refusal.Kind())
	}
	if _, refusal = Decide(chain, states, ask(now, 100, 0)); refusal != nil {
		t.Errorf("the last 100 were refused: %+v", refusal)
	}
	chain[0].Limits[0].Balance = true
	_, refusal = Decide(chain, states, ask(now, 200, 0))
	if refusal.Kind() != fault.BalanceExhausted {
		t.Errorf("a balance ran out: %s", refusal.Kind())
	}
}

func TestHoldBelongsToItsOwnDay(t *testing.T) {
	evening := at.Add(12*time.Hour - time.Second).Unix()
	chain, states := chainOf(Limit{Meter: Cost, Window: Day, Max: 1000}, Limit{Meter: Cost, Window: Total, Max: 10_000})
	held := Take(states, ask(evening, 800, 0), 0)
	morning := ask(evening+2, 1000, 0)
	if _, refusal := Decide(chain, states, morning); refusal != nil {
		t.Fatalf("a new day has its whole budget: %+v", refusal)
	}
	Settle(states, &held, Amount{Tokens: 700, Cost: 700})
	if _, refusal := Decide(chain, states, morning); refusal != nil {
		t.Fatalf("yesterday's settlement fell on today: %+v", refusal)
	}
	r := states[0].Read(&chain[0].Limits[1], calendar(evening+2), evening+2)
	if r.Used != 700 || r.Held != 0 {
		t.Errorf("total: used %d held %d, want 700 and 0", r.Used, r.Held)
	}
}

func TestE8_ConcurrencySlotsComeBack(t *testing.T) {
	now := at.Unix()
	chain, states := chainOf(Limit{Meter: Concurrency, Window: Total, Max: 2})
	a := Take(states, ask(now, 1, 1), 1)
	Take(states, ask(now, 1, 1), 1)
	if _, refusal := Decide(chain, states, ask(now, 1, 1)); refusal == nil || refusal.Kind() != fault.ConcurrencyLimited {
		t.Fatalf("a third slot of two: %+v", refusal)
	}
	Settle(states, &a, Amount{})
	if _, refusal := Decide(chain, states, ask(now, 1, 1)); refusal != nil {
		t.Fatalf("the slot did not come back: %+v", refusal)
	}
}

// TestBooksBalance drives random asks, settlements and undos over random limits
// and windows and holds every hard limit to its max after each step.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var limits []Limit
		for _, m := range []Meter{Requests, Tokens, Cost} {
			for w := Minute; w <= Total; w++ {
				if rapid.Bool().Draw(t, "has") {
					limits = append(limits, Limit{Meter: m, Window: w, Max: rapid.Int64Range(0, 3000).Draw(t, "max")})
				}
			}
		}
		chain, states := chainOf(limits...)
		now := at.Unix()
		type open struct {
			taken  Taken
			output int64
		}
		var holds []open
		for range 100 {
			now += rapid.SampledFrom([]int64{0, 0, 1, 30, 60, 3600, day}).Draw(t, "step")
			switch {
			case len(holds) > 0 && rapid.Bool().Draw(t, "end"):
				h := holds[0]
				holds = holds[1:]
				if rapid.Bool().Draw(t, "undo") {
					Undo(states, &h.taken)
				} else {
					used := rapid.Int64Range(0, h.taken.Amount.Tokens).Draw(t, "used")
					Settle(states, &h.taken, Amount{Tokens: used, Cost: money.NanoUSD(used)})
				}
			default:
				a := ask(now, rapid.Int64Range(0, 500).Draw(t, "input"), rapid.Int64Range(0, 500).Draw(t, "output"))
				if out, refusal := Decide(chain, states, a); refusal == nil {
					holds = append(holds, open{Take(states, a, out.Output), out.Output})
				}
			}
			for i := range limits {
				r := states[0].Read(&limits[i], calendar(now), now)
				if r.Used+r.Held > limits[i].Max || r.Used < 0 || r.Held < 0 {
					t.Fatalf("%s/%s: used %d + held %d, max %d", limits[i].Meter, limits[i].Window, r.Used, r.Held, limits[i].Max)
				}
			}
		}
		for _, h := range holds {
			Settle(states, &h.taken, Amount{})
		}
		if s := states[0]; s.slots != 0 || s.spans[3].heldTokens != 0 || s.spans[3].heldCost != 0 {
			t.Fatalf("all holds ended, and yet: %d slots, %d tokens, %d nano-USD held", s.slots, s.spans[3].heldTokens, s.spans[3].heldCost)
		}
	})
}

func TestNewStateRemembers(t *testing.T) {
	now := at.Unix()
	s := NewState(calendar(now), now, Sums{
		Day: Amount{Requests: 5, Tokens: 50, Cost: 500}, Total: Amount{Requests: 9, Tokens: 90, Cost: 900},
		Minutes: []MinuteSum{{now - 7200, Amount{Requests: 9}}, {now - 3000, Amount{Requests: 2}}, {now - 60, Amount{Requests: 3}}},
	})
	for _, c := range []struct {
		l    Limit
		want int64
	}{
		{Limit{Meter: Requests, Window: Minute}, 3},
		{Limit{Meter: Requests, Window: Hour}, 5},
		{Limit{Meter: Requests, Window: Day}, 5},
		{Limit{Meter: Cost, Window: Total}, 900},
		{Limit{Meter: Tokens, Window: Month}, 0},
	} {
		if r := s.Read(&c.l, calendar(now), now); r.Used != c.want {
			t.Errorf("%s/%s: used %d, want %d", c.l.Meter, c.l.Window, r.Used, c.want)
		}
	}
}

func TestCalendar(t *testing.T) {
	for _, c := range []struct{ zone, instant, day, dayEnd string }{
		{"UTC", "2026-03-10T12:00:00Z", "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},     // 23 hours
		{"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},     // 25 hours
		{"America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // midnight skipped
		{"America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},    // midnight twice
		{"Asia/Kathmandu", "2026-03-10T12:00:00Z", "2026-03-09T18:15:00Z", "2026-03-10T18:15:00Z"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		instant, _ := time.Parse(time.RFC3339, c.instant)
		cal := CalendarAt(instant, loc)
		show := func(u int64) string { return time.Unix(u, 0).UTC().Format(time.RFC3339) }
		if show(cal.Day) != c.day || show(cal.DayEnd) != c.dayEnd {
			t.Errorf("%s at %s: day %s to %s, want %s to %s", c.zone, c.instant, show(cal.Day), show(cal.DayEnd), c.day, c.dayEnd)
		}
		if !cal.Covers(instant.Unix()) || cal.Covers(cal.DayEnd) || cal.Covers(cal.Day-1) {
			t.Errorf("%s: Covers is off at a border", c.zone)
		}
	}
	cal := CalendarAt(time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC), time.UTC) // a Sunday
	if got := time.Unix(cal.Week, 0).UTC().Format(time.DateOnly); got != "2026-02-23" {
		t.Errorf("the week of Sunday 1 March began on %s, want Monday 2026-02-23", got)
	}
	if got := time.Unix(cal.MonthEnd, 0).UTC().Format(time.DateOnly); got != "2026-04-01" {
		t.Errorf("March ended before %s", got)
	}
}

func TestHugeAmountsSaturate(t *testing.T) {
	chain, states := chainOf(Limit{Meter: Cost, Window: Total, Max: math.MaxInt64})
	a := ask(at.Unix(), math.MaxInt64, math.MaxInt64)
	a.OutputPrice, a.Choices = math.MaxInt64, math.MaxInt64
	a.LeastOutput = a.Output
	if _, refusal := Decide(chain, states, a); refusal != nil && refusal.Needed < 0 {
		t.Errorf("overflow: %+v", refusal)
	}
}
