package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// elsewhere is what a key has used elsewhere.
func elsewhere(cost money.NanoUSD, at time.Time) ledger.Entry {
	e := ledger.Entry{
		OrganizationID: "org_1", UserID: "user_1", KeyID: "key_1", KeyName: "one", Provider: "litellm",
		Usage: llm.Usage{Input: 7}, Cost: cost,
	}
	if !at.IsZero() {
		e.At = at.UnixMilli()
	}
	return e
}

func owned(limits ...limit.Limit) limit.Chain {
	return limit.Chain{
		{ID: limit.ID{Kind: limit.Organization, ID: "org_1"}, Limits: []limit.Limit{budget(1e15), {Meter: limit.Cost, Window: limit.Day, Max: 1e15}, {Meter: limit.Requests, Window: limit.Minute, Max: 1000}}},
		{ID: limit.ID{Kind: limit.User, ID: "user_1"}, Limits: []limit.Limit{budget(1e15)}},
		{ID: limit.ID{Kind: limit.Key, ID: "key_1"}, Limits: limits},
	}
}

// counts is what counts against each limit of a chain.
func (h house) counts(t testing.TB, c limit.Chain) []int64 {
	t.Helper()
	states, err := h.Inspect(t.Context(), c, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var list []int64
	for _, s := range states {
		list = append(list, s.Used)
	}
	return list
}

func counted(t testing.TB, what string, got, want []int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

// What was used elsewhere is one entry, in every sum, and counts at once against
// the limits of all whose it is, in use or not, and after a restart.
func TestCarriedUseCounts(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{})
	c := owned(budget(1000), limit.Limit{Meter: limit.Tokens, Window: limit.Day, Max: 1000})
	counted(t, "before", h.counts(t, c[:2]), []int64{0, 0, 0, 0}) // loads the organization and the user, as requests do
	long := time.Now().AddDate(-1, 0, 0)
	ran := 0
	record := func(context.Context) error { ran++; return nil }
	if err := h.Carry(t.Context(), elsewhere(900, long), time.UTC, record); err != nil {
		t.Fatal(err)
	}
	counted(t, "a year ago", h.counts(t, c), []int64{900, 0, 0, 900, 900, 0})
	var refused *ledger.Refused
	if _, err := h.Reserve(t.Context(), request(c)); !errors.As(err, &refused) {
		t.Errorf("what was used elsewhere does not count: %v", err)
	}
	rows := h.entries(t)
	if len(rows) != 1 || rows[0].Model != ledger.OpeningModel || rows[0].Endpoint != ledger.OpeningEndpoint || rows[0].Provider != "litellm" ||
		rows[0].Cost != 900 || rows[0].Usage.Input != 7 || rows[0].Outcome != ledger.Settled || ran != 1 {
		t.Errorf("%+v, recorded %d times", rows, ran)
	}
	if d := time.UnixMilli(rows[0].At).Sub(long).Abs(); d > time.Second {
		t.Errorf("it is dated %v off", d)
	}
	totals, err := h.Totals(t.Context(), []string{"org_1", "user_1", "key_1"})
	if err != nil {
		t.Fatal(err)
	}
	for subject, sum := range totals {
		if sum.Cost != 900 || sum.Tokens != 7 || sum.Requests != 1 {
			t.Errorf("%s: %+v", subject, sum)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, nil, ledger.Options{})
	counted(t, "after a restart", again.counts(t, c), []int64{900, 0, 0, 900, 900, 0})
	if n := len(again.entries(t)); n != 1 {
		t.Errorf("%d entries after a restart", n)
	}
}

// Without a date it is of today, and of no trailing minute if the day is older.
func TestCarriedUseWithoutADateIsOfToday(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	c := owned()
	h.counts(t, c)
	if err := h.Carry(t.Context(), elsewhere(5, time.Time{}), time.UTC, nil); err != nil {
		t.Fatal(err)
	}
	got := h.counts(t, c)
	if got[0] != 5 || got[1] != 5 || got[3] != 5 {
		t.Errorf("%v", got)
	}
	if begun := time.Since(time.Now().UTC().Truncate(24 * time.Hour)); begun > 2*time.Minute && got[2] != 0 {
		t.Errorf("it counts %d against a trailing minute", got[2])
	}
	future := elsewhere(1, time.Now().Add(time.Hour))
	future.KeyID = "key_2"
	if err := h.Carry(t.Context(), future, time.UTC, nil); err != nil {
		t.Fatal(err)
	}
	rows, _, err := h.Entries(t.Context(), ledger.Filter{KeyID: "key_2"})
	if err != nil || len(rows) != 1 || time.UnixMilli(rows[0].At).After(time.Now()) {
		t.Errorf("%+v, %v", rows, err)
	}
}

// carrying stands between ledger and store.
type carrying struct {
	ledger.Store
	carry  func(next func() error) error
	booked func(next func() (bool, error)) (bool, error)
}

func (s *carrying) Carry(ctx context.Context, e *ledger.Entry, record func(context.Context) error) error {
	return s.carry(func() error { return s.Store.Carry(ctx, e, record) })
}

func (s *carrying) Booked(ctx context.Context, id ledger.RequestID) (bool, error) {
	next := func() (bool, error) { return s.Store.Booked(ctx, id) }
	if s.booked == nil {
		return next()
	}
	return s.booked(next)
}

// A carry that fails is undone, unless it was stored all the same; of what cannot
// be known it counts.
func TestCarryInTrouble(t *testing.T) {
	disk := errors.New("disk on fire")
	for name, tt := range map[string]struct {
		carry  func(next func() error) error
		booked func(next func() (bool, error)) (bool, error)
		kind   fault.Kind // "" = none
		counts int64
		stored int
	}{
		"failed and not stored": {func(func() error) error { return disk }, nil, fault.StoreUnavailable, 0, 0},
		"failed but stored":     {func(next func() error) error { return errors.Join(next(), disk) }, nil, "", 5, 1},
		"nobody knows": {
			func(func() error) error { return disk },
			func(func() (bool, error)) (bool, error) { return false, disk }, fault.StoreUnavailable, 5, 0,
		},
		"refused by the record": {func(next func() error) error { return next() }, nil, fault.KeyQuotaReached, 0, 0},
	} {
		var tap *carrying
		h := open(t, t.TempDir(), func(s ledger.Store) ledger.Store {
			tap = &carrying{Store: s, carry: tt.carry, booked: tt.booked}
			return tap
		}, ledger.Options{})
		c := owned()
		h.counts(t, c)
		record := func(context.Context) error {
			if tt.kind == fault.KeyQuotaReached {
				return tt.kind
			}
			return nil
		}
		err := h.Carry(t.Context(), elsewhere(5, time.Time{}), time.UTC, record)
		if tt.kind == "" && err != nil || tt.kind != "" && !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v", name, err)
		}
		if got := h.counts(t, c); got[0] != tt.counts || got[1] != tt.counts || got[3] != tt.counts {
			t.Errorf("%s: it counts %v, want %d", name, got, tt.counts)
		}
		if n := len(h.entries(t)); n != tt.stored {
			t.Errorf("%s: %d entries", name, n)
		}
	}
}

// What does not fit into an organization's sums is refused, and nothing of it
// stays: a sum that has overflown could not be read any more, by anybody.
func TestCarryingMoreThanSumsHold(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{})
	c := owned(budget(1000))
	made, refused := 0, 0
	record := func(context.Context) error { made++; return nil }
	for range 12 {
		e := elsewhere(1_000_000_000*money.USD, time.Time{})
		e.Usage.Input = 1 << 60
		err := h.Carry(t.Context(), e, time.UTC, record)
		switch {
		case errors.Is(err, fault.ValidationFailed):
			refused++
		case err != nil:
			t.Fatal(err)
		}
	}
	if made == 0 || refused == 0 || made+refused != 12 {
		t.Fatalf("%d carried, %d refused", made, refused)
	}
	want := int64(made) * int64(1_000_000_000*money.USD)
	sum := must(h.Totals(t.Context(), []string{"org_1"}))["org_1"]
	if sum.Requests != int64(made) || int64(sum.Cost) != want {
		t.Errorf("%+v", sum)
	}
	counts := h.counts(t, c)
	if counts[0] != want {
		t.Errorf("counted %v, want %d", counts, want)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir, nil, ledger.Options{})
	counted(t, "after a restart", h.counts(t, c), counts)
}
