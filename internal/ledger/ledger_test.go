package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/counter/memory"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
	"tollgate/internal/store/sqlite"
)

// house is a ledger over real stores.
type house struct {
	*ledger.Ledger
	dir   string
	store *sqlite.Ledger
}

func open(t testing.TB, dir string, wrap func(ledger.Store) ledger.Store, opts ledger.Options) house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rows := db.Ledger()
	var store ledger.Store = rows
	if wrap != nil {
		store = wrap(store)
	}
	opts.Dir = filepath.Join(dir, "journal")
	l, err := ledger.Open(t.Context(), store, memory.New(rows.Load), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return house{l, dir, rows}
}

func chain(limits ...limit.Limit) limit.Chain {
	return limit.Chain{
		{ID: limit.ID{Kind: limit.Organization, ID: "org_1"}},
		{ID: limit.ID{Kind: limit.Key, ID: "key_1"}, Limits: limits},
	}
}

// request may use 100 input and 100 output tokens, each a nano-dollar.
func request(c limit.Chain) *ledger.Request {
	return &ledger.Request{
		Chain: c, Input: 100, InputCost: 100, Output: 100, LeastOutput: 64, OutputPrice: 1000,
		Entry: ledger.Entry{OrganizationID: "org_1", KeyID: "key_1", KeyName: "one", Provider: "demo", Model: "demo-mini", Format: llm.OpenAI, Endpoint: "/v1/chat/completions"},
	}
}

func used(tokens int64) ledger.Result {
	return ledger.Result{Outcome: ledger.Settled, Usage: llm.Usage{Input: tokens}, Cost: money.NanoUSD(tokens), Status: 200}
}

func budget(max int64) limit.Limit {
	return limit.Limit{Meter: limit.Cost, Window: limit.Total, Max: max}
}

func (h house) total(t testing.TB) ledger.Sum {
	t.Helper()
	u, err := h.Usage(t.Context(), "key_1", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if u.Today != u.Total || u.ThisHour != u.Total {
		t.Errorf("all was used in this hour, and yet total %+v, today %+v, this hour %+v", u.Total, u.Today, u.ThisHour)
	}
	return u.Total
}

func (h house) entries(t testing.TB) []ledger.Entry {
	t.Helper()
	rows, n, err := h.Entries(t.Context(), ledger.Filter{KeyID: "key_1", Limit: 100_000})
	if err != nil || n != len(rows) {
		t.Fatalf("%d rows of %d, %v", len(rows), n, err)
	}
	return rows
}

func TestSettleBooksWhatWasUsed(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{ApplyInterval: time.Hour})
	hold, err := h.Reserve(t.Context(), request(chain(budget(1000))))
	if err != nil {
		t.Fatal(err)
	}
	r := used(150)
	r.Usage = llm.Usage{Input: 60, CacheRead: 10, CacheWrite: 5, CacheWrite1h: 4, InputAudio: 1, Output: 65, Reasoning: 30, OutputAudio: 5, Images: 2, Seconds: 61, Characters: 1200, Searches: 3}
	r.UpstreamID = "up_1"
	if _, ok := hold.Settle(r); !ok {
		t.Fatal("the first settlement was refused")
	}
	if _, ok := hold.Settle(used(1)); ok {
		t.Fatal("a hold was settled twice")
	}
	rows := h.entries(t)
	if len(rows) != 1 {
		t.Fatalf("%d entries, want 1", len(rows))
	}
	e := rows[0]
	if e.ID != hold.ID() || e.Usage != r.Usage || e.Cost != 150 || e.Outcome != ledger.Settled || e.Status != 200 || e.UpstreamID != "up_1" || e.KeyName != "one" {
		t.Errorf("the entry is %+v", e)
	}
	if sum := h.total(t); sum.Requests != 1 || sum.Tokens != 150 || sum.Cost != 150 || sum.LastAt.UnixMilli() != e.At {
		t.Errorf("the total is %+v", sum)
	}
}

