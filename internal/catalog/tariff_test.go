package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/catalog"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

func tariff(t testing.TB, s string) catalog.Tariff {
	t.Helper()
	got, err := catalog.ParsePrices(s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCost(t *testing.T) {
	const full = "3.00 15.00 cache_read=0.30 cache_write=3.75 cache_write_1h=6.00 reasoning=20.00 input_audio=40.00 output_audio=80.00"
	for _, tt := range []struct {
		name, prices string
		usage        llm.Usage
		want         money.NanoUSD
	}{
		{"nothing", full, llm.Usage{}, 0},
		{"input", full, llm.Usage{Input: 7}, 21_000},
		{"cache read", full, llm.Usage{CacheRead: 7}, 2_100},
		{"cache write", full, llm.Usage{CacheWrite: 7}, 26_250},
		{"cache write 1h", full, llm.Usage{CacheWrite1h: 7}, 42_000},
		{"audio in", full, llm.Usage{InputAudio: 7}, 280_000},
		{"output", full, llm.Usage{Output: 7}, 105_000},
		{"reasoning is a part of output", full, llm.Usage{Output: 7, Reasoning: 3}, 4*15_000 + 3*20_000},
		{"more reasoning than output", full, llm.Usage{Output: 7, Reasoning: 9}, 7 * 20_000},
		{"negative reasoning", full, llm.Usage{Output: 7, Reasoning: -9}, 7 * 15_000},
		{"audio out", full, llm.Usage{OutputAudio: 7}, 560_000},
		{
			"all", full,
			llm.Usage{Input: 1, CacheRead: 1, CacheWrite: 1, CacheWrite1h: 1, InputAudio: 1, Output: 2, Reasoning: 1, OutputAudio: 1},
			3_000 + 300 + 3_750 + 6_000 + 40_000 + 15_000 + 20_000 + 80_000,
		},

		{
			"unlisted classes cost what input and output cost", "1.00 2.00",
			llm.Usage{Input: 1, CacheRead: 1, CacheWrite: 1, CacheWrite1h: 1, InputAudio: 1, Output: 2, Reasoning: 1, OutputAudio: 1},
			5_000 + 6_000,
		},
		{"an hour's write costs what a write costs", "1.00 2.00 cache_write=3.00", llm.Usage{CacheWrite1h: 1}, 3_000},

		{"half rounds to even, down", "0.0005 0", llm.Usage{Input: 1}, 0},
		{"half rounds to even, up", "0.0005 0", llm.Usage{Input: 3}, 2},
		{"each class is rounded once", "0.0006 0", llm.Usage{Input: 1, CacheRead: 1}, 2},
		{"reasoning at the price of output is no class of its own", "0 0.0006", llm.Usage{Output: 2, Reasoning: 1}, 1},

		{"tier, n", "1.00 2.00 >200 3.00 4.00", llm.Usage{Input: 150, CacheRead: 50, Output: 1}, 202_000},
		{"tier, n+1: the whole request", "1.00 2.00 >200 3.00 4.00", llm.Usage{Input: 151, CacheRead: 50, Output: 1}, 603_000 + 4_000},
		{"a tier's classes fall back to the tier's own", "1.00 2.00 cache_read=0.10 >200 3.00 4.00", llm.Usage{CacheRead: 201}, 603_000},
		{"third tier", "1.00 2.00 >200 3.00 4.00 >400 5.00 6.00", llm.Usage{Input: 401}, 2_005_000},

		{"no prices", "", llm.Usage{Input: 1, Output: 1}, 0},
		{"unit prices are not for tokens", "- - image=0.04", llm.Usage{Input: 1, Output: 1}, 0},
		{"saturates", "1000000 1000000", llm.Usage{Input: 1 << 50, Output: 1 << 50}, money.Max},
	} {
		if got := tariff(t, tt.prices).Cost(tt.usage); got != tt.want {
			t.Errorf("%s: %d nano, want %d", tt.name, got, tt.want)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		prices string
		tokens int64
		input  money.NanoUSD
		output money.Price
	}{
		{"1.00 2.00", 0, 0, 2_000_000},
		{"1.00 2.00", 10, 10_000, 2_000_000},
		{"1.00 2.00 cache_write=1.25", 10, 12_500, 2_000_000},
		{"1.00 2.00 input_audio=40 output_audio=80 reasoning=3", 10, 400_000, 80_000_000},
		{"1.00 2.00 >200 3.00 4.00", 200, 200_000, 2_000_000},
		{"1.00 2.00 >200 3.00 4.00", 201, 603_000, 4_000_000},
		{"5.00 6.00 >200 3.00 4.00", 201, 1_005_000, 6_000_000}, // a smaller request is dearer
		{"0.0001 0 cache_read=0 cache_write=0 input_audio=0", 1, 1, 0},
		{"", 10, 0, 0},
	} {
		c := tariff(t, tt.prices)
		if in, out := c.InputBound(tt.tokens, catalog.AnyInput), c.OutputPrice(tt.tokens); in != tt.input || out != tt.output {
			t.Errorf("%q with %d tokens: input bound %d, output price %d; want %d, %d", tt.prices, tt.tokens, in, out, tt.input, tt.output)
		}
	}
}

func TestNoModelHasNoPrices(t *testing.T) {
	var m *catalog.Model
	if m.Cost(llm.Usage{Input: 1}) != 0 || m.InputBound(1, catalog.AnyInput) != 0 || m.OutputPrice(1) != 0 || m.Prices() != "" {
		t.Error("a nil Model charges something")
	}
	made := catalog.Model{Tiers: []catalog.Tier{{Rates: catalog.Flat(1_000_000, 2_000_000)}}}
	if made.Prices() != "1.00 2.00" {
		t.Errorf("a Model made by hand: %q", made.Prices())
	}
}

// price draws prices of every fineness: free, whole dollars, and those whose
// products need rounding.
var price = rapid.OneOf(
	rapid.Just(money.Price(0)),
	rapid.Custom(func(t *rapid.T) money.Price { return money.Price(rapid.Int64Range(0, 200).Draw(t, "usd")) * 1_000_000 }),
	rapid.Custom(func(t *rapid.T) money.Price { return money.Price(rapid.Int64Range(0, 2_000).Draw(t, "micro")) }),
	rapid.Custom(func(t *rapid.T) money.Price { return money.Price(rapid.Int64Range(0, 1<<40).Draw(t, "any")) }),
)

var rates = rapid.Custom(func(t *rapid.T) catalog.Rates {
	r := catalog.Flat(price.Draw(t, "input"), price.Draw(t, "output"))
	for _, class := range []*money.Price{&r.CacheRead, &r.CacheWrite, &r.CacheWrite1h, &r.InputAudio, &r.Reasoning, &r.OutputAudio} {
		if rapid.Bool().Draw(t, "listed") {
			*class = price.Draw(t, "class")
		}
	}
	return r
})

var anyTariff = rapid.Custom(func(t *rapid.T) catalog.Tariff {
	c := catalog.Tariff{Tiers: []catalog.Tier{{Rates: rates.Draw(t, "base")}}}
	var above int64
	for range rapid.IntRange(0, 3).Draw(t, "tiers") {
		above += rapid.Int64Range(1, 2_000).Draw(t, "step")
		c.Tiers = append(c.Tiers, catalog.Tier{AboveInput: above, Rates: rates.Draw(t, "tier")})
	}
	return c
})

var anyUsage = rapid.Custom(func(t *rapid.T) llm.Usage {
	count := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 3_000), rapid.Int64Range(0, 1<<50))
	n := func(class string) int64 { return count.Draw(t, class) }
	return llm.Usage{
		Input: n("input"), CacheRead: n("read"), CacheWrite: n("write"), CacheWrite1h: n("write1h"), InputAudio: n("audio in"),
		Output: n("output"), Reasoning: n("reasoning"), OutputAudio: n("audio out"),
	}
})

// Every class gains almost half a nano-dollar by rounding: the bound must hold
// for the sum of them too.
func TestBoundCoversTheRoundingOfEachClass(t *testing.T) {
	for _, p := range []money.Price{501, 600, 1_501, 37_501} {
		r := catalog.Flat(p, p)
		r.Reasoning++ // so that it is a class of its own
		c := catalog.Tariff{Tiers: []catalog.Tier{{Rates: r}}}
		u := llm.Usage{Input: 1, CacheRead: 1, CacheWrite: 1, CacheWrite1h: 1, InputAudio: 1, Output: 2, Reasoning: 1, OutputAudio: 1}
		cost := c.Cost(u)
		bound := c.InputBound(5, catalog.AnyInput).Add(c.OutputPrice(5).CostUp(3))
		if cost > bound || bound > cost+8 {
			t.Errorf("at %d: cost %d, bound %d", p, cost, bound)
		}
	}
}

// What was held for a request is never less than what it is charged, where it has
// the classes only that were said to be within reach.
func TestCostIsWithinItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, u := anyTariff.Draw(t, "tariff"), anyUsage.Draw(t, "usage")
		reach := catalog.Reach{Sound: rapid.Bool().Draw(t, "sound"), Write: rapid.Bool().Draw(t, "write"), Write1h: rapid.Bool().Draw(t, "write1h")}
		if !reach.Sound {
			u.InputAudio = 0
		}
		if !reach.Write {
			u.CacheWrite = 0
		}
		if !reach.Write1h {
			u.CacheWrite1h = 0
		}
		extra := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 3_000))
		in, out := u.InputTokens()+extra.Draw(t, "in"), u.OutputTokens()+extra.Draw(t, "out")
		bound := c.InputBound(in, reach).Add(c.OutputPrice(in).CostUp(out))
		if cost := c.Cost(u); cost > bound {
			t.Fatalf("cost %d is over the bound %d", cost, bound)
		}
	})
}

