package ledger

import (
	"context"
	"time"

	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// Dimension is what sums can be parted by.
type Dimension uint8

// The dimensions.
const (
	ByDay Dimension = iota // the calendar day on which a request was admitted
	ByKey
	ByUser
	ByProvider
	ByModel
	ByChatbot
	ByCredential
)

// Stats adds up entries.
type Stats struct {
	Requests     int64 // forwarded, failed ones too
	Failed       int64 // of Requests: with the outcome Failed
	InputTokens  int64 // read, cached or not
	OutputTokens int64 // written, reasoning included
	Cost         money.NanoUSD
	DurationMS   int64 // of all Requests together
}

// AverageMS is how long a request took on average, in milliseconds rounded half
// up; 0 without requests.
func (s Stats) AverageMS() int64 {
	if s.Requests == 0 {
		return 0
	}
	return (s.DurationMS + s.Requests/2) / s.Requests
}

// Add is both sums together.
func (s Stats) Add(t Stats) Stats {
	return Stats{
		Requests: s.Requests + t.Requests, Failed: s.Failed + t.Failed,
		InputTokens: s.InputTokens + t.InputTokens, OutputTokens: s.OutputTokens + t.OutputTokens,
		Cost: s.Cost.Add(t.Cost), DurationMS: s.DurationMS + t.DurationMS,
	}
}

// Group is the sum of the entries that are alike in the dimensions asked for; the
// others are empty.
type Group struct {
	Day       string // 2006-01-02
	KeyID     string
	KeyName   string // the key's name on its newest entry; with ByKey
	UserID    string // "" = of keys without owner
	Provider  string
	Model     string
	ChatbotID string // "" = not through a chatbot
	// CredentialID is who paid the provider; "" = the platform itself.
	CredentialID string
	Stats
}

// Offset is what is added to a Unix time before Until to give local time.
type Offset struct {
	Until   int64 // Unix seconds
	Seconds int64
}

// dayFormat is a calendar day in text.
const dayFormat = "2006-01-02"

// Series sums up the entries that f chooses, whatever its Offset and Limit, by
// the dimensions. Days are those of loc (nil = UTC), in order, and then the
// dearest group comes first. Sums by nothing but ByDay have a group for each day
// from f.From to f.To, if both are set, and else from the first day to the last.
func (l *Ledger) Series(ctx context.Context, f Filter, by []Dimension, loc *time.Location) ([]Group, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, err
	}
	if loc == nil {
		loc = time.UTC
	}
	groups, err := l.reader.Series(ctx, f, by, offsets(loc, f.From, f.To))
	if err != nil {
		return nil, unavailable(err)
	}
	if len(by) == 1 && by[0] == ByDay {
		groups = fillDays(groups, f.From, f.To, loc)
	}
	return groups, nil
}

// offsets are those of loc from one instant to another, in order; the last has no
// end. Zero times are open. There is nothing long ago, nor after tomorrow, that
// they would be needed for.
func offsets(loc *time.Location, from, to time.Time) []Offset {
	if tomorrow := time.Now().AddDate(0, 0, 1); to.IsZero() || to.After(tomorrow) {
		to = tomorrow
	}
	if begin := time.Unix(firstEntry, 0); from.Before(begin) {
		from = begin
	}
	var out []Offset
	for t := from.In(loc); ; {
		_, seconds := t.Zone()
		_, change := t.ZoneBounds()
		if change.IsZero() || change.After(to) {
			return append(out, Offset{Until: 1<<63 - 1, Seconds: int64(seconds)})
		}
		out = append(out, Offset{Until: change.Unix(), Seconds: int64(seconds)})
		t = change
	}
}

// firstEntry is before any entry, carried ones too: the year 2020. Zones changed their
// clocks by odd minutes once, but no more.
const firstEntry = 1577836800

// fillDays puts the days in between on which nothing was used.
func fillDays(groups []Group, from, to time.Time, loc *time.Location) []Group {
	var first, last string
	if n := len(groups); n > 0 {
		first, last = groups[0].Day, groups[n-1].Day
	}
	if !from.IsZero() && !to.IsZero() && from.Before(to) {
		first, last = from.In(loc).Format(dayFormat), to.Add(-1).In(loc).Format(dayFormat)
	}
	if first == "" {
		return groups
	}
	out := make([]Group, 0, len(groups))
	for _, day := range days(first, last) {
		if len(groups) > 0 && groups[0].Day == day {
			out, groups = append(out, groups[0]), groups[1:]
			continue
		}
		out = append(out, Group{Day: day})
	}
	return out
}

// days are the calendar days from first to last, both included.
func days(first, last string) []string {
	var out []string
	t, err := time.Parse(dayFormat, first)
	for day := first; err == nil && day <= last; day = t.Format(dayFormat) {
		out = append(out, day)
		t = t.AddDate(0, 0, 1)
	}
	return out
}

// dayEnd is the instant at which a calendar day is over.
func dayEnd(day string, loc *time.Location) time.Time {
	t, err := time.ParseInLocation(dayFormat+" 15", day+" 12", loc)
	if err != nil {
		return time.Time{}
	}
	cal := limit.CalendarAt(t, loc)
	return time.Unix(cal.DayEnd, 0).UTC()
}
