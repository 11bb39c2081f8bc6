package catalog_test

import (
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/llm"
)

func BenchmarkResolve(b *testing.B) {
	c := load(b, catalog.Options{Aliases: map[string][]string{"fast": {"openai/gpt-4o-mini"}}})
	configured := only("openai", "anthropic", "huggingface", "azure")
	now := time.Now()
	for _, name := range []string{
		"gpt-4o-mini", "openai/gpt-4o-mini", "fast", "meta-llama/Llama-3.3-70B-Instruct",
		"gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:acme::x1",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Resolve(name, now, configured); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCost(b *testing.B) {
	got, err := load(b, catalog.Options{}).Resolve("gpt-5.4", time.Now(), nil)
	if err != nil {
		b.Fatal(err)
	}
	u := llm.Usage{Input: 1000, CacheRead: 5000, Output: 700, Reasoning: 300}
	b.ReportAllocs()
	for b.Loop() {
		_ = got.Model.InputBound(30_000, catalog.AnyInput)
		_ = got.Model.OutputPrice(30_000)
		_ = got.Model.Cost(u)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b, catalog.Options{})
	}
}

// The look-up is on the path of every request.
func TestResolveDoesNotAllocate(t *testing.T) {
	c := load(t, catalog.Options{})
	configured := only("openai", "anthropic", "azure")
	for _, name := range []string{"gpt-4o-mini", "openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = c.Resolve(name, time.Now(), configured) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