// What is not counted in tokens is paid beside them, also by a model that has no
// price for tokens.
func TestUnitsArePaid(t *testing.T) {
	u := llm.Usage{Input: 10, Images: 3, Seconds: 61, Characters: 1000, Searches: 2}
	for prices, want := range map[string]money.NanoUSD{
		"- - image=0.04":             120_000_000,
		"- - second=0.0001":          6_100_000,
		"- - characters=15":          15_000_000,
		"1 2 search=0.01":            20_010_000,
		"1 2 image=0.04 search=0.01": 140_010_000,
		"1 2":                        10_000,
		"- - characters=0.0003":      300,
	} {
		tariff, err := catalog.ParsePrices(prices)
		if err != nil {
			t.Fatal(err)
		}
		if got := tariff.Cost(u); got != want {
			t.Errorf("%s: %d, want %d", prices, got, want)
		}
		if bound := tariff.Units.Bound(u).Add(tariff.InputBound(10, catalog.AnyInput)); bound < tariff.Cost(u) {
			t.Errorf("%s: the bound is %d", prices, bound)
		}
	}
}

// The text of a tariff re-rates an entry to the same nano-dollar.
func TestPricesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, u := anyTariff.Draw(t, "tariff"), anyUsage.Draw(t, "usage")
		c.Units.Image = money.Price(rapid.Int64Range(0, 1_000_000).Draw(t, "image")) * 1_000_000
		c.Units.Character = price.Draw(t, "characters")
		again, err := catalog.ParsePrices(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatalf("%q reads back differently:\n%s", c.String(), diff)
		}
		if c.Cost(u) != again.Cost(u) {
			t.Fatalf("%q re-rates differently", c.String())
		}
	})
}

