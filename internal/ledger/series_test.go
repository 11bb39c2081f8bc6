package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tollgate/internal/counter/memory"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
	"tollgate/internal/store/sqlite"
)

// booked is a ledger with entries from any time.
func booked(t testing.TB, entries []*ledger.Entry) *ledger.Ledger {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store := db.Ledger()
	for batch := range slices.Chunk(entries, 500) {
		if err := store.Apply(t.Context(), batch, ledger.Position{}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ledger.Open(t.Context(), store, memory.New(store.Load), ledger.Options{Dir: filepath.Join(dir, "journal")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// anyEntries are n random entries between two instants, oldest first.
func anyEntries(rng *rand.Rand, n int, from, to time.Time) []*ledger.Entry {
	of := func(words ...string) string { return words[rng.IntN(len(words))] }
	out := make([]*ledger.Entry, n)
	for i := range out {
		at := from.Add(time.Duration(rng.Int64N(int64(to.Sub(from))))).Truncate(time.Millisecond)
		if rng.IntN(4) == 0 {
			at = at.Truncate(15 * time.Minute) // borders
		}
		key := of("key_a", "key_b", "key_c")
		out[i] = &ledger.Entry{
			ID: ledger.NewRequestID(at), At: at.UnixMilli(), DurationMS: rng.Int64N(5000), OrganizationID: map[string]string{"key_a": "org_1", "key_b": "org_1", "key_c": "org_2"}[key],
			KeyID: key, KeyName: key, UserID: map[string]string{"key_a": "user_1", "key_b": "user_1"}[key],
			ChatbotID: of("", "", "bot_1"), CredentialID: of("", "", "cred_1", "cred_2"), Provider: of("openai", "anthropic"), Model: of("small", "large"), Format: llm.OpenAI,
			Outcome: ledger.Outcome(rng.IntN(4) + 1),
			Usage: llm.Usage{
				Input: rng.Int64N(1000), CacheRead: rng.Int64N(9), CacheWrite: rng.Int64N(9), CacheWrite1h: rng.Int64N(9),
				InputAudio: rng.Int64N(9), Output: rng.Int64N(1000), Reasoning: rng.Int64N(5), OutputAudio: rng.Int64N(9),
			},
			Cost: money.NanoUSD(rng.Int64N(3_000_000_001)),
		}
	}
	slices.SortFunc(out, func(a, b *ledger.Entry) int { return int(a.At - b.At) })
	return out
}

// added is what Series should give, added up entry by entry and in no order.
func added(entries []*ledger.Entry, f ledger.Filter, by []ledger.Dimension, loc *time.Location) map[ledger.Group]ledger.Stats {
	out := map[ledger.Group]ledger.Stats{}
	for _, e := range entries {
		at := time.UnixMilli(e.At)
		switch {
		case f.OrganizationID != "" && e.OrganizationID != f.OrganizationID, f.KeyID != "" && e.KeyID != f.KeyID,
			f.UserID != "" && e.UserID != f.UserID, f.CredentialID != "" && e.CredentialID != f.CredentialID, f.Model != "" && e.Model != f.Model,
			f.Provider != "" && e.Provider != f.Provider, f.Outcome != 0 && e.Outcome != f.Outcome,
			!f.From.IsZero() && at.Before(f.From), !f.To.IsZero() && !at.Before(f.To):
			continue
		}
		var g ledger.Group
		for _, d := range by {
			switch d {
			case ledger.ByDay:
				g.Day = at.In(loc).Format("2006-01-02")
			case ledger.ByKey:
				g.KeyID, g.KeyName = e.KeyID, e.KeyName
			case ledger.ByUser:
				g.UserID = e.UserID
			case ledger.ByProvider:
				g.Provider = e.Provider
			case ledger.ByModel:
				g.Model = e.Model
			case ledger.ByChatbot:
				g.ChatbotID = e.ChatbotID
			case ledger.ByCredential:
				g.CredentialID = e.CredentialID
			}
		}
		one := ledger.Stats{
			Requests: 1, InputTokens: e.Usage.InputTokens(), OutputTokens: e.Usage.OutputTokens(), Cost: e.Cost, DurationMS: e.DurationMS,
		}
		if e.Outcome == ledger.Failed {
			one.Failed = 1
		}
		out[g] = out[g].Add(one)
	}
	return out
}

// TestE10_SeriesAreTheLedgersSums compares sums of any span, filter and grouping
// in zones of every sort with the entries, to the nano-dollar: zones of whole,
// half and quarter hours, with clock changes of an hour, of half an hour and at
// midnight.
func TestE10_SeriesAreTheLedgersSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	first := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 11, 0)
	entries := anyEntries(rng, 6000, first, last)
	l := booked(t, entries)
	zones := []string{"UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago", "Pacific/Chatham"}
	for i := range 150 {
		loc, err := time.LoadLocation(zones[i%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		any := func(values ...string) string { return values[rng.IntN(len(values))] }
		f := ledger.Filter{
			OrganizationID: any("", "org_1"), KeyID: any("", "", "key_a", "key_c"), UserID: any("", "", "", "user_1"),
			CredentialID: any("", "", "", "cred_1"), Provider: any("", "", "openai"), Model: any("", "", "large"), Outcome: ledger.Outcome(max(0, rng.IntN(9)-4)),
		}
		if rng.IntN(3) > 0 {
			f.From = first.Add(time.Duration(rng.Int64N(int64(last.Sub(first))))).Truncate(time.Millisecond)
		}
		if rng.IntN(3) > 0 {
			f.To = first.Add(time.Duration(rng.Int64N(int64(last.Sub(first))))).Truncate(time.Millisecond)
			if rng.IntN(3) == 0 && !f.From.IsZero() {
				f.To = f.From.Add(time.Duration(rng.Int64N(int64(40 * time.Minute)))).Truncate(time.Millisecond)
			}
		}
		var by []ledger.Dimension
		for d := range ledger.ByCredential + 1 {
			if rng.IntN(3) == 0 {
				by = append(by, d)
			}
		}
		groups, err := l.Series(t.Context(), f, by, loc)
		if err != nil {
			t.Fatal(err)
		}
		want := added(entries, f, by, loc)
		label := fmt.Sprintf("%v in %s of %+v", by, loc, f)
		got := map[ledger.Group]ledger.Stats{}
		for j, g := range groups {
			stats := g.Stats
			g.Stats = ledger.Stats{}
			if _, twice := got[g]; twice || j > 0 && groups[j-1].Day > g.Day {
				t.Fatalf("%s: %+v comes twice or in the wrong place", label, g)
			}
			if stats != (ledger.Stats{}) { // a gap that was filled
				got[g] = stats
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d groups, want %d", label, len(got), len(want))
		}
		for g, stats := range want {
			if got[g] != stats {
				t.Fatalf("%s: %+v is %+v, want %+v", label, g, got[g], stats)
			}
		}
	}
	for key, sum := range must(l.Totals(t.Context(), []string{"key_a", "key_b", "key_c", "user_1", "org_1"})) {
		f := map[byte]ledger.Filter{'k': {KeyID: key}, 'u': {UserID: key}, 'o': {OrganizationID: key}}[key[0]]
		all := must(l.Series(t.Context(), f, nil, nil))[0]
		if all.Requests != sum.Requests || all.Cost != sum.Cost || all.InputTokens+all.OutputTokens != sum.Tokens {
			t.Errorf("%s: %+v, want %+v", key, all, sum)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestE10_EveryDayIsThere: days on which nothing was used are zero, and a day that
// the clock change makes longer or shorter is one day.
func TestE10_EveryDayIsThere(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) *ledger.Entry {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return &ledger.Entry{ID: ledger.NewRequestID(when), At: when.UnixMilli(), OrganizationID: "org_1", KeyID: "key_1", Outcome: ledger.Settled, Cost: 1}
	}
	l := booked(t, []*ledger.Entry{
		at("2026-03-28T22:59:59.999Z"), at("2026-03-28T23:00:00Z"), at("2026-03-29T21:59:59.999Z"), // 29 March has 23 hours
		at("2026-03-29T22:00:00Z"), at("2026-04-01T10:00:00Z"),
	})
	days := func(from, to string) (out []string) {
		t.Helper()
		f := ledger.Filter{KeyID: "key_1"}
		if from != "" {
			f.From, f.To = must(time.Parse(time.RFC3339, from)), must(time.Parse(time.RFC3339, to))
		}
		for _, g := range must(l.Series(t.Context(), f, []ledger.Dimension{ledger.ByDay}, vienna)) {
			out = append(out, fmt.Sprintf("%s:%d", g.Day[5:], g.Requests))
		}
		return out
	}
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		{"", "", []string{"03-28:1", "03-29:2", "03-30:1", "03-31:0", "04-01:1"}},
		{"2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", []string{"03-29:2"}},
		{"2026-03-28T22:59:59Z", "2026-03-29T22:00:00.001Z", []string{"03-28:1", "03-29:2", "03-30:1"}},
		{"2026-03-30T12:00:00Z", "2026-04-02T12:00:00Z", []string{"03-30:0", "03-31:0", "04-01:1", "04-02:0"}},
		{"2026-05-01T12:00:00Z", "2026-05-01T12:00:01Z", []string{"05-01:0"}},
		{"2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z", nil},
	} {
		if got := days(c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("[%s, %s): %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// BenchmarkE10_StatsOfAKey sums up a month of a key, which was used three
// thousand times a day, beside a hundred others.
func BenchmarkE10_StatsOfAKey(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, 0)
	entries := anyEntries(rng, 180_000, first, last)
	for i, e := range entries {
		e.OrganizationID, e.KeyID, e.UserID, e.ChatbotID = "org_1", "key_1", "user_1", ""
		e.Provider, e.Outcome = "openai", ledger.Settled
		if i%50 == 0 {
			e.Outcome = ledger.Failed
		}
		if i%2 == 0 {
			e.KeyID = fmt.Sprint("key_", rng.IntN(100))
		}
	}
	l := booked(b, entries)
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		b.Fatal(err)
	}
	for _, by := range [][]ledger.Dimension{{ledger.ByDay}, {ledger.ByModel}} {
		b.Run(fmt.Sprint(by), func(b *testing.B) {
			for b.Loop() {
				f := ledger.Filter{OrganizationID: "org_1", KeyID: "key_1", From: first.Add(7 * time.Minute), To: last.Add(-7 * time.Minute)}
				if _, err := l.Series(b.Context(), f, by, vienna); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
