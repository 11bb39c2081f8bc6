package limit

import (
	"testing"
	"time"
)

// What was used elsewhere is in the windows that its instant is in, and in no
// other; taking it back leaves the calendar windows as they were.
func TestCarryCountsWhereItsInstantIs(t *testing.T) {
	now := time.Date(2026, 3, 18, 15, 30, 0, 0, time.UTC) // a Wednesday
	cal := CalendarAt(now, time.UTC)
	day := time.Date(2026, 3, 18, 0, 0, 0, 0, time.UTC)
	windows := []Window{Minute, Hour, Day, Week, Month, Total}
	for name, tt := range map[string]struct {
		at   time.Time
		want []int64 // of each window
	}{
		"now":                       {now, []int64{7, 7, 7, 7, 7, 7}},
		"two minutes ago":           {now.Add(-2 * time.Minute), []int64{0, 7, 7, 7, 7, 7}},
		"two hours ago":             {now.Add(-2 * time.Hour), []int64{0, 0, 7, 7, 7, 7}},
		"at midnight":               {day, []int64{0, 0, 7, 7, 7, 7}},
		"just before midnight":      {day.Add(-time.Second), []int64{0, 0, 0, 7, 7, 7}},
		"before Monday":             {day.AddDate(0, 0, -2).Add(-time.Second), []int64{0, 0, 0, 0, 7, 7}},
		"before the month":          {time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC), []int64{0, 0, 0, 0, 0, 7}},
		"before there was anything": {time.Unix(0, 0), []int64{0, 0, 0, 0, 0, 7}},
	} {
		s := NewState(&cal, now.Unix(), Sums{})
		s.Carry(&cal, now.Unix(), tt.at.Unix(), Amount{Requests: 1, Tokens: 3, Cost: 7})
		for i, w := range windows {
			if got := s.Read(&Limit{Meter: Cost, Window: w}, &cal, now.Unix()).Used; got != tt.want[i] {
				t.Errorf("%s: %d in a %s, want %d", name, got, w, tt.want[i])
			}
			want := min(tt.want[i], 3)
			if got := s.Read(&Limit{Meter: Tokens, Window: w}, &cal, now.Unix()).Used; got != want {
				t.Errorf("%s: %d tokens in a %s, want %d", name, got, w, want)
			}
		}
		s.Uncarry(&cal, now.Unix(), tt.at.Unix(), Amount{Requests: 1, Tokens: 3, Cost: 7})
		for _, w := range windows[2:] {
			for _, m := range []Meter{Requests, Tokens, Cost} {
				if got := s.Read(&Limit{Meter: m, Window: w}, &cal, now.Unix()).Used; got != 0 {
					t.Errorf("%s: %d %s are left in a %s after it was taken back", name, got, m, w)
				}
			}
		}
	}
}

// A window that has ended meanwhile never held it, and is not made less by taking
// it back.
func TestUncarryAfterMidnight(t *testing.T) {
	before := time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC)
	cal := CalendarAt(before, time.UTC)
	s := NewState(&cal, before.Unix(), Sums{Total: Amount{Cost: 5}})
	s.Carry(&cal, before.Unix(), before.Unix(), Amount{Cost: 7})
	after := before.Add(time.Second)
	next := CalendarAt(after, time.UTC)
	s.Uncarry(&next, after.Unix(), before.Unix(), Amount{Cost: 7})
	for w, want := range map[Window]int64{Day: 0, Month: 0, Total: 5} {
		if got := s.Read(&Limit{Meter: Cost, Window: w}, &next, after.Unix()).Used; got != want {
			t.Errorf("%d in the %s, want %d", got, w, want)
		}
	}
}
