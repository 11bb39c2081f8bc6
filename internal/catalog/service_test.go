package catalog_test

import (
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/llm"
)

// Prices of services are read and written, in rows and in what entries keep.
func TestServices(t *testing.T) {
	c := load(t, catalog.Options{Rows: []string{
		"openai gpt-x - - 2.00 8.00 cache_read=0.50 flex_input=1.00 flex_output=4.00 flex_cache_read=0.25 image=0.04\n  priority_input=3.00 priority_output=12.00\n >1000 4.00 10.00 cache_read=1.00 flex_input=2.00 flex_output=5.00",
	}})
	target, err := c.Resolve("gpt-x", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := target.Model
	for service, want := range map[catalog.Service]string{
		catalog.Standard: "2.00 8.00 cache_read=0.50 image=0.04 >1000 4.00 10.00 cache_read=1.00",
		catalog.Flex:     "1.00 4.00 cache_read=0.25 image=0.04 service=flex >1000 2.00 5.00",
		// Above 1,000 tokens nothing is said: then it is the dearer of the standard price
		// and its own, class by class.
		catalog.Priority: "3.00 12.00 image=0.04 service=priority >1000 4.00 12.00 cache_read=3.00",
		catalog.Fast:     "",
	} {
		tariff, prices, ok := m.Charged(service)
		if prices != want || ok != (want != "") {
			t.Errorf("%q: %q, %t, want %q", service, prices, ok, want)
		}
		if again, err := catalog.ParsePrices(prices); err != nil || again.String() != prices || again.Service != tariff.Service {
			t.Errorf("%q is read as %q (%v)", prices, again, err)
		}
		if n := testing.AllocsPerRun(100, func() { m.Charged(service) }); n != 0 {
			t.Errorf("%q: %v allocations", service, n)
		}
	}
	whole, err := catalog.ParsePrices(m.Prices())
	if err != nil || whole.String() != m.Prices() || len(whole.Offers) != 2 {
		t.Errorf("%q: %+v, %v", m.Prices(), whole, err)
	}
	for _, wrong := range []string{
		"1 2 flex_input=1", "1 2 flex_output=1", "- - flex_input=1 flex_output=1", "1 2 slow_input=1 slow_output=2", "1 2 flex_input=1 flex_output=1 flex_image=1",
		"1 2 service=slow", "- - service=flex image=1", "1 2 service=flex flex_input=1 flex_output=1", "1 2 >5 3 4 service=flex", "1 2 flex_input=1 flex_input=1 flex_output=1", "1 2 flex=1",
	} {
		if got, err := catalog.ParsePrices(wrong); err == nil {
			t.Errorf("%q is read as %q", wrong, got)
		}
	}
	if _, err := catalog.Load(catalog.Options{Rows: []string{"openai gpt-x - - 1 2 service=flex"}}); err == nil {
		t.Error("a row is of one service only")
	}
	if _, err := c.Check(version("openai/x", "1 2 service=flex", december)); err == nil {
		t.Error("a version is of one service only")
	}
	if _, err := c.Check(version("openai/x", "1 2 flex_input=1 flex_output=100000.01", december)); err == nil {
		t.Error("the price of a service is beyond reason")
	}
}

// An entry is rated anew by the version that held when it was admitted, under the
// service that it was charged under.
func TestRate(t *testing.T) {
	c := load(t, catalog.Options{Versions: []catalog.Version{
		version("openai/gpt-x", "1.00 2.00 flex_input=0.50 flex_output=1.00", december),
		version("openai/gpt-x", "10.00 20.00", december.AddDate(0, 1, 0)),
	}})
	u := llm.Usage{Input: 1_000_000, Output: 1_000_000}
	for _, tt := range []struct {
		at                         time.Time
		charged, cost, prices, why string
	}{
		{december.Add(-1), "", "0.00", "", "unpriced"},
		{december, "", "3.00", "1.00 2.00", ""},
		{december, "7 7", "3.00", "1.00 2.00", ""},
		{december, "7 7 service=flex", "1.50", "0.50 1.00 service=flex", ""},
		{december, "7 7 service=priority", "0.00", "", "unpriced"},
		{december, "words", "0.00", "", "unreadable"},
		{december.AddDate(0, 1, 0), "1.00 2.00", "30.00", "10.00 20.00", ""},
		{december.AddDate(0, 1, 0), "0.50 1.00 service=flex", "0.00", "", "unpriced"},
	} {
		cost, prices, why := c.Rate("openai", "gpt-x", tt.at, u, tt.charged)
		if cost.String() != tt.cost || prices != tt.prices || why != tt.why {
			t.Errorf("%s, %q: %s, %q, %q", tt.at, tt.charged, cost, prices, why)
		}
	}
	if _, _, why := c.Rate("openai", "dall-e-3", december, llm.Usage{Images: 1}, "- - image=0.04"); why != "by_quality" {
		t.Errorf("an image whose quality is not kept: %q", why)
	}
}
