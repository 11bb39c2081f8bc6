package catalog

import (
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// Rates is what the classes of tokens cost, each in full: nothing falls back to
// anything here, so a zero is a price of zero. Flat fills all of them.
type Rates struct {
	Input, CacheRead, CacheWrite, CacheWrite1h, InputAudio money.Price
	Output, Reasoning, OutputAudio                         money.Price
}

// Flat is Rates of one price for all input and one for all output.
func Flat(input, output money.Price) Rates {
	return Rates{
		Input: input, CacheRead: input, CacheWrite: input, CacheWrite1h: input, InputAudio: input,
		Output: output, Reasoning: output, OutputAudio: output,
	}
}

// Tier is the Rates of requests with more than AboveInput input tokens.
type Tier struct {
	AboveInput int64
	Rates      Rates
}

// Units prices what is not counted in tokens, per million of each. Zero is no
// price.
type Units struct {
	Image, Second, Character, SearchUnit money.Price
}

// Of is the price of a million of a unit; 0 = none, or the unit is tokens.
func (u Units) Of(unit llm.Unit) money.Price {
	switch unit {
	case llm.Images:
		return u.Image
	case llm.Characters:
		return u.Character
	case llm.Seconds:
		return u.Second
	case llm.Searches:
		return u.SearchUnit
	}
	return 0
}

// Tariff is all prices of a model. The zero Tariff has none, and charges
// nothing.
type Tariff struct {
	Tiers   []Tier // by rising AboveInput, the first at 0
	Units   Units
	Service Service // whose they are
	Offers  []Offer // what other services cost, in the order of Services; none of Cost and the bounds looks at them
}

// Cost is what of the usage is not counted in tokens costs, each part rounded
// once, half to even.
func (u Units) Cost(used llm.Usage) money.NanoUSD {
	if u == (Units{}) {
		return 0
	}
	return u.Image.Cost(used.Images).Add(u.Second.Cost(used.Seconds)).Add(u.Character.Cost(used.Characters)).Add(u.SearchUnit.Cost(used.Searches))
}

// Bound is the most that it can cost: each part rounded up.
func (u Units) Bound(used llm.Usage) money.NanoUSD {
	return u.Image.CostUp(used.Images).Add(u.Second.CostUp(used.Seconds)).Add(u.Character.CostUp(used.Characters)).Add(u.SearchUnit.CostUp(used.Searches))
}

// Cost is what the usage costs. The tier is chosen by all input tokens and
// holds for the whole request. Each class is rounded once, half to even;
// reasoning is a component of its own only where its price differs from that of
// other output. The sum saturates.
func (t Tariff) Cost(u llm.Usage) money.NanoUSD {
	units := t.Units.Cost(u)
	i := t.tier(u.InputTokens())
	if i < 0 {
		return units
	}
	r := &t.Tiers[i].Rates
	sum := units.Add(r.Input.Cost(u.Input)).
		Add(r.CacheRead.Cost(u.CacheRead)).
		Add(r.CacheWrite.Cost(u.CacheWrite)).
		Add(r.CacheWrite1h.Cost(u.CacheWrite1h)).
		Add(r.InputAudio.Cost(u.InputAudio)).
		Add(r.OutputAudio.Cost(u.OutputAudio))
	if r.Reasoning == r.Output {
		return sum.Add(r.Output.Cost(u.Output))
	}
	reasoning := min(max(u.Reasoning, 0), u.Output)
	return sum.Add(r.Output.Cost(u.Output - reasoning)).Add(r.Reasoning.Cost(reasoning))
}

// Reach is which classes of input a request may have beside fresh input and what
// is read from a cache.
type Reach struct {
	Sound   bool // sound
	Write   bool // what is written to a cache, for 5 minutes
	Write1h bool // for an hour
}

// AnyInput is every class of input.
var AnyInput = Reach{Sound: true, Write: true, Write1h: true}

// InputBound is the most that a request can cost for at most that many input
// tokens: all of them of the dearest class within reach, in the dearest tier they
// can reach, rounded up. It also carries what Cost may gain by rounding each
// class, output classes too, so that Cost never passes InputBound(in, reach) +
// OutputPrice(in).CostUp(out).
func (t Tariff) InputBound(tokens int64, reach Reach) money.NanoUSD {
	var dearest money.Price
	var slack int64
	for i := range t.tier(tokens) + 1 {
		r := &t.Tiers[i].Rates
		dearest = max(dearest, r.Input, r.CacheRead)
		if reach.Sound {
			dearest = max(dearest, r.InputAudio)
		}
		if reach.Write {
			dearest = max(dearest, r.CacheWrite)
		}
		if reach.Write1h {
			dearest = max(dearest, r.CacheWrite1h)
		}
		slack = max(slack, r.slack())
	}
	return dearest.CostUp(tokens).Add(money.NanoUSD(slack))
}

// OutputPrice is the price of the dearest class of output in the dearest tier
// that a request of at most inputTokens can reach.
func (t Tariff) OutputPrice(inputTokens int64) money.Price {
	var dearest money.Price
	for i := range t.tier(inputTokens) + 1 {
		r := &t.Tiers[i].Rates
		dearest = max(dearest, r.Output, r.Reasoning, r.OutputAudio)
	}
	return dearest
}

// Share is t at so many percent of its prices, each rounded up, without its offers.
func (t Tariff) Share(percent int64) Tariff {
	of := func(p money.Price) money.Price { return p.Share(percent) }
	share := Tariff{Service: t.Service, Tiers: make([]Tier, len(t.Tiers)), Units: Units{
		Image: of(t.Units.Image), Second: of(t.Units.Second), Character: of(t.Units.Character), SearchUnit: of(t.Units.SearchUnit),
	}}
	for i, tier := range t.Tiers {
		r := tier.Rates
		share.Tiers[i] = Tier{AboveInput: tier.AboveInput, Rates: Rates{
			Input: of(r.Input), CacheRead: of(r.CacheRead), CacheWrite: of(r.CacheWrite), CacheWrite1h: of(r.CacheWrite1h), InputAudio: of(r.InputAudio),
			Output: of(r.Output), Reasoning: of(r.Reasoning), OutputAudio: of(r.OutputAudio),
		}}
	}
	return share
}

// tier is the index of the tier of a request, -1 where there are no prices.
func (t Tariff) tier(inputTokens int64) int {
	i := len(t.Tiers) - 1
	for i > 0 && inputTokens <= t.Tiers[i].AboveInput {
		i--
	}
	return i
}

// slack is how many nano-dollars Cost can gain by rounding. A price of whole
// thousandths of a dollar a million makes whole nano-dollars, and no other class
// gains more than half of one; n halves are n/2 more than the exact sum, whose
// fraction the bounds' own rounding up already covers.
func (r *Rates) slack() int64 {
	var n int64
	for _, p := range [...]money.Price{
		r.Input, r.CacheRead, r.CacheWrite, r.CacheWrite1h, r.InputAudio,
		r.Output, r.Reasoning, r.OutputAudio,
	} {
		if p%1000 != 0 {
			n++
		}
	}
	return n / 2
}
