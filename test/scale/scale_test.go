// Package scale measures what must not grow with the number of keys: the cost
// of a decision, the memory of a key in use, and the time of a cold start.
//
//	go test ./test/scale -run - -bench . -keys 1000000 -entries 1000000
//	make scale BENCH=Lists
//
// Without flags it runs small, so that it cannot rot.
package scale

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/counter/memory"
	"tollgate/internal/key"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
	"tollgate/internal/policy"
	"tollgate/internal/secret"
	"tollgate/internal/server"
	"tollgate/internal/store/sqlite"
)

var (
	keys    = flag.Int("keys", 2000, "how many keys are stored")
	entries = flag.Int("entries", 2000, "how many entries are stored")
)

// seeded is the databases made so far, by their number of keys: a million keys
// take minutes to store, and a benchmark is called several times.
var seeded = map[int]struct {
	dir     string
	secrets secrets
}{}

// secrets is keys, one after another: a slice of a million strings would give the
// garbage collector work that no server has.
type secrets string

// secretLen is the length of a key: "tg_", 32 characters, 6 check digits.
const secretLen = 41

func (s secrets) len() int { return len(s) / secretLen }

func (s secrets) at(i int) string { return string(s[i*secretLen : (i+1)*secretLen]) }

// TestMain deletes the databases in the end.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range seeded {
		_ = os.RemoveAll(s.dir)
	}
	for _, s := range seededChatbots {
		_ = os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// stored is a database with n keys, and their secrets.
func stored(b *testing.B, n int) (dir string, all secrets) {
	s, ok := seeded[n]
	if !ok {
		var err error
		if s.dir, err = os.MkdirTemp("", "tollgate-scale-"); err != nil {
			b.Fatal(err)
		}
		s.secrets = seed(b, s.dir, n)
		seeded[n] = s
	}
	return s.dir, s.secrets
}

// house is an authority and a ledger over one database.
type house struct {
	auth   *authority.Authority
	ledger *ledger.Ledger
	models *catalog.Catalog
	close  func()
}

// seed fills a database with n keys, each with seven limits and a hard budget,
// and returns their secrets.
func seed(tb testing.TB, dir string, n int) secrets {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	store := db.Authority()
	if _, err := authority.New(store, authority.Options{}).EnsureRoot(tb.Context(), rootKey()); err != nil {
		tb.Fatal(err)
	}
	root, err := store.Management.RootKey(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	begun := time.Now()
	var all strings.Builder
	for i := range n {
		text := key.New(key.DefaultPrefix).Reveal()
		all.WriteString(text)
		row := authority.KeyRow{Hashes: []key.Hash{key.HashOf(text)}}
		row.ID, row.OrganizationID, row.Name = fmt.Sprintf("key_%032x", i), root.OrganizationID, fmt.Sprintf("key %d", i)
		row.Kind, row.Status, row.Prefix, row.Version = "service", authority.StatusActive, "tg_00000", 1
		row.CreatedAt, row.UpdatedAt, row.Tags, row.Permissions = at, at, []string{}, map[string]bool{}
		row.Limits = seededLimits()
		row.Secrets = []authority.Secret{{ID: "sec_" + row.ID, Prefix: row.Prefix, CreatedAt: at}}
		act := authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: at, ActorID: "seed", Action: "api_key.create"}}
		if err := store.Keys.CreateKey(tb.Context(), row, nil, act); err != nil {
			tb.Fatal(err)
		}
		if i%100_000 == 99_999 {
			tb.Logf("%d keys stored after %s", i+1, time.Since(begun).Round(time.Second))
		}
	}
	return secrets(all.String())
}