func TestBuiltinPricesRoundTrip(t *testing.T) {
	c := load(t, catalog.Options{})
	for m := range c.Models(time.Now()) {
		got, err := catalog.ParsePrices(m.Prices())
		if err != nil {
			t.Errorf("%s/%s: %v", m.Provider, m.Name, err)
		}
		if diff := cmp.Diff(m.Tariff(), got); diff != "" {
			t.Errorf("%s/%s: %q reads back differently:\n%s", m.Provider, m.Name, m.Prices(), diff)
		}
	}
}

func FuzzParsePrices(f *testing.F) {
	for _, s := range []string{
		"", "1.25 10.00 cache_read=0.125 >200000 2.50 15.00", "- - image=0.04", "0 0", "1 2 >", "1 2 =", "- 1",
		"1 2 cache_write=3 cache_write_1h=1 reasoning=0 >5 1 1 >6 0 0 output_audio=9",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := catalog.ParsePrices(s)
		if err != nil {
			return
		}
		again, err := catalog.ParsePrices(got.String())
		if err != nil || cmp.Diff(got, again) != "" {
			t.Fatalf("%q → %q reads back as %+v, %v", s, got.String(), again, err)
		}
		if strings.Contains(got.String(), "  ") {
			t.Fatalf("%q has a double blank", got.String())
		}
	})
}

// Where a price comes from goes with the price.
func TestPriceSource(t *testing.T) {
	rates := catalog.Flat(1, 2)
	c, err := catalog.Load(catalog.Options{
		Rows:    []string{"openai gpt-4o 128000 1000 9 9", "openai gpt-4o-mini 1000 1000 - -", "openai brand-new 1 1 - -"},
		Default: &rates,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]catalog.Source{
		"openai/gpt-4o": catalog.Config, "openai/gpt-4o-mini": catalog.Builtin, "openai/brand-new": catalog.Default,
		"openai/nobody-lists-it": catalog.Default, "azure/gpt-4o": catalog.Builtin,
	} {
		target, err := c.Resolve(name, time.Now(), nil)
		if err != nil || target.Model.PriceSource != want {
			t.Errorf("%s: %v, %v, want %s", name, target.Model, err, want)
		}
	}
	rows, models := 0, 0
	for range c.Rows(time.Now()) {
		rows++
	}
	for range c.Models(time.Now()) {
		models++
	}
	if rows <= models {
		t.Errorf("%d rows, %d models", rows, models)
	}
}