func TestRefusalTakesNothing(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	c := chain(budget(100))
	for range 10 {
		_, err := h.Reserve(t.Context(), request(c))
		if !errors.Is(err, fault.BudgetExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	if states, err := h.Inspect(t.Context(), c, nil); err != nil || states[0].Used != 0 || states[0].Held != 0 {
		t.Errorf("%+v, %v", states, err)
	}
	if len(h.entries(t)) != 0 {
		t.Error("a refusal was booked")
	}
}

func TestParallelReservesNeverPassTheCap(t *testing.T) {
	const cap = 2000
	h := open(t, t.TempDir(), nil, ledger.Options{})
	c := chain(budget(cap), limit.Limit{Meter: limit.Concurrency, Window: limit.Total, Max: 5})
	var wg sync.WaitGroup
	var charged, inFlight, most atomic.Int64
	for range 500 {
		wg.Go(func() {
			hold, err := h.Reserve(context.Background(), request(c))
			if err != nil {
				return
			}
			n := inFlight.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			cost := rand.Int64N(hold.Output() + 100 + 1)
			inFlight.Add(-1)
			if cost%7 == 0 {
				hold.Release(500, fault.Internal, "")
				return
			}
			charged.Add(cost)
			hold.Settle(used(cost))
		})
	}
	wg.Wait()
	if charged.Load() > cap || most.Load() > 5 {
		t.Errorf("charged %d of %d, %d at once of 5", charged.Load(), cap, most.Load())
	}
	states, _ := h.Inspect(t.Context(), c, nil)
	if states[0].Used != charged.Load() || states[0].Held != 0 || states[1].Held != 0 {
		t.Errorf("charged %d, and the counters say %+v", charged.Load(), states)
	}
	if sum := h.total(t); int64(sum.Cost) != charged.Load() {
		t.Errorf("charged %d, and the ledger says %d", charged.Load(), sum.Cost)
	}
}

// copyJournal takes the journal as a dead process leaves it.
func copyJournal(t testing.TB, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "journal"), os.DirFS(filepath.Join(from, "journal"))); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestCrashLosesNothing(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{ApplyInterval: time.Hour, SegmentBytes: 2000})
	c := chain(budget(1_000_000))
	want := map[ledger.RequestID]ledger.Outcome{}
	for i := range 50 {
		hold, err := h.Reserve(t.Context(), request(c))
		if err != nil {
			t.Fatal(err)
		}
		want[hold.ID()] = ledger.Unconfirmed
		if i%3 != 0 {
			hold.Settle(used(10))
			want[hold.ID()] = ledger.Settled
		}
	}
	dir := copyJournal(t, h.dir)
	for range 3 { // to start again and again changes nothing
		again := open(t, dir, nil, ledger.Options{})
		rows := again.entries(t)
		got := map[ledger.RequestID]ledger.Outcome{}
		var cost money.NanoUSD
		for _, e := range rows {
			got[e.ID] = e.Outcome
			cost += e.Cost
		}
		if len(rows) != len(want) || !equal(got, want) {
			t.Fatalf("%d entries for %d requests", len(rows), len(want))
		}
		if want := money.NanoUSD(17*200 + 33*10); cost != want || again.total(t).Cost != want {
			t.Fatalf("cost %d, total %d, want %d", cost, again.total(t).Cost, want)
		}
		states, err := again.Inspect(t.Context(), c, nil)
		if err != nil || states[0].Used != int64(cost) || states[0].Held != 0 {
			t.Fatalf("counters after a restart: %+v, %v", states, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func equal(a, b map[ledger.RequestID]ledger.Outcome) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

// TestTornRecord cuts the journal at every byte of its last two records: what
// was whole is booked, what was not is as if it had not been written.
func TestTornRecord(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{ApplyInterval: time.Hour})
	c := chain()
	first, _ := h.Reserve(t.Context(), request(c))
	first.Settle(used(10))
	files, _ := filepath.Glob(filepath.Join(h.dir, "journal", "*.log"))
	file := files[len(files)-1]
	before := size(t, file)
	second, _ := h.Reserve(t.Context(), request(c))
	held := size(t, file)
	second.Settle(used(20))
	after := size(t, file)
	for cut := before; cut <= after; cut += 7 {
		dir := copyJournal(t, h.dir)
		if err := os.Truncate(filepath.Join(dir, "journal", filepath.Base(file)), cut); err != nil {
			t.Fatal(err)
		}
		want := money.NanoUSD(10)
		switch {
		case cut == after:
			want += 20
		case cut >= held:
			want += 200
		}
		again := open(t, dir, nil, ledger.Options{})
		if got := again.total(t).Cost; got != want {
			t.Fatalf("cut at %d of %d: cost %d, want %d", cut, after, got, want)
		}
		_ = again.Close()
	}
}

func size(t testing.TB, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// flaky is a store whose Apply fails as told: "failed and not stored" or
// "failed, but stored".
type flaky struct {
	ledger.Store
	mu     sync.Mutex
	before error // fail and do not store
	after  error // store and say that it failed
}

func (f *flaky) set(before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *flaky) Apply(ctx context.Context, entries []*ledger.Entry, upTo ledger.Position) error {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		return before
	}
	return errors.Join(f.Store.Apply(ctx, entries, upTo), after)
}

func TestDatabaseAway(t *testing.T) {
	away := errors.New("disk on fire")
	for _, c := range []struct {
		name          string
		before, after error
	}{{"failed and not stored", away, nil}, {"failed, but stored", nil, away}} {
		t.Run(c.name, func(t *testing.T) {
			f := &flaky{}
			h := open(t, t.TempDir(), func(s ledger.Store) ledger.Store { f.Store = s; return f },
				ledger.Options{ApplyInterval: time.Millisecond, OfflineGrace: time.Hour})
			key := chain(budget(10_000))
			warm, err := h.Reserve(t.Context(), request(key)) // so that the key is known
			if err != nil {
				t.Fatal(err)
			}
			warm.Settle(used(1))
			f.set(c.before, c.after)
			for range 20 {
				hold, err := h.Reserve(t.Context(), request(key))
				if err != nil {
					t.Fatalf("a known key stopped working at once: %v", err)
				}
				hold.Settle(used(10))
			}
			if _, err := h.Usage(t.Context(), "key_1", time.UTC); !errors.Is(err, fault.StoreUnavailable) {
				t.Errorf("usage that may be incomplete was shown: %v", err)
			}
			if h.Away().IsZero() {
				t.Error("nobody noticed that the database is away")
			}
			f.set(nil, nil)
			deadline := time.Now().Add(10 * time.Second)
			for !h.Away().IsZero() && time.Now().Before(deadline) {
				_ = h.Flush(t.Context())
			}
			if sum := h.total(t); sum.Requests != 21 || sum.Cost != 201 {
				t.Errorf("the total is %+v, want 21 requests and 201", sum)
			}
		})
	}
}

func TestGraceEnds(t *testing.T) {
	f := &flaky{}
	h := open(t, t.TempDir(), func(s ledger.Store) ledger.Store { f.Store = s; return f },
		ledger.Options{ApplyInterval: time.Millisecond, OfflineGrace: 20 * time.Millisecond})
	hold, err := h.Reserve(t.Context(), request(chain()))
	if err != nil {
		t.Fatal(err)
	}
	f.set(errors.New("gone"), nil)
	hold.Settle(used(1))
	deadline := time.Now().Add(10 * time.Second)
	for h.Ready() && time.Now().Before(deadline) {
		_ = h.Flush(t.Context())
	}
	if _, err := h.Reserve(t.Context(), request(chain())); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("admitted after the grace: %v", err)
	}
}

// TestJournalTwiceCountsOnce replays a journal into a database that has half of
// it already but forgot how far it was.
func TestJournalTwiceCountsOnce(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{ApplyInterval: time.Hour})
	for range 40 {
		hold, err := h.Reserve(t.Context(), request(chain()))
		if err != nil {
			t.Fatal(err)
		}
		hold.Settle(used(5))
	}
	rows := h.entries(t)
	slices.Reverse(rows)
	var half []*ledger.Entry
	for i := range 20 {
		half = append(half, &rows[i])
	}
	if err := h.store.Apply(t.Context(), half, ledger.Position{}); err != nil {
		t.Fatal(err)
	}
	if sum := h.total(t); sum.Requests != 40 || sum.Cost != 200 {
		t.Errorf("the total is %+v, want 40 requests and 200", sum)
	}
}

func TestExpiredHoldIsSwept(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{HoldFor: 10 * time.Millisecond})
	c := chain(budget(1000), limit.Limit{Meter: limit.Concurrency, Window: limit.Total, Max: 1})
	hold, err := h.Reserve(t.Context(), request(c))
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for h.InFlight() > 0 && time.Now().Before(deadline) {
		_ = h.Flush(t.Context())
	}
	if _, ok := hold.Settle(used(1)); ok {
		t.Error("a swept hold was settled")
	}
	rows := h.entries(t)
	if len(rows) != 1 || rows[0].Outcome != ledger.Unconfirmed || rows[0].Cost != 200 {
		t.Errorf("the sweep booked %+v", rows)
	}
	if states, _ := h.Inspect(t.Context(), c, nil); states[0].Held != 0 || states[1].Held != 0 {
		t.Errorf("the hold stays: %+v", states)
	}
}

