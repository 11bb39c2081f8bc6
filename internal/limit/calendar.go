package limit

import (
	"math"
	"time"
)

// Calendar is the calendar windows around one instant, in Unix seconds: each
// starts at its start and ends just before its end.
type Calendar struct {
	Day, DayEnd     int64
	Week, WeekEnd   int64
	Month, MonthEnd int64
}

// CalendarAt finds the windows around t in loc. Days begin with their first
// instant even where midnight is skipped or comes twice; weeks begin on Monday.
func CalendarAt(t time.Time, loc *time.Location) Calendar {
	t = t.In(loc)
	y, m, d := t.Date()
	monday := d - (int(t.Weekday())+6)%7
	return Calendar{
		Day: dayStart(y, m, d, loc), DayEnd: dayStart(y, m, d+1, loc),
		Week: dayStart(y, m, monday, loc), WeekEnd: dayStart(y, m, monday+7, loc),
		Month: dayStart(y, m, 1, loc), MonthEnd: dayStart(y, m+1, 1, loc),
	}
}

// Covers reports whether the windows are still those of the instant unix.
func (c *Calendar) Covers(unix int64) bool { return unix >= c.Day && unix < c.DayEnd }

// start is where window w began; Total began at 0.
func (c *Calendar) start(w Window) int64 {
	switch w {
	case Day:
		return c.Day
	case Week:
		return c.Week
	case Month:
		return c.Month
	}
	return 0
}

// end is when window w opens anew; for one that never does, the end of time.
func (c *Calendar) end(w Window) int64 {
	switch w {
	case Day:
		return c.DayEnd
	case Week:
		return c.WeekEnd
	case Month:
		return c.MonthEnd
	}
	return math.MaxInt64
}

// dayStart is the first instant of a local date. time.Date alone is not enough:
// where a clock change skips midnight it may answer 23:00 of the day before, and
// where midnight comes twice it may answer the second one.
func dayStart(y int, m time.Month, d int, loc *time.Location) int64 {
	noon := time.Date(y, m, d, 12, 0, 0, 0, loc)
	y, m, d = noon.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	if t.Day() != d {
		_, change := t.ZoneBounds()
		return change.Unix()
	}
	if change, _ := t.ZoneBounds(); !change.IsZero() {
		_, before := change.Add(-1).Zone()
		first := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() - int64(before)
		if first < t.Unix() && time.Unix(first, 0).In(loc).Day() == d {
			return first
		}
	}
	return t.Unix()
}
