package authority_test

import (
	"fmt"
	"runtime"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/key"
)

func TestAKnownKeyCostsNoAllocation(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a"}`)
	h.grant(t, text)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		g, err := h.Authenticate(ctx, text)
		if err != nil || len(g.Chain()) != 2 || g.Rules() == nil || g.KeyID() == "" {
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

// BenchmarkMemoryPerKey uses many keys once and says what each of them costs in
// memory from then on.
func BenchmarkMemoryPerKey(b *testing.B) {
	const n = 20_000
	h := newHouse(b)
	texts := make([]string, n)
	template, _ := h.key(b, `{"name":"a plain key"}`)
	for i := range texts {
		texts[i] = key.New("tg_").Reveal()
		row := authority.KeyRow{Key: template, Hash: key.HashOf(texts[i])}
		row.ID = fmt.Sprintf("%s%06d", template.ID[:len(template.ID)-6], i)
		if err := h.store.Keys.CreateKey(b.Context(), row); err != nil {
			b.Fatal(err)
		}
	}
	before := heap()
	for _, text := range texts {
		h.grant(b, text)
	}
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