// seededLimits are seven limits and a hard budget that no benchmark uses up.
func seededLimits() authority.Limits {
	high := func(v int64) *int64 { return &v }
	return authority.Limits{
		RateLimitPerMinute: high(10_000), RateLimitPerHour: high(100_000), RateLimitPerDay: high(1_000_000),
		TokensPerMinute: high(1e15), TokensPerDay: high(1e15), TokensPerMonth: high(1e15),
		ConcurrentLimit: high(100_000), BudgetLimitCents: high(1e9), BudgetType: "total", BudgetMode: "hard",
	}
}

func rootKey() secret.Text { return secret.New("tgm_" + fmt.Sprintf("%038d", 7)) }

// seedEntries books n entries, spread over the keys.
func seedEntries(tb testing.TB, dir string, n, keys int) {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	root, err := db.Authority().Management.RootKey(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	book, now := db.Ledger(), time.Now()
	var batch []*ledger.Entry
	for i := range n {
		at := now.Add(-time.Duration(n-i) * time.Millisecond)
		batch = append(batch, &ledger.Entry{
			ID: ledger.NewRequestID(at), At: at.UnixMilli(), OrganizationID: root.OrganizationID, KeyID: fmt.Sprintf("key_%032x", i%keys),
			KeyName: "seeded", Provider: "openai", Model: "gpt-4o-mini", Format: llm.OpenAI, Endpoint: "/v1/chat/completions",
			Status: 200, Outcome: ledger.Settled, Usage: llm.Usage{Input: 100, Output: 50}, Cost: 45_000,
		})
		if len(batch) == 4096 || i == n-1 {
			if err := book.Apply(tb.Context(), batch, ledger.Position{}); err != nil {
				tb.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

func open(tb testing.TB, dir string) *house {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		tb.Fatal(err)
	}
	book := db.Ledger()
	l, err := ledger.Open(tb.Context(), book, memory.New(book.Load), ledger.Options{Dir: filepath.Join(dir, "journal")})
	if err != nil {
		tb.Fatal(err)
	}
	models, err := catalog.Load(catalog.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	h := &house{auth: authority.New(db.Authority(), authority.Options{}), ledger: l, models: models}
	h.close = func() { _, _ = l.Close(), db.Close() }
	return h
}

// decide takes a request through everything but the body and the provider.
func (h *house) decide(ctx context.Context, secretKey string, now time.Time) (*ledger.Hold, error) {
	grant, err := h.auth.Authenticate(ctx, secretKey)
	if err != nil {
		return nil, err
	}
	ask := policy.Ask{Now: now, IP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Scope: llm.ScopeChat, Endpoint: "/v1/chat/completions", Format: llm.OpenAI}
	if f := grant.Rules().AdmitRoute(&ask); f != nil {
		return nil, f
	}
	target, err := h.models.Resolve("gpt-4o-mini", time.Now(), nil)
	if err != nil {
		return nil, err
	}
	ask.Provider, ask.Model = target.Provider, target.Name
	if f := grant.Rules().AdmitModel(&ask); f != nil {
		return nil, f
	}
	return h.ledger.Reserve(ctx, &ledger.Request{
		Chain: grant.Chain(), Location: grant.Location(), Input: 1300, InputCost: target.Model.InputBound(1300, catalog.AnyInput),
		Output: 500, LeastOutput: 64, OutputPrice: target.Model.OutputPrice(1300),
		Entry: ledger.Entry{
			OrganizationID: grant.OrganizationID(), KeyID: grant.KeyID(), KeyName: grant.KeyName(), Provider: target.Provider,
			Model: target.Name, Format: llm.OpenAI, Endpoint: "/v1/chat/completions", Prices: target.Model.Prices(),
		},
	})
}

func settle(tb testing.TB, hold *ledger.Hold) {
	if _, ok := hold.Settle(ledger.Result{Outcome: ledger.Settled, Usage: llm.Usage{Input: 100, Output: 50}, Cost: money.NanoUSD(45_000), Status: 200}); !ok {
		tb.Fatal("settled twice")
	}
}

// BenchmarkDecision is one decision: the key found by its whole hash, the rules,
// the model, seven limits and a budget, the hold recorded durably. Settling is
// not timed.
func BenchmarkDecision(b *testing.B) {
	for _, n := range []int{1000, *keys} {
		b.Run(fmt.Sprintf("stored=%d", n), func(b *testing.B) {
			dir, all := stored(b, n)
			used := make([]string, min(n, 1000))
			for i := range used {
				used[i] = all.at(i)
			}
			h := open(b, dir)
			defer h.close()
			holds := make([]*ledger.Hold, 0, 4096)
			now := time.Now()
			for _, s := range used { // in use before
				hold, err := h.decide(b.Context(), s, now)
				if err != nil {
					b.Fatal(err)
				}
				settle(b, hold)
			}
			_ = h.ledger.Flush(b.Context())
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				hold, err := h.decide(b.Context(), used[i%len(used)], now)
				if err != nil {
					b.Fatal(err)
				}
				if holds = append(holds, hold); len(holds) == cap(holds) {
					b.StopTimer()
					for _, hold := range holds {
						settle(b, hold)
					}
					holds = holds[:0]
					_ = h.ledger.Flush(b.Context()) // what follows behind is not timed
					b.StartTimer()
				}
			}
			b.StopTimer()
			for _, hold := range holds {
				settle(b, hold)
			}
		})
	}
}

// BenchmarkMemory uses every stored key once and reports what each then takes.
func BenchmarkMemory(b *testing.B) {
	dir, all := stored(b, *keys)
	for b.Loop() {
		h := open(b, dir)
		heap := func() uint64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		for i := range all.len() {
			hold, err := h.decide(b.Context(), all.at(i), time.Now())
			if err != nil {
				b.Fatal(err)
			}
			settle(b, hold)
		}
		_ = h.ledger.Flush(b.Context())
		b.ReportMetric(float64(heap()-before)/float64(*keys), "bytes/key")
		runtime.KeepAlive(h)
		h.close()
	}
}

// BenchmarkColdStart opens a server on a full database and times it until it is
// ready and has answered for a key.
func BenchmarkColdStart(b *testing.B) {
	dir, _ := stored(b, *keys)
	seedEntries(b, dir, *entries, *keys)
	for b.Loop() {
		ctx, stop := context.WithCancel(b.Context())
		cfg := config.Default()
		cfg.Listen, cfg.Data, cfg.RootKey = "127.0.0.1:0", dir, rootKey()
		begun := time.Now()
		s, err := server.New(ctx, cfg, server.Options{})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for !ready(b, "http://"+s.Addr().String()) {
			runtime.Gosched()
		}
		b.ReportMetric(time.Since(begun).Seconds(), "s/start")
		stop()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func ready(tb testing.TB, base string) bool {
	req, _ := http.NewRequestWithContext(tb.Context(), http.MethodGet, base+"/readyz", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// TestSmall keeps the package honest in an ordinary test run.
func TestSmall(t *testing.T) {
	dir := t.TempDir()
	all := seed(t, dir, 10)
	seedEntries(t, dir, 20, 10)
	h := open(t, dir)
	defer h.close()
	hold, err := h.decide(t.Context(), all.at(3), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	settle(t, hold)
	u, err := h.ledger.Usage(t.Context(), fmt.Sprintf("key_%032x", 3), time.UTC)
	if err != nil || u.Total.Requests != 3 {
		t.Errorf("%d requests, want 3 (%v)", u.Total.Requests, err)
	}
	states, err := h.ledger.Inspect(t.Context(), limit.Chain{{ID: limit.ID{Kind: limit.Key, ID: fmt.Sprintf("key_%032x", 3)}, Limits: []limit.Limit{{Meter: limit.Cost, Window: limit.Total}}}}, time.UTC)
	if err != nil || states[0].Used != 3*45_000 {
		t.Errorf("%+v, %v", states, err)
	}
}
