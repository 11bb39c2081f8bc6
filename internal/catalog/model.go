package catalog

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// Model is one row: a model as one provider offers it. It is immutable. The
// methods take a nil Model, which has no prices.
type Model struct {
	Provider        string    // slug
	Name            string    // the provider's own name; holds * for a row that stands for many
	ContextTokens   int64     // what fits into its context; 0 = unknown
	MaxOutputTokens int64     // the most it writes in one answer; 0 = unknown, or writes no tokens
	Priced          bool      // its tokens have a price; a model without one is unpriced, not free
	Tiers           []Tier    // token prices, by rising AboveInput, the first at 0; none when unpriced
	Units           Units     // prices of what is not counted in tokens
	Offers          []Offer   // what its tokens cost under other services than the standard one
	Capabilities    []string  // what it is for, as models.txt lists them; none means chat
	Released        string    // YYYY-MM-DD, "" = unknown
	PriceSource     Source    // where its prices come from
	Since           time.Time // from when on it is like this; zero = ever
	VersionID       string    // of the version that makes it so; "" = none

	aliases []string // further exact names of the row
	prices  string   // Tariff.String, made once
	charged []charged
	later   []*Model     // what the row is from their Since on, in rising order
	absent  bool         // there is no such row
	images  []imagePrice // cheaper than Units.Image, which is the dearest
}

// Source is where prices come from.
type Source string

// The sources. The zero value is a row that was made by hand.
const (
	Builtin Source = "builtin" // models.txt
	Config  Source = "config"  // the configuration's prices
	Stored  Source = "stored"  // a version that was set or imported
	Default Source = "default" // the configuration's default_price, for want of a price
)

// ID is provider/name: one row has it.
func (m *Model) ID() string { return m.Provider + "/" + m.Name }

// Aliases are further exact names by which the provider takes the model. Treat
// them as read-only.
func (m *Model) Aliases() []string { return m.aliases }

// Has reports whether the model is listed for a capability: "chat",
// "embeddings", and the other words of models.txt.
func (m *Model) Has(capability string) bool {
	if m == nil {
		return false
	}
	if len(m.Capabilities) == 0 {
		return capability == "chat"
	}
	return slices.Contains(m.Capabilities, capability)
}

// Cost is what the usage costs: see Tariff.Cost. An unpriced model costs
// nothing, so ask Priced first where that matters.
func (m *Model) Cost(u llm.Usage) money.NanoUSD { return m.Tariff().Cost(u) }

// InputBound is the most that tokens of input can cost: see Tariff.InputBound.
func (m *Model) InputBound(tokens int64, reach Reach) money.NanoUSD {
	return m.Tariff().InputBound(tokens, reach)
}

// OutputPrice is the most a token of output can cost: see Tariff.OutputPrice.
func (m *Model) OutputPrice(inputTokens int64) money.Price {
	return m.Tariff().OutputPrice(inputTokens)
}

// PricedFor reports whether what is billed by a unit has a price: the unit, or else,
// where documents are not to be ranked, tokens.
func (m *Model) PricedFor(unit llm.Unit) bool {
	return m != nil && (m.Units.Of(unit) > 0 || m.Priced && unit != llm.Searches)
}

// ByUnit reports whether a unit has a price and tokens have none of the model's own,
// so that no token counts. Searches are counted beside tokens always.
func (m *Model) ByUnit(unit llm.Unit) bool {
	return m != nil && unit != llm.Searches && (!m.Priced || m.PriceSource == Default) && m.Units.Of(unit) > 0
}

// TariffFor is Tariff, with the price of images of a quality and a size ("" = the
// usual) where the model has one.
func (m *Model) TariffFor(quality, size string) Tariff {
	t := m.Tariff()
	if m == nil {
		return t
	}
	for _, p := range m.images {
		if p.is(quality, size) {
			t.Units.Image = p.price
		}
	}
	return t
}

// imagePrice is what an image of a quality and a size costs: "*" is any, and what
// begins with a ! is made when a request does not say.
type imagePrice struct {
	quality, size string
	price         money.Price
}

// is reports whether the price is that of what a request asks for.
func (p *imagePrice) is(quality, size string) bool {
	matches := func(asked, own string) bool {
		own, usual := strings.CutPrefix(own, "!")
		return own == "*" || asked == own || usual && (asked == "" || asked == "auto")
	}
	return matches(quality, p.quality) && matches(size, p.size)
}

// Tariff is the model's prices; the zero Tariff where it has none.
func (m *Model) Tariff() Tariff {
	if m == nil {
		return Tariff{}
	}
	return Tariff{Tiers: m.Tiers, Units: m.Units, Offers: m.Offers}
}

// Prices is the text of the model's tariff, offers included: ParsePrices reads it
// back. It is made once at load, so this costs nothing. "" where there are no prices.
func (m *Model) Prices() string {
	if m == nil {
		return ""
	}
	if m.prices == "" {
		return m.Tariff().String()
	}
	return m.prices
}
