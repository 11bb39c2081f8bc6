package pricing_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/pricing"
	"tollgate/internal/store/sqlite"
)

func store(t *testing.T, path string) pricing.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db.Prices()
}

func open(t *testing.T, s pricing.Store) *pricing.Book {
	t.Helper()
	b, err := pricing.Open(t.Context(), s, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func of(model, prices string, from time.Time) catalog.Version {
	return catalog.Version{Provider: "openai", Model: model, Prices: prices, From: from, Source: "test", Actor: "mk_1"}
}

// now is what a model costs now; "none" without a price.
func now(t *testing.T, b *pricing.Book, model string) string {
	t.Helper()
	target, err := b.Catalog().Resolve("openai/"+model, time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if target.Model.Prices() == "" {
		return "none"
	}
	return target.Model.Prices()
}

func outcomes(results []pricing.Result) (list []pricing.Outcome) {
	for _, r := range results {
		list = append(list, r.Outcome)
	}
	return list
}

func TestWhatIsSetIsInForceAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	b := open(t, store(t, path))
	results, err := b.Set(t.Context(), []catalog.Version{
		of("brand-new", "1.00 2.00", time.Time{}), of("gpt-4o-mini", "0.3 0.6 cache_read=0.1", time.Time{}),
		of("gpt-4o-mini-2024-07-18", "0.15 0.60 cache_read=0.075 priority_input=0.25 priority_output=1.00 priority_cache_read=0.125",
			time.Now().AddDate(0, -1, 0)), // what it costs by its undated name
		of("x", "broken", time.Time{}), of("brand-new", "5 5", time.Now().AddDate(1, 0, 0)),
	}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []pricing.Outcome{pricing.New, pricing.Changed, pricing.Unchanged, pricing.Refused, pricing.New}
	for i, got := range outcomes(results) {
		if got != want[i] {
			t.Errorf("row %d: %s, want %s (%v)", i, got, want[i], results[i].Err)
		}
	}
	for range 2 {
		if got := now(t, b, "brand-new"); got != "1.00 2.00" {
			t.Errorf("brand-new costs %s", got)
		}
		if got := now(t, b, "gpt-4o-mini"); got != "0.30 0.60 cache_read=0.10" {
			t.Errorf("gpt-4o-mini costs %s", got)
		}
		if list, err := b.Versions(t.Context()); err != nil || len(list) != 3 || list[1].Actor != "mk_1" || list[1].Source != "test" || list[1].SetAt.IsZero() {
			t.Errorf("%+v, %v", list, err)
		}
		b = open(t, store(t, path)) // the same after a restart
	}
	again, err := b.Set(t.Context(), []catalog.Version{of("gpt-4o-mini", "0.30 0.60 cache_read=0.1", time.Time{})}, false, nil)
	if err != nil || again[0].Outcome != pricing.Unchanged {
		t.Errorf("set again: %+v, %v", again, err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	b := open(t, store(t, filepath.Join(t.TempDir(), "db")))
	results, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "1.00 2.00", time.Time{})}, true, func(context.Context, []pricing.Result) error {
		t.Error("it is recorded")
		return nil
	})
	if err != nil || results[0].Outcome != pricing.New || results[0].After.String() != "1.00 2.00" || now(t, b, "brand-new") != "none" {
		t.Errorf("%+v, %v", results, err)
	}
}

// breaking stands between book and store.
type breaking struct {
	pricing.Store
	add  func(next func() error) error
	read func(next func() ([]catalog.Version, error)) ([]catalog.Version, error)
}

func (s *breaking) AddPriceVersions(ctx context.Context, v []catalog.Version, record func(context.Context) error) error {
	return s.add(func() error { return s.Store.AddPriceVersions(ctx, v, record) })
}

func (s *breaking) PriceVersions(ctx context.Context) ([]catalog.Version, error) {
	next := func() ([]catalog.Version, error) { return s.Store.PriceVersions(ctx) }
	if s.read == nil {
		return next()
	}
	return s.read(next)
}

// Whatever breaks: what is in force is what is stored, at the latest with the next
// call that gets through.
func TestWhatIsInForceIsWhatIsStored(t *testing.T) {
	for name, tt := range map[string]struct {
		add    func(next func() error) error
		stored string
	}{
		"failed and not stored": {func(func() error) error { return fault.StoreUnavailable }, "none"},
		"failed but stored":     {func(next func() error) error { return errors.Join(next(), fault.StoreUnavailable) }, "1.00 2.00"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &breaking{Store: store(t, filepath.Join(t.TempDir(), "db")), add: tt.add}
			b := open(t, s)
			if _, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "1.00 2.00", time.Time{})}, false, nil); err == nil {
				t.Error("it succeeds")
			}
			if got := now(t, b, "brand-new"); got != tt.stored {
				t.Errorf("in force: %s", got)
			}
			// Now it cannot even be read what is stored.
			s.read = func(func() ([]catalog.Version, error)) ([]catalog.Version, error) { return nil, fault.StoreUnavailable }
			if _, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "3.00 4.00", time.Time{})}, false, nil); err == nil {
				t.Error("it succeeds")
			}
			if _, err := b.Versions(t.Context()); err == nil {
				t.Error("what may not be all is shown")
			}
			s.read, s.add = nil, func(next func() error) error { return next() }
			if _, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "5.00 6.00", time.Time{})}, false, nil); err != nil {
				t.Error(err)
			}
			if got := now(t, b, "brand-new"); got != "5.00 6.00" {
				t.Errorf("in the end: %s", got)
			}
		})
	}
}

// What cannot be recorded is not set.
func TestARecordThatFailsUndoesIt(t *testing.T) {
	b := open(t, store(t, filepath.Join(t.TempDir(), "db")))
	broken := errors.New("the audit is full")
	_, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "1.00 2.00", time.Time{})}, false, func(context.Context, []pricing.Result) error { return broken })
	if !errors.Is(err, broken) || now(t, b, "brand-new") != "none" {
		t.Errorf("%v, %s", err, now(t, b, "brand-new"))
	}
}

// Many at once: none is lost.
func TestManySetAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	b := open(t, store(t, path))
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			from := time.Unix(int64(1_700_000_000+i), 0)
			if _, err := b.Set(t.Context(), []catalog.Version{of("brand-new", "1.00 2.00", from)}, false, nil); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { now(t, b, "gpt-4o-mini") })
	}
	all.Wait()
	list, err := b.Versions(t.Context())
	stored, err2 := store(t, path).PriceVersions(t.Context())
	if err != nil || err2 != nil || len(list) != len(stored) || len(list) == 0 || now(t, b, "brand-new") != "1.00 2.00" {
		t.Errorf("%d known, %d stored, %v, %v", len(list), len(stored), err, err2)
	}
}