func TestRestartResetsNothing(t *testing.T) {
	dir := t.TempDir()
	c := chain(
		limit.Limit{Meter: limit.Requests, Window: limit.Minute, Max: 3}, limit.Limit{Meter: limit.Requests, Window: limit.Hour, Max: 30},
		limit.Limit{Meter: limit.Requests, Window: limit.Day, Max: 30}, limit.Limit{Meter: limit.Tokens, Window: limit.Month, Max: 1000},
		budget(1000))
	h := open(t, dir, nil, ledger.Options{})
	for range 3 {
		hold, err := h.Reserve(t.Context(), request(c))
		if err != nil {
			t.Fatal(err)
		}
		hold.Settle(used(50))
	}
	before, _ := h.Inspect(t.Context(), c, nil)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir, nil, ledger.Options{})
	after, err := h.Inspect(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if before[i].Used != after[i].Used || after[i].Held != 0 {
			t.Errorf("%s/%s: %d before the restart, %d after", before[i].Limit.Meter, before[i].Limit.Window, before[i].Used, after[i].Used)
		}
	}
	if _, err := h.Reserve(t.Context(), request(c)); !errors.Is(err, fault.RateLimited) {
		t.Errorf("a restart gave the minute back: %v", err)
	}
}

func TestOldSegmentsGo(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{SegmentBytes: 4096})
	keeper, err := h.Reserve(t.Context(), request(chain()))
	if err != nil {
		t.Fatal(err)
	}
	count := func() int {
		files, _ := filepath.Glob(filepath.Join(h.dir, "journal", "*.log"))
		return len(files)
	}
	burn := func() {
		for range 100 {
			hold, err := h.Reserve(t.Context(), request(chain()))
			if err != nil {
				t.Fatal(err)
			}
			hold.Settle(used(1))
		}
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	burn()
	if n := count(); n < 5 {
		t.Fatalf("%d segments, though the first holds an open hold", n)
	}
	keeper.Settle(used(1))
	burn()
	if n := count(); n > 12 {
		t.Errorf("%d segments stay", n)
	}
}

func TestPublicRefusalsSayWhatToDo(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	_, err := h.Reserve(t.Context(), request(chain(budget(100))))
	f := fault.Of(err)
	want := "Refused by this key's limit of $0.0000001 in total (budget_limit_cents): $0.00 used; this request needs room for at least $0.000000164. It can never fit: send less, or ask for a higher limit."
	if f.Public != want {
		t.Errorf("got  %s\nwant %s", f.Public, want)
	}
}
