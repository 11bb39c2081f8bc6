package catalog

import (
	"fmt"
	"strings"
	"time"

	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// Service is how a provider serves a request, where that has prices of its own.
type Service string

// The services. What providers call default, auto or standard is Standard.
const (
	Standard Service = ""
	Flex     Service = "flex"     // later and cheaper
	Priority Service = "priority" // before others
	Fast     Service = "fast"     // faster answers
	Batch    Service = "batch"    // some time within a day
)

// Services are those beside Standard, in the order in which rows write them.
func Services() []Service { return []Service{Flex, Priority, Fast, Batch} }

// Offer is what tokens cost under another service: its tiers begin where the
// standard ones do.
type Offer struct {
	Service Service
	Tiers   []Tier
}

// For is the prices under a service, without offers; false where it has none of
// its own. Units cost the same under all of them.
func (t Tariff) For(s Service) (Tariff, bool) {
	if s == t.Service {
		t.Offers = nil
		return t, true
	}
	for _, o := range t.Offers {
		if o.Service == s {
			return Tariff{Tiers: o.Tiers, Units: t.Units, Service: s}, true
		}
	}
	return Tariff{}, false
}

// Charged is what a model costs under a service, and the text of that, to be stored
// with what was charged; false where it has no prices for it. It costs nothing: all
// of it is made at load.
func (m *Model) Charged(s Service) (t Tariff, prices string, ok bool) {
	if m == nil {
		return Tariff{}, "", false
	}
	for i := range m.charged {
		if c := &m.charged[i]; c.tariff.Service == s {
			return c.tariff, c.prices, true
		}
	}
	return Tariff{}, "", false
}

// charged is the prices of one service, and their text.
type charged struct {
	tariff Tariff
	prices string
}

// chargedOf is every service of a tariff, the standard one first.
func chargedOf(t Tariff) []charged {
	var list []charged
	for _, s := range append([]Service{Standard}, Services()...) {
		if one, ok := t.For(s); ok {
			list = append(list, charged{one, one.String()})
		}
	}
	return list
}

// serviceOf is the service and the class of a name like flex_cache_read.
func serviceOf(name string) (Service, string) {
	for _, s := range Services() {
		if class, ok := strings.CutPrefix(name, string(s)+"_"); ok {
			return s, class
		}
	}
	return Standard, name
}

// classes are the prices of r, in the order of their names in classNames.
func (r *Rates) classes() [8]*money.Price {
	return [...]*money.Price{&r.Input, &r.Output, &r.CacheRead, &r.CacheWrite, &r.CacheWrite1h, &r.Reasoning, &r.InputAudio, &r.OutputAudio}
}

// dearest is, class by class, the dearer price of two.
func dearest(a, b Rates) Rates {
	for i, p := range b.classes() {
		mine := a.classes()[i]
		*mine = max(*mine, *p)
	}
	return a
}

// Offer adds what tokens cost under a service, by the AboveInput of the tiers: a
// tier for each of the standard ones. Where none is given it costs there, class by
// class, the dearer of the standard price and its own of the tier below.
func (t *Tariff) Offer(s Service, given map[int64]Rates) error {
	o, found := Offer{Service: s}, 0
	for i, tier := range t.Tiers {
		r, ok := given[tier.AboveInput]
		switch {
		case ok:
			found++
		case i > 0:
			r = dearest(tier.Rates, o.Tiers[i-1].Rates)
		default:
			r = tier.Rates
		}
		o.Tiers = append(o.Tiers, Tier{AboveInput: tier.AboveInput, Rates: r})
	}
	if found < len(given) || found == 0 {
		return fmt.Errorf("%s: its tiers must begin where tiers of the model do", s)
	}
	t.Offers = append(t.Offers, o)
	return nil
}

// Rate is what a usage of provider's model costs by what was in force at an instant,
// under the service that it was charged under: charged is the text of the prices
// then, "" where there were none. why says that it cannot be told: "unpriced",
// "by_quality" of images whose price depends on what is not kept, or "unreadable" for
// charged.
func (c *Catalog) Rate(provider, name string, at time.Time, u llm.Usage, charged string) (cost money.NanoUSD, prices, why string) {
	before, err := ParsePrices(charged)
	if err != nil {
		return 0, "", "unreadable"
	}
	m := c.Priced(provider, name, at)
	t, prices, ok := m.Charged(before.Service)
	if m != nil && u.Images > 0 && len(m.images) > 0 {
		return 0, "", "by_quality"
	}
	if !ok || prices == "" {
		return 0, "", "unpriced"
	}
	return t.Cost(u), prices, ""
}
