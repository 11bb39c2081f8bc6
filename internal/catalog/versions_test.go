package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/internal/catalog"
)

var december = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func version(row, prices string, from time.Time) catalog.Version {
	provider, model, _ := strings.Cut(row, "/")
	return catalog.Version{ID: "price_" + prices, Provider: provider, Model: model, From: from, Prices: prices}
}

func pricesAt(t *testing.T, c *catalog.Catalog, name string, at time.Time) string {
	t.Helper()
	target, err := c.Resolve(name, at, nil)
	if err != nil {
		return err.Error()
	}
	return target.Model.Prices()
}

// A version holds from its instant on, to the nanosecond, until the next one.
func TestVersionsHoldFromTheirInstantOn(t *testing.T) {
	january := december.AddDate(0, 1, 0)
	c := load(t, catalog.Options{
		Rows:    []string{"openai gpt-4o - - 7.00 8.00"},
		Aliases: map[string][]string{"fast": {"openai/gpt-4o"}},
		Versions: []catalog.Version{
			version("openai/gpt-4o", "3.00 4.00", january),
			version("openai/gpt-4o", "9.00 9.00", december), // set again below: this one never counts
			version("openai/gpt-4o", "1.00 2.00 >1000 5.00 6.00", december),
			version("openai/gpt-4o", "", january.AddDate(1, 0, 0)), // the configuration's holds again
			version("openai/gpt-4o-mini", "0.10 0.20", december),
		},
	})
	for _, name := range []string{"gpt-4o", "openai/gpt-4o", "fast", "gpt-4o-2099-01-01"} {
		for at, want := range map[time.Time]string{
			{}:                          "7.00 8.00",
			december.Add(-1):            "7.00 8.00",
			december:                    "1.00 2.00 >1000 5.00 6.00",
			january.Add(-1):             "1.00 2.00 >1000 5.00 6.00",
			january:                     "3.00 4.00",
			january.AddDate(1, 0, 0):    "7.00 8.00",
			january.AddDate(1000, 0, 0): "7.00 8.00",
		} {
			if got := pricesAt(t, c, name, at); got != want {
				t.Errorf("%s at %s: %q, want %q", name, at, got, want)
			}
		}
	}
	m := c.Row("openai", "gpt-4o", december)
	if m.PriceSource != catalog.Stored || !m.Since.Equal(december) || m.VersionID != "price_1.00 2.00 >1000 5.00 6.00" || m.MaxOutputTokens != 16384 {
		t.Errorf("%+v", m)
	}
	if m = c.Row("openai", "gpt-4o", december.Add(-1)); m.PriceSource != catalog.Config || !m.Since.IsZero() {
		t.Errorf("before: %+v", m)
	}
	if m = c.Row("openai", "gpt-4o-", december); m != nil {
		t.Errorf("a row that is not there: %+v", m)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Resolve("gpt-4o", december, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A row that only versions make is there from the first one on; until then a name is
// priced as if nobody knew of it.
func TestVersionsMakeRows(t *testing.T) {
	c := load(t, catalog.Options{Versions: []catalog.Version{
		version("openai/brand-new", "1.00 2.00", december),
		version("openai/gpt-4o-mini-2024-07-18", "5.00 6.00", december), // has the prices of its undated name
		version("azure/my-*", "0.01 0.02", december),
		version("openai/brand-new", "", december.AddDate(0, 0, 1)),
		version("nobody/any", "1.00 2.00", december), // of a provider that is gone from the configuration
	}})
	before := december.Add(-time.Hour)
	if m := c.Row("openai", "gpt-4o-mini-2024-07-18", december); m == nil || m.ContextTokens != 128000 || m.MaxOutputTokens != 16384 || !m.Has("chat") {
		t.Errorf("what is known of the undated name: %+v", m)
	}
	undated := pricesAt(t, c, "gpt-4o-mini", before)
	for _, tt := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"brand-new", december, "1.00 2.00"},
		{"gpt-4o-mini-2024-07-18", before, undated},
		{"gpt-4o-mini-2024-07-18", december, "5.00 6.00"},
		{"azure/my-thing", before, ""},
		{"azure/my-thing", december, "0.01 0.02"},
	} {
		if got := pricesAt(t, c, tt.name, tt.at); got != tt.want {
			t.Errorf("%s at %s: %q, want %q", tt.name, tt.at, got, tt.want)
		}
	}
	for _, at := range []time.Time{before, december.AddDate(0, 0, 1)} {
		if _, err := c.Resolve("brand-new", at, nil); err == nil {
			t.Errorf("brand-new is known at %s", at)
		}
		for m := range c.Models(at) {
			if m.Name == "brand-new" {
				t.Errorf("brand-new is listed at %s", at)
			}
		}
	}
}

// What only a default prices keeps the default around a version.
func TestVersionsAndTheDefaultPrice(t *testing.T) {
	rates := catalog.Flat(4_000_000, 5_000_000)
	c := load(t, catalog.Options{Default: &rates, Versions: []catalog.Version{
		version("openai/brand-new", "1.00 2.00", december), version("openai/brand-new", "- - image=0.04", december.AddDate(1, 0, 0)),
	}})
	for at, want := range map[time.Time]string{
		december.Add(-1): "4.00 5.00", december: "1.00 2.00", december.AddDate(1, 0, 0): "4.00 5.00 image=0.04",
	} {
		if got := pricesAt(t, c, "openai/brand-new", at); got != want {
			t.Errorf("at %s: %q, want %q", at, got, want)
		}
	}
}

// However many versions there are and in whatever order they were set, the one in
// force is the one that begins last before the moment.
func TestTheVersionInForceIsTheLatest(t *testing.T) {
	for range 200 {
		var versions []catalog.Version
		latest := map[int64]string{}
		for i := range rand.IntN(20) {
			at := int64(rand.IntN(10))
			prices := fmt.Sprintf("%d.00 1.00", i+1)
			versions = append(versions, version("openai/x", prices, time.Unix(at, 0)))
			latest[at] = prices
		}
		c := load(t, catalog.Options{Versions: versions})
		want := ""
		for at := range int64(11) {
			if p, ok := latest[at]; ok {
				want = p
			}
			if got := pricesAt(t, c, "openai/x", time.Unix(at, 0)); got != want {
				t.Fatalf("%v: at %d %q, want %q", versions, at, got, want)
			}
		}
	}
}

func TestCheckOfVersions(t *testing.T) {
	c := load(t, catalog.Options{})
	for row, prices := range map[string]string{
		"nobody/x": "1 2", "openai/": "1 2", "openai/two words": "1 2", "openai/x#y": "1 2", "openai/long" + strings.Repeat("x", 510): "1 2",
		"openai/a": "1", "openai/b": "100000.000001 1", "openai/c": "- - image=1000.01", "openai/d": "1 2 image=-1",
	} {
		if _, err := c.Check(version(row, prices, december)); err == nil {
			t.Errorf("%.40s %s passes", row, prices)
		}
	}
	for _, prices := range []string{"", "0 0", "100000 100000", "- - image=1000 second=1000 search=1000", "1.50 2.5 cache_read=1.5"} {
		v, err := c.Check(version("openai/gpt*", prices, december))
		if err != nil {
			t.Errorf("%q: %v", prices, err)
		}
		if again, err := c.Check(v); err != nil || again.Prices != v.Prices {
			t.Errorf("%q: %q, %v", prices, again.Prices, err)
		}
	}
	if _, err := catalog.Load(catalog.Options{Versions: []catalog.Version{version("openai/x", "broken", december)}}); err == nil {
		t.Error("a stored price that cannot be read passes")
	}
}

// A version that says nothing new of images leaves alone what their qualities cost;
// one that does is all there is.
func TestVersionsAndTheQualityOfImages(t *testing.T) {
	before := load(t, catalog.Options{}).Row("openai", "dall-e-3", december)
	small := before.TariffFor("standard", "1024x1024").Units.Image
	if small == 0 || small == before.Units.Image {
		t.Fatalf("%s for a small one, %s at most", small, before.Units.Image)
	}
	c := load(t, catalog.Options{Versions: []catalog.Version{
		version("openai/dall-e-3", before.Prices()+" search=0.01", december), version("openai/dall-e-3", "- - image=0.50", december.AddDate(0, 1, 0)),
	}})
	if m := c.Row("openai", "dall-e-3", december); m.TariffFor("standard", "1024x1024").Units.Image != small || m.Units.SearchUnit == 0 {
		t.Errorf("%+v", m)
	}
	if m := c.Row("openai", "dall-e-3", december.AddDate(0, 1, 0)); m.TariffFor("standard", "1024x1024").Units.Image != 500_000_000_000 {
		t.Errorf("%+v", m)
	}
}
