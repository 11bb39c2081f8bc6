package catalog

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tollgate/internal/money"
)

// perMillion turns a price of one into a price of a million.
const perMillion = 1_000_000

// String is the tariff in the form that ParsePrices reads and models.txt has:
// input and output price, what differs from them, and the further tiers, as in
// "1.25 10.00 cache_read=0.125 >200000 2.50 15.00". The zero Tariff is "".
func (t Tariff) String() string {
	if len(t.Tiers) == 0 && t.Units == (Units{}) {
		return ""
	}
	w := tariffWriter{}
	if len(t.Tiers) == 0 {
		w.word("- -")
	}
	for i := range t.Tiers {
		if i > 0 {
			w.word(">" + strconv.FormatInt(t.Tiers[i].AboveInput, 10))
		}
		w.rates(&t.Tiers[i].Rates)
		if i == 0 {
			w.units(t.Units)
		}
	}
	if len(t.Tiers) == 0 {
		w.units(t.Units)
	}
	return w.b.String()
}

type tariffWriter struct{ b strings.Builder }

func (w *tariffWriter) word(s string) {
	if w.b.Len() > 0 {
		w.b.WriteByte(' ')
	}
	w.b.WriteString(s)
}

// price writes name=p unless p is what the class costs anyway.
func (w *tariffWriter) price(name string, p, otherwise money.Price) {
	if p != otherwise {
		w.word(name + "=" + p.String())
	}
}

func (w *tariffWriter) rates(r *Rates) {
	w.word(r.Input.String())
	w.word(r.Output.String())
	w.price("cache_read", r.CacheRead, r.Input)
	w.price("cache_write", r.CacheWrite, r.Input)
	w.price("cache_write_1h", r.CacheWrite1h, r.CacheWrite)
	w.price("reasoning", r.Reasoning, r.Output)
	w.price("input_audio", r.InputAudio, r.Input)
	w.price("output_audio", r.OutputAudio, r.Output)
}

func (w *tariffWriter) units(u Units) {
	w.price("image", u.Image/perMillion, 0)
	w.price("second", u.Second/perMillion, 0)
	w.price("characters", u.Character, 0)
	w.price("search", u.SearchUnit/perMillion, 0)
}

// ParsePrices reads what Tariff.String and Model.Prices write. "" is the zero
// Tariff.
func ParsePrices(s string) (Tariff, error) {
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return Tariff{}, nil
	}
	t, err := parseTariff(fields)
	if err != nil {
		return Tariff{}, fmt.Errorf("prices %q: %w", s, err)
	}
	return t, nil
}

// parseTariff reads the words of a tariff: prices, and those of each further
// tier after its >N.
func parseTariff(words []string) (Tariff, error) {
	var t Tariff
	base, rest := untilTier(words)
	rates, priced, err := parseRates(base, &t.Units)
	if err != nil {
		return t, err
	}
	if priced {
		t.Tiers = []Tier{{Rates: rates}}
	}
	for len(rest) > 0 {
		above, err := strconv.ParseInt(rest[0][1:], 10, 64)
		if err != nil || above <= 0 {
			return t, fmt.Errorf("%q: a tier starts with > and a positive number of input tokens, like >200000", rest[0])
		}
		if !priced || above <= t.Tiers[len(t.Tiers)-1].AboveInput {
			return t, fmt.Errorf("tier %q: tiers follow a priced row, in rising order", rest[0])
		}
		var words []string
		words, rest = untilTier(rest[1:])
		rates, ok, err := parseRates(words, nil)
		if err == nil && !ok {
			err = fmt.Errorf("a tier needs prices")
		}
		if err != nil {
			return t, fmt.Errorf("tier >%d: %w", above, err)
		}
		t.Tiers = append(t.Tiers, Tier{AboveInput: above, Rates: rates})
	}
	return t, nil
}

// untilTier cuts the words before the next >N.
func untilTier(words []string) (before, from []string) {
	for i, w := range words {
		if strings.HasPrefix(w, ">") {
			return words[:i], words[i:]
		}
	}
	return words, nil
}

// parseRates reads "input output key=price…"; priced is false for "- -". units
// is nil where unit prices do not belong.
func parseRates(words []string, units *Units) (r Rates, priced bool, err error) {
	if len(words) < 2 {
		return r, false, fmt.Errorf("want an input and an output price, or - - for none")
	}
	if words[0] != "-" || words[1] != "-" {
		in, err := parsePrice("input", words[0])
		if err != nil {
			return r, false, err
		}
		out, err := parsePrice("output", words[1])
		if err != nil {
			return r, false, err
		}
		r, priced = Flat(in, out), true
	}
	seen := map[string]bool{}
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		target, factor := r.class(name), money.Price(1)
		if target == nil && units != nil {
			target, factor = units.unit(name)
		} else if !priced {
			target = nil
		}
		switch {
		case target == nil:
			return r, false, fmt.Errorf("%q: not the name of a price, or not one that can stand here", w)
		case seen[name]:
			return r, false, fmt.Errorf("%q: given twice", w)
		}
		p, err := parsePrice(name, value)
		if err != nil {
			return r, false, err
		}
		if p > math.MaxInt64/factor {
			return r, false, fmt.Errorf("%s=%s: too much", name, value)
		}
		seen[name], *target = true, p*factor
	}
	if !seen["cache_write_1h"] {
		r.CacheWrite1h = r.CacheWrite
	}
	return r, priced, nil
}

func parsePrice(name, s string) (money.Price, error) {
	p, err := money.ParsePrice(s)
	if err != nil {
		return 0, fmt.Errorf("%s price %q: %w", name, s, err)
	}
	return p, nil
}

// class is the price that a key of the text format sets, nil for another key.
func (r *Rates) class(key string) *money.Price {
	switch key {
	case "cache_read":
		return &r.CacheRead
	case "cache_write":
		return &r.CacheWrite
	case "cache_write_1h":
		return &r.CacheWrite1h
	case "reasoning":
		return &r.Reasoning
	case "input_audio":
		return &r.InputAudio
	case "output_audio":
		return &r.OutputAudio
	}
	return nil
}

// unit is the price that a key of the text format sets, and how many of the
// text's unit make a million.
func (u *Units) unit(key string) (*money.Price, money.Price) {
	switch key {
	case "image":
		return &u.Image, perMillion
	case "second":
		return &u.Second, perMillion
	case "characters":
		return &u.Character, 1
	case "search":
		return &u.SearchUnit, perMillion
	}
	return nil, 1
}
