package pricing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tollgate/internal/catalog"
)

// Store is where versions lie.
type Store interface {
	// PriceVersions are all versions, in the order in which they were added.
	PriceVersions(ctx context.Context) ([]catalog.Version, error)
	// AddPriceVersions adds versions and runs record in one transaction, which
	// record's context carries; it undoes it by failing.
	AddPriceVersions(ctx context.Context, versions []catalog.Version, record func(context.Context) error) error
}

// Book keeps the catalogue in force. It is safe for concurrent use.
type Book struct {
	store Store // nil = there are no versions
	base  catalog.Options
	now   atomic.Pointer[catalog.Catalog]

	mu       sync.Mutex // held while versions are read or added; covers what follows
	versions []catalog.Version
	stale    bool // what is stored may be more than what is known
}

// Open reads the versions and lays them over the catalogue of base. A nil store has
// none, and takes none.
func Open(ctx context.Context, store Store, base catalog.Options) (*Book, error) {
	b := &Book{store: store, base: base, stale: store != nil}
	if store == nil {
		c, err := catalog.Load(base)
		b.now.Store(c)
		return b, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b, b.refresh(ctx)
}

// Catalog is the catalogue in force; it need not be asked for again within one
// request.
func (b *Book) Catalog() *catalog.Catalog { return b.now.Load() }

// Versions are all versions, oldest set first. Kinds: store_unavailable.
func (b *Book) Versions(ctx context.Context) ([]catalog.Version, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(b.versions), nil
}

// refresh reads what is stored, if it may not be what is known. b.mu is held.
func (b *Book) refresh(ctx context.Context) error {
	if !b.stale {
		return nil
	}
	versions, err := b.store.PriceVersions(ctx)
	if err != nil {
		return err
	}
	c, err := b.with(versions)
	if err != nil {
		return err
	}
	b.versions, b.stale = versions, false
	b.now.Store(c)
	return nil
}

func (b *Book) with(versions []catalog.Version) (*catalog.Catalog, error) {
	o := b.base
	o.Versions = versions
	return catalog.Load(o)
}

// Outcome is what comes of a version that is to be set.
type Outcome string

// The outcomes.
const (
	New       Outcome = "new"       // the model had no prices then
	Changed   Outcome = "changed"   // it had others
	Unchanged Outcome = "unchanged" // it had the same: nothing is stored
	Refused   Outcome = "refused"   // Err says why
)

// Result is what came of one version, or would.
type Result struct {
	catalog.Version // as it is stored
	Outcome         Outcome
	Before, After   catalog.Tariff // what the model costs at the version's instant
	BeforeFrom      catalog.Source // "" = it had no prices
	Err             error
}

// Set stores versions, those that change something in one transaction, and is in
// force when it returns: for requests from the versions' instants on. Those without
// an instant hold from now. One that is refused does not hold up the others. record
// runs in the transaction with what is stored, and undoes it by failing; nil =
// nothing. dry only says what would come of it. Kinds: store_unavailable, those of
// record.
func (b *Book) Set(ctx context.Context, versions []catalog.Version, dry bool, record func(context.Context, []Result) error) ([]Result, error) {
	if b.store == nil {
		return nil, errors.New("there is no store of prices")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(ctx); err != nil {
		return nil, err
	}
	results := b.judge(versions, time.Now().UTC().Truncate(time.Millisecond))
	var fresh []catalog.Version
	var stored []Result
	for _, r := range results {
		if r.Outcome == New || r.Outcome == Changed {
			fresh, stored = append(fresh, r.Version), append(stored, r)
		}
	}
	if dry || len(fresh) == 0 {
		return results, nil
	}
	b.stale = true // until it is known what is stored
	err := b.store.AddPriceVersions(ctx, fresh, func(ctx context.Context) error {
		if record == nil {
			return nil
		}
		return record(ctx, stored)
	})
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	if reread := b.refresh(again); err == nil {
		err = reread
	}
	return results, err
}

// readTime is how long reading the versions again may take, whoever asked having
// left or not.
const readTime = 5 * time.Second

// judge says what comes of each version. b.mu is held.
func (b *Book) judge(versions []catalog.Version, now time.Time) []Result {
	known := b.Catalog()
	results := make([]Result, len(versions))
	all := slices.Clone(b.versions)
	seen := map[string]bool{}
	for i, v := range versions {
		r := &results[i]
		if v.From.IsZero() {
			v.From = now
		}
		v.From, v.SetAt, v.ID = v.From.UTC().Truncate(time.Millisecond), now, "price_"+uuid.Must(uuid.NewV7()).String()
		if r.Version, r.Err = known.Check(v); r.Err == nil && seen[v.Row()+"\n"+v.From.String()] {
			r.Err = fmt.Errorf("model: %s stands twice with the same instant", v.Row())
		}
		if r.Err != nil {
			r.Outcome = Refused
			continue
		}
		seen[v.Row()+"\n"+v.From.String()] = true
		all = append(all, r.Version)
	}
	next, err := b.with(all)
	for i := range results {
		r := &results[i]
		switch {
		case r.Err != nil:
		case err != nil: // Check has passed all of them, so this one and that one together
			r.Outcome, r.Err = Refused, err
		default:
			r.compare(known, next)
		}
	}
	return results
}

// compare says what the version changes.
func (r *Result) compare(known, next *catalog.Catalog) {
	before, after := known.Priced(r.Provider, r.Model, r.From), next.Priced(r.Provider, r.Model, r.From)
	r.Before, r.After = before.Tariff(), after.Tariff()
	if before.Prices() != "" {
		r.BeforeFrom = before.PriceSource
	}
	switch {
	case before.Prices() == after.Prices() && sizes(before) == sizes(after):
		r.Outcome = Unchanged
	case before.Prices() == "":
		r.Outcome = New
	default:
		r.Outcome = Changed
	}
}

func sizes(m *catalog.Model) [2]int64 {
	if m == nil {
		return [2]int64{}
	}
	return [2]int64{m.ContextTokens, m.MaxOutputTokens}
}
