package catalog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/money"
)

func load(t testing.TB, o catalog.Options) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// only makes a configured function that knows these providers.
func only(slugs ...string) func(string) bool {
	return func(slug string) bool { return slices.Contains(slugs, slug) }
}

func TestBuiltinRows(t *testing.T) {
	c := load(t, catalog.Options{})
	perProvider := map[string]int{}
	for m := range c.Models(time.Now()) {
		perProvider[m.Provider]++
		if m.ContextTokens < 0 || (m.ContextTokens > 0 && m.MaxOutputTokens > m.ContextTokens && !m.Has("speech")) {
			t.Errorf("%s/%s: context %d, max output %d", m.Provider, m.Name, m.ContextTokens, m.MaxOutputTokens)
		}
		if m.Priced != (len(m.Tiers) > 0) {
			t.Errorf("%s/%s: Priced is %v with %d tiers", m.Provider, m.Name, m.Priced, len(m.Tiers))
		}
		if m.Has("chat") && m.Priced && m.MaxOutputTokens == 0 {
			t.Errorf("%s/%s: a chat model without a maximum of output cannot be bounded", m.Provider, m.Name)
		}
		for _, tier := range m.Tiers {
			r := tier.Rates
			if r.CacheRead > r.Input || r.CacheWrite1h < r.CacheWrite || r.OutputAudio < r.Output {
				t.Errorf("%s/%s above %d: unlikely prices %+v", m.Provider, m.Name, tier.AboveInput, r)
			}
		}
		target, err := c.Resolve(m.Provider+"/"+m.Name, time.Now(), nil)
		if err != nil || target.Model != m || target.Name != m.Name || target.Provider != m.Provider {
			t.Errorf("%s/%s resolves to %+v, %v", m.Provider, m.Name, target, err)
		}
	}
	for _, slug := range []string{"openai", "anthropic", "google", "cohere", "huggingface", "azure"} {
		if perProvider[slug] < 10 {
			t.Errorf("%s has %d models", slug, perProvider[slug])
		}
	}
	if perProvider["demo"] != 3 {
		t.Errorf("demo has %d models, not 3", perProvider["demo"])
	}
}

func TestModelsStandInAStableOrder(t *testing.T) {
	names := func() (s []string) {
		for m := range load(t, catalog.Options{}).Models(time.Now()) {
			s = append(s, m.Provider+"/"+m.Name)
		}
		return s
	}
	first := names()
	if !slices.Equal(first, names()) {
		t.Error("two loads list the models in different orders")
	}
	if !strings.HasPrefix(first[0], "openai/") || !strings.HasPrefix(first[len(first)-1], "demo/") {
		t.Errorf("from %s to %s", first[0], first[len(first)-1])
	}
	if i := slices.IndexFunc(first, func(s string) bool { return strings.Contains(s, "*") }); i >= 0 {
		t.Errorf("%s is not one model", first[i])
	}
}

