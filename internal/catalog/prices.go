package catalog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/money"
)

// perMillion turns a price of one into a price of a million.
const perMillion = 1_000_000

// String is the tariff in the form that ParsePrices reads and models.txt has:
// input and output price, what differs from them, what other services cost, and the
// further tiers, as in "1.25 10.00 cache_read=0.125 >200000 2.50 15.00". The zero
// Tariff is "".
func (t Tariff) String() string {
	if len(t.Tiers) == 0 && t.Units == (Units{}) {
		return ""
	}
	w := tariffWriter{}
	if len(t.Tiers) == 0 {
		w.word("- -")
		w.units(t.Units)
	}
	for i := range t.Tiers {
		r := &t.Tiers[i].Rates
		if i > 0 {
			w.word(">" + strconv.FormatInt(t.Tiers[i].AboveInput, 10))
		}
		w.word(r.Input.String())
		w.word(r.Output.String())
		w.rates("", r)
		if i == 0 {
			w.units(t.Units)
		}
		if i == 0 && t.Service != Standard {
			w.word("service=" + string(t.Service))
		}
		for _, o := range t.Offers {
			prefix := string(o.Service) + "_"
			w.word(prefix + "input=" + o.Tiers[i].Rates.Input.String())
			w.word(prefix + "output=" + o.Tiers[i].Rates.Output.String())
			w.rates(prefix, &o.Tiers[i].Rates)
		}
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

// rates writes what differs from input and output, under names with a prefix.
func (w *tariffWriter) rates(prefix string, r *Rates) {
	w.price(prefix+"cache_read", r.CacheRead, r.Input)
	w.price(prefix+"cache_write", r.CacheWrite, r.Input)
	w.price(prefix+"cache_write_1h", r.CacheWrite1h, r.CacheWrite)
	w.price(prefix+"reasoning", r.Reasoning, r.Output)
	w.price(prefix+"input_audio", r.InputAudio, r.Input)
	w.price(prefix+"output_audio", r.OutputAudio, r.Output)
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
	base, rest := untilTier(words)
	first, err := parsePart(base)
	if err != nil {
		return Tariff{}, err
	}
	t := Tariff{Units: first.units, Service: first.service}
	listed := map[Service]map[int64]Rates{}
	if first.priced {
		t.Tiers = []Tier{{Rates: first.rates}}
	}
	list := func(above int64, p *part) {
		for s, r := range p.offers {
			if listed[s] == nil {
				listed[s] = map[int64]Rates{}
			}
			listed[s][above] = r
		}
	}
	list(0, &first)
	for len(rest) > 0 {
		above, err := strconv.ParseInt(rest[0][1:], 10, 64)
		if err != nil || above <= 0 {
			return t, fmt.Errorf("%q: a tier starts with > and a positive number of input tokens, like >200000", rest[0])
		}
		if !first.priced || above <= t.Tiers[len(t.Tiers)-1].AboveInput {
			return t, fmt.Errorf("tier %q: tiers follow a priced row, in rising order", rest[0])
		}
		var words []string
		words, rest = untilTier(rest[1:])
		p, err := parsePart(words)
		switch {
		case err != nil:
		case !p.priced:
			err = fmt.Errorf("a tier needs prices")
		case p.units != (Units{}) || p.service != Standard:
			err = fmt.Errorf("what is not counted in tokens, and service, stand before the tiers")
		}
		if err != nil {
			return t, fmt.Errorf("tier >%d: %w", above, err)
		}
		list(above, &p)
		t.Tiers = append(t.Tiers, Tier{AboveInput: above, Rates: p.rates})
	}
	for _, s := range Services() {
		if len(listed[s]) == 0 {
			continue
		}
		if err := t.Offer(s, listed[s]); err != nil {
			return t, err
		}
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

// part is the words of one tier.
type part struct {
	rates   Rates
	priced  bool // false for "- -"
	units   Units
	service Service
	offers  map[Service]Rates
}

// parsePart reads "input output key=price…".
func parsePart(words []string) (p part, err error) {
	if len(words) < 2 {
		return p, fmt.Errorf("want an input and an output price, or - - for none")
	}
	if words[0] != "-" || words[1] != "-" {
		in, err := parsePrice("input", words[0])
		if err != nil {
			return p, err
		}
		out, err := parsePrice("output", words[1])
		if err != nil {
			return p, err
		}
		p.rates, p.priced = Flat(in, out), true
	}
	given := map[Service]map[string]money.Price{}
	seen := map[string]bool{}
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		if seen[name] {
			return p, fmt.Errorf("%q: given twice", w)
		}
		seen[name] = true
		if name == "service" {
			p.service = Service(value)
			if !p.priced || !slices.Contains(Services(), p.service) {
				return p, fmt.Errorf("%q: not a service", w)
			}
			continue
		}
		service, class := serviceOf(name)
		unit, factor := p.units.unit(name)
		known := unit != nil || p.priced && (service != Standard && (class == "input" || class == "output") || new(Rates).class(class) != nil)
		if !known {
			return p, fmt.Errorf("%q: not the name of a price, or not one that can stand here", w)
		}
		price, err := parsePrice(name, value)
		switch {
		case err != nil:
			return p, err
		case price > math.MaxInt64/factor:
			return p, fmt.Errorf("%s=%s: too much", name, value)
		case unit != nil:
			*unit = price * factor
			continue
		case given[service] == nil:
			given[service] = map[string]money.Price{}
		}
		given[service][class] = price
	}
	p.rates.set(given[Standard])
	delete(given, Standard)
	for service, classes := range given {
		in, ok := classes["input"]
		out, ok2 := classes["output"]
		if !ok || !ok2 {
			return p, fmt.Errorf("%[1]s: its prices begin with %[1]s_input and %[1]s_output", service)
		}
		r := Flat(in, out)
		r.set(classes)
		if p.offers == nil {
			p.offers = map[Service]Rates{}
		}
		p.offers[service] = r
	}
	if p.service != Standard && p.offers != nil {
		return p, fmt.Errorf("prices of one service hold none of another")
	}
	return p, nil
}

// set sets the classes that are given; an hour's cache write costs what a 5-minute
// one does unless it is.
func (r *Rates) set(classes map[string]money.Price) {
	for name, price := range classes {
		if p := r.class(name); p != nil {
			*p = price
		}
	}
	if _, ok := classes["cache_write_1h"]; !ok {
		r.CacheWrite1h = r.CacheWrite
	}
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
	case "input_audio", "input_image":
		return &r.InputAudio
	case "output_audio", "output_image":
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
