package catalog_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/llm"
)

// The dearest price stands where none of a quality and a size does.
func TestPricesOfImages(t *testing.T) {
	c, err := catalog.Load(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ model, quality, size, prices string }{
		{"dall-e-3", "", "", "- - image=0.04"},
		{"dall-e-3", "standard", "1024x1024", "- - image=0.04"},
		{"dall-e-3", "", "1024x1792", "- - image=0.08"},
		{"dall-e-3", "standard", "1792x1024", "- - image=0.08"},
		{"dall-e-3", "hd", "", "- - image=0.08"},
		{"dall-e-3", "hd", "1024x1024", "- - image=0.08"},
		{"dall-e-3", "hd", "1792x1024", "- - image=0.12"},
		{"dall-e-3", "superb", "", "- - image=0.12"},
		{"dall-e-2", "", "", "- - image=0.02"},
		{"dall-e-2", "standard", "512x512", "- - image=0.018"},
		{"dall-e-2", "", "256x256", "- - image=0.016"},
		{"gpt-image-1", "low", "1024x1024", "5.00 40.00 cache_read=1.25 input_audio=10.00"},
	} {
		target, err := c.Resolve(want.model, time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Model.TariffFor(want.quality, want.size).String(); got != want.prices {
			t.Errorf("%s %q %q: %s, want %s", want.model, want.quality, want.size, got, want.prices)
		}
		byUnit := strings.HasPrefix(want.prices, "-")
		if m := target.Model; !m.PricedFor(llm.Images) || m.PricedFor(llm.Tokens) == byUnit || m.ByUnit(llm.Images) != byUnit || m.ByUnit(llm.Seconds) {
			t.Errorf("%s: priced by the image %t, by the token %t", want.model, m.ByUnit(llm.Images), m.PricedFor(llm.Tokens))
		}
	}
	var none *catalog.Model
	if none.PricedFor(llm.Images) || none.ByUnit(llm.Images) || none.TariffFor("", "").String() != "" {
		t.Error("no model has a price")
	}
}

func TestWrongPricesOfImages(t *testing.T) {
	for row, says := range map[string]string{
		"openai m - - - - image=hd=0.04":          "want a quality and a size",
		"openai m - - - - image=/1x1=0.04":        "want a quality and a size",
		"openai m - - - - image=hd/1x1=much":      "much",
		"openai m - - - - image=hd/1x1=999999999": "too much",
	} {
		if _, err := catalog.Load(catalog.Options{Rows: []string{row}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", row, err)
		}
	}
}

// The configuration's row for a model keeps what it does not say.
func TestPricesOfImagesAreInherited(t *testing.T) {
	for row, want := range map[string]string{
		"openai dall-e-3 - - - - released=2024-01-01": "- - image=0.04",
		"openai dall-e-3 - - - - image=0.01":          "- - image=0.01",
	} {
		c, err := catalog.Load(catalog.Options{Rows: []string{row}})
		if err != nil {
			t.Fatal(err)
		}
		target, _ := c.Resolve("dall-e-3", time.Now(), nil)
		if got := target.Model.TariffFor("", "").String(); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
}
