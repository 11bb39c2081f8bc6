package config

import (
	"strconv"
	"strings"

	"tollgate/internal/money"
)

// Text is the row in the catalogue's text format: provider, model, context, max
// output, input and output price, and the rest by name; - for what is left out.
func (r PriceRow) Text() string {
	words := []string{r.Provider, r.Model, dashInt(r.Context), dashInt(r.MaxOutput)}
	words = append(words, r.TokenPrices.words()...)
	for _, unit := range []struct {
		name  string
		price *money.Price
	}{{"image", r.Image}, {"second", r.Second}, {"characters", r.Characters}, {"search", r.Search}} {
		words = appendPrice(words, unit.name, unit.price)
	}
	for _, alias := range r.Aliases {
		words = append(words, "alias="+alias)
	}
	words = append(words, r.Capabilities...)
	for _, t := range r.Tiers {
		words = append(words, ">"+strconv.FormatInt(t.Above, 10))
		words = append(words, t.TokenPrices.words()...)
	}
	return strings.Join(words, " ")
}

// Set reports whether any price is given.
func (p TokenPrices) Set() bool { return p != TokenPrices{} }

func (p TokenPrices) words() []string {
	words := []string{dashPrice(p.Input), dashPrice(p.Output)}
	words = appendPrice(words, "cache_read", p.CacheRead)
	words = appendPrice(words, "cache_write", p.CacheWrite)
	words = appendPrice(words, "cache_write_1h", p.CacheWrite1h)
	words = appendPrice(words, "reasoning", p.Reasoning)
	words = appendPrice(words, "input_audio", p.InputAudio)
	return appendPrice(words, "output_audio", p.OutputAudio)
}

func appendPrice(words []string, name string, p *money.Price) []string {
	if p == nil {
		return words
	}
	return append(words, name+"="+p.String())
}

func dashPrice(p *money.Price) string {
	if p == nil {
		return "-"
	}
	return p.String()
}

func dashInt(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