func TestResolve(t *testing.T) {
	c := load(t, catalog.Options{
		Providers: []catalog.Provider{{Slug: "mine", Kind: "custom"}, {Slug: "openai-eu", Kind: "openai"}},
		Rows: []string{
			"mine local-llama 8192 2048 0.01 0.02",
			"mine gpt-4o 128000 16384 0.01 0.02",
			"mine special-* - 100 1 2",
			"mine special-long-* - 100 3 4",
		},
		Aliases: map[string][]string{"fast": {"openai/gpt-4o-mini"}, "eu/best": {"openai-eu/gpt-5.5-2026-04-23"}, "new": {"mine/unlisted"}},
	})
	all := only("openai", "anthropic", "google", "cohere", "huggingface", "mine", "openai-eu", "azure", "demo")
	for _, tt := range []struct {
		name       string
		configured func(string) bool
		provider   string
		sent       string
		row        string // "" = unpriced, no row
	}{
		{"gpt-4o-mini", all, "openai", "gpt-4o-mini", "gpt-4o-mini"},
		{"gpt-4o-mini", only("azure"), "azure", "gpt-4o-mini", "gpt-4o-mini"},
		{"gpt-4o-mini", only("cohere"), "openai", "gpt-4o-mini", "gpt-4o-mini"}, // listed, and nobody is configured
		{"gpt-4o", only("azure", "mine"), "mine", "gpt-4o", "gpt-4o"},           // custom before azure
		{"demo-mini", all, "demo", "demo-mini", "demo-mini"},

		{"openai/gpt-4o", only(), "openai", "gpt-4o", "gpt-4o"},
		{"openai/gpt-99", all, "openai", "gpt-99", ""},
		{"mine/local-llama", all, "mine", "local-llama", "local-llama"},
		{"openai-eu/gpt-4o", all, "openai-eu", "gpt-4o", "gpt-4o"}, // its kind's rows

		{"huggingface/meta-llama/Llama-3.3-70B-Instruct", all, "huggingface", "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"},
		{"meta-llama/Llama-3.3-70B-Instruct", all, "huggingface", "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"},
		{"huggingface/openai/gpt-oss-120b", all, "huggingface", "openai/gpt-oss-120b", "openai/gpt-oss-120b"},
		{"openai/gpt-oss-120b", all, "openai", "gpt-oss-120b", ""}, // a known provider is always that

		{"gpt-4o-mini-2024-07-18", all, "openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"},
		{"gpt-4o-2024-05-13", all, "openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"}, // has its own price
		{"gpt-4-0613", all, "openai", "gpt-4-0613", "gpt-4"},
		{"claude-sonnet-4-5-20250929", all, "anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"},
		{"claude-sonnet-4-5@20250929", all, "anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"},
		{"claude-sonnet-4-20250514", all, "anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"}, // alias= of a row
		{"claude-opus-4-1-latest", all, "anthropic", "claude-opus-4-1-latest", "claude-opus-4-1"},
		{"gpt-5-chat-latest", all, "openai", "gpt-5-chat-latest", "gpt-5-chat-latest"},

		{"ft:gpt-4o-mini-2024-07-18:acme::x1", all, "openai", "ft:gpt-4o-mini-2024-07-18:acme::x1", "ft:gpt-4o-mini*"},
		{"ft:gpt-4o-2024-08-06:acme::x1", all, "openai", "ft:gpt-4o-2024-08-06:acme::x1", "ft:gpt-4o*"},
		{"special-x", all, "mine", "special-x", "special-*"},
		{"special-long-x", all, "mine", "special-long-x", "special-long-*"},

		{"fast", all, "openai", "gpt-4o-mini", "gpt-4o-mini"},
		{"eu/best", all, "openai-eu", "gpt-5.5-2026-04-23", "gpt-5.5"},
		{"new", all, "mine", "unlisted", ""},
	} {
		got, err := c.Resolve(tt.name, time.Now(), tt.configured)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		row := ""
		if got.Model != nil {
			row = got.Model.Name
		}
		if got.Provider != tt.provider || got.Name != tt.sent || row != tt.row {
			t.Errorf("%s → %s as %q by row %q; want %s as %q by row %q", tt.name, got.Provider, got.Name, row, tt.provider, tt.sent, tt.row)
		}
	}
}

// A name that only resembles a listed one must not be priced by it.
func TestResolveUnknown(t *testing.T) {
	c := load(t, catalog.Options{})
	for _, name := range []string{
		"", "gpt", "gpt-99", "gpt-4o-mini-", "gpt-4o-mini-x", "GPT-4o", "openai/", "nobody/gpt-4o",
		"gpt-4o-mini-16k", "gpt-4o-mini-2507", "gpt-4o-mini-1301", "gpt-4o-mini-0132", "gpt-4o-mini-0100",
		"gpt-4o-mini-2024-13-01", "gpt-4o-mini-2024-7-18", "gpt-4o-mini-1924-07-18", "gpt-4o-mini-2024-07-18-2024-07-18",
		"gpt-4o-mini@2024-07-18", "gpt-4o-mini-20240732", "-latest", "-0613", "gpt-4-0125-previe",
		strings.Repeat("a", 1<<20), "openai/" + strings.Repeat("a", 513),
	} {
		got, err := c.Resolve(name, time.Now(), nil)
		if !errors.Is(err, fault.ModelNotFound) {
			t.Errorf("%.40q → %+v, %v; want model_not_found", name, got, err)
			continue
		}
		if f := fault.Of(err); f.Param != "model" || len(f.Public) > 600 {
			t.Errorf("%.40q: param %q, a text of %d bytes", name, f.Param, len(f.Public))
		}
	}
}

