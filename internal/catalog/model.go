package catalog

import (
	"slices"
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
	later   []*Model // what the row is from their Since on, in rising order
	absent  bool     // there is no such row
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

// PricedFor reports whether there is a price for what routes of a scope are billed
// in: search units where documents are ranked, else tokens.
func (m *Model) PricedFor(scope llm.Scope) bool {
	switch {
	case m == nil:
		return false
	case scope == llm.ScopeRerank:
		return m.Units.SearchUnit > 0
	}
	return m.Priced
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
