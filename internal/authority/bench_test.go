package authority_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/limit"
)

func TestAKnownKeyCostsNoAllocation(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a"}`)
	h.grant(t, text)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		g, err := h.Authenticate(ctx, text)
		var place [limit.MaxChain]*limit.Subject
		if err != nil || len(g.AppendChain(place[:0])) != 2 || g.Rules() == nil || g.KeyID() == "" {
			t.Error("not authenticated")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	h := newHouse(b)
	_, text := h.key(b, `{"name":"a"}`)
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.Authenticate(ctx, text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStranger is what refusing a key costs that nobody knows.
func BenchmarkStranger(b *testing.B) {
	h := newHouse(b)
	h.brought(b, foreignRow("1", bySHA256("sk-known"), ""))
	h.brought(b, foreignRow("2", byKnox([]byte("token")), ""))
	ctx := b.Context()
	_, _ = h.Authenticate(ctx, "sk-stranger") // loads what is known
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Authenticate(ctx, "sk-0123456789abcdef0123456789abcdef0123456789abcdef"); err == nil {
			b.Fatal("a stranger gets in")
		}
	}
}

// BenchmarkMemoryPerKey uses many keys once and says what each of them costs in
// memory from then on.
func BenchmarkMemoryPerKey(b *testing.B) {
	const n = 20_000
	h := newHouse(b)
	texts := make([]string, n)
	template, _ := h.key(b, `{"name":"a plain key"}`)
	for i := range texts {
		texts[i] = key.New("tg_").Reveal()
		row := authority.KeyRow{Key: template, Hashes: []key.Hash{key.HashOf(texts[i])}}
		row.ID = fmt.Sprintf("%s%06d", template.ID[:len(template.ID)-6], i)
		row.Secrets = []authority.Secret{{ID: "sec_" + row.ID, Prefix: row.Prefix, CreatedAt: noon}}
		if err := h.store.Keys.CreateKey(b.Context(), row, nil, authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: noon}}); err != nil {
			b.Fatal(err)
		}
	}
	before := heap()
	for _, text := range texts {
		h.grant(b, text)
	}
	must(b, h.FlushUse(b.Context())) // as the server does every few seconds
	b.ReportMetric(float64(heap()-before)/n, "B/key")
	runtime.KeepAlive(h)
	runtime.KeepAlive(texts)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkCreateKey makes keys in parallel, each with its event in the audit.
func BenchmarkCreateKey(b *testing.B) {
	h := newHouse(b)
	body := []byte(`{"name":"a key","description":"for the benchmark","allowed_models":["gpt-4o"]}`)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := h.CreateKey(b.Context(), h.root, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkListKeys lists, searches and filters ten thousand keys, and says how
// long the slowest in a hundred takes.
func BenchmarkListKeys(b *testing.B) {
	h := newHouse(b)
	u := h.user(b, `{"email":"ada@example.com"}`)
	for i := range 10_000 {
		h.key(b, fmt.Sprintf(`{"name":"key number %d","tags":["t%d"],"user_id":%q,"is_active":%v}`, i, i%10, u.ID, i%3 > 0))
	}
	for name, f := range map[string]authority.KeyFilter{
		"first page": {Size: 100}, "deep page": {Page: 90, Size: 100}, "search": {Search: "NUMBER 77", Size: 100}, "no match": {Search: "zebra"},
		"filter": {UserID: u.ID, IsActive: new(true), Kind: authority.KindUser, Size: 100}, "tag": {Tag: "t3", Size: 100},
		"status": {Status: authority.StatusActive, Size: 100},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, _, err := h.ListKeys(b.Context(), h.root, f); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