func TestRowsLieOverTheBuiltinOnes(t *testing.T) {
	c := load(t, catalog.Options{Rows: []string{
		"openai gpt-4o - - 9 18 cache_read=3",
		"openai gpt-4-turbo 500 50 - -",
		"openai gpt-new 1000 100 0 0 alias=gpt-newest",
		"openai gpt-all 1000 100 0.30 1.20 cache_read=0.00 image=0.04 alias=a alias=b chat images >200000 0.60 2.40 cache_write_1h=5.00",
	}})
	for _, tt := range []struct {
		name         string
		context, max int64
		prices       string
	}{
		{"gpt-4o", 128000, 16384, "9.00 18.00 cache_read=3.00"},
		{"gpt-4-turbo", 500, 50, "10.00 30.00"},
		{"gpt-new", 1000, 100, "0.00 0.00"},
		{"gpt-newest", 1000, 100, "0.00 0.00"},
		{"b", 1000, 100, "0.30 1.20 cache_read=0.00 image=0.04 >200000 0.60 2.40 cache_write_1h=5.00"},
	} {
		got, err := c.Resolve(tt.name, time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		m := got.Model
		if m.ContextTokens != tt.context || m.MaxOutputTokens != tt.max || m.Prices() != tt.prices || !m.Priced {
			t.Errorf("%s: context %d, max %d, prices %q, priced %v", tt.name, m.ContextTokens, m.MaxOutputTokens, m.Prices(), m.Priced)
		}
	}
}

func TestUnpricedIsNotFree(t *testing.T) {
	c := load(t, catalog.Options{})
	for name, priced := range map[string]bool{"gemma-4-31b-it": false, "whisper-1": false, "omni-moderation-latest": true} {
		got, err := c.Resolve(name, time.Now(), nil)
		if err != nil || got.Model.Priced != priced {
			t.Errorf("%s: priced %v, %v", name, got.Model.Priced, err)
		}
	}
	rates := catalog.Flat(2_000_000, 4_000_000)
	c = load(t, catalog.Options{Default: &rates})
	for _, name := range []string{"gemma-4-31b-it", "openai/unheard-of"} {
		got, err := c.Resolve(name, time.Now(), nil)
		if err != nil || !got.Model.Priced || got.Model.Prices() != "2.00 4.00" {
			t.Errorf("%s with default prices: %+v, %v", name, got.Model, err)
		}
	}
}

func TestUnitPrices(t *testing.T) {
	got, err := load(t, catalog.Options{}).Resolve("rerank-v3.5", time.Now(), nil)
	if err != nil || got.Model.Units.SearchUnit.Cost(3) != 6*money.USD/1000 {
		t.Errorf("three search units at $0.002: %+v, %v", got.Model, err)
	}
}

func TestHas(t *testing.T) {
	c := load(t, catalog.Options{})
	for _, tt := range []struct {
		model, capability string
		want              bool
	}{
		{"gpt-4o", "chat", true},
		{"gpt-4o", "embeddings", false},
		{"demo-embed", "embeddings", true},
		{"demo-embed", "chat", false},
	} {
		got, _ := c.Resolve(tt.model, time.Now(), nil)
		if got.Model.Has(tt.capability) != tt.want {
			t.Errorf("%s has %s: %v", tt.model, tt.capability, !tt.want)
		}
	}
	if (*catalog.Model)(nil).Has("chat") {
		t.Error("no model has no capability")
	}
}

func TestAliasesAreListed(t *testing.T) {
	c := load(t, catalog.Options{Aliases: map[string][]string{"b": {"openai/gpt-4o", "demo/demo-large"}, "a": {"demo/demo-mini"}}})
	var got []string
	for name, targets := range c.Aliases(time.Now()) {
		for _, target := range targets {
			got = append(got, name+"="+target.Provider+"/"+target.Name)
		}
	}
	if want := []string{"a=demo/demo-mini", "b=openai/gpt-4o", "b=demo/demo-large"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for range c.Aliases(time.Now()) {
		break
	}
}

func TestLoadNamesEveryWrongRow(t *testing.T) {
	_, err := catalog.Load(catalog.Options{Rows: []string{
		"openai short",
		"openai a many -5 1 2",
		"openai b 1 1 1.2345678 2",
		"openai c 1 1 1 -",
		"openai d 1 1 1 2 cache_raed=1",
		"openai e 1 1 1 2 image=1 image=2",
		"openai f 1 1 1 2 >10 3 4 >10 5 6",
		"openai g 1 1 1 2 >x 3 4",
		"openai h 1 1 - - >10 3 4",
		"openai i 1 1 1 2 >10 - -",
		"openai j 1 1 1 2 released=yesterday alias=x*",
		"openai k 1 1 - - cache_read=1",
		"openai l 1 1 1 2 image=9999999999",
		"openai m 1 1 1 2 >10 3",
	}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"prices line 1: want provider, model",
		`line 2: openai a: context "many"`, `or -; max output "-5"`,
		`line 3: openai b: input price "1.2345678"`,
		`line 4: openai c: output price "-"`,
		`"cache_raed=1"`, `"image=2"`, `tier ">10"`, `">x"`, `openai h: tier ">10"`,
		"tier >10: a tier needs prices", "released=yesterday", "alias=x*", `openai k: "cache_read=1"`,
		"image=9999999999: too much", "openai m: tier >10: want an input and an output price",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestLoadRefusesWrongTables(t *testing.T) {
	for want, o := range map[string]catalog.Options{
		`provider "nobody" is not known`:    {Rows: []string{"nobody m 1 1 1 2"}},
		"model m of openai is listed twice": {Rows: []string{"openai m 1 1 1 2", "openai m 1 1 1 3"}},
		`alias a: "gpt-4o" is not`:          {Aliases: map[string][]string{"a": {"gpt-4o"}}},
		`alias b: "nobody/x" is not`:        {Aliases: map[string][]string{"b": {"nobody/x"}}},
	} {
		if _, err := catalog.Load(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
