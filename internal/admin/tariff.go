package admin

import (
	"errors"
	"fmt"
	"slices"

	"tollgate/api"
	"tollgate/internal/catalog"
	"tollgate/internal/money"
)

// tariffView is a tariff in dollars.
func tariffView(t catalog.Tariff) api.ModelPricing {
	one := func(perMillion money.Price) *string {
		if perMillion == 0 {
			return nil
		}
		return orNull((perMillion / 1_000_000).String())
	}
	view := api.ModelPricing{
		ImageUSD: one(t.Units.Image), SecondUSD: one(t.Units.Second), SearchUSD: one(t.Units.SearchUnit),
	}
	if t.Units.Character != 0 {
		view.CharactersUSDPerMillion = orNull(t.Units.Character.String())
	}
	view.Tiers, view.ServiceTiers = tiersView(t.Tiers), []api.ServicePricing{}
	for _, o := range t.Offers {
		view.ServiceTiers = append(view.ServiceTiers, api.ServicePricing{Service: string(o.Service), Tiers: tiersView(o.Tiers)})
	}
	return view
}

func tiersView(tiers []catalog.Tier) []api.PriceTier {
	views := []api.PriceTier{}
	for _, tier := range tiers {
		r := tier.Rates
		views = append(views, api.PriceTier{
			AboveInputTokens: tier.AboveInput, InputUSDPerMillion: r.Input.String(), CacheReadUSDPerMillion: r.CacheRead.String(),
			CacheWriteUSDPerMillion: r.CacheWrite.String(), CacheWrite1hUSDPerMillion: r.CacheWrite1h.String(),
			InputAudioUSDPerMillion: r.InputAudio.String(), OutputUSDPerMillion: r.Output.String(),
			ReasoningUSDPerMillion: r.Reasoning.String(), OutputAudioUSDPerMillion: r.OutputAudio.String(),
		})
	}
	return views
}

// tariffOf reads prices in dollars, or says what is wrong with each.
func tariffOf(in api.PriceInput) (catalog.Tariff, []api.FieldError) {
	r := &priceReader{}
	t := catalog.Tariff{Tiers: r.tiers("", in.Tiers)}
	const million = 1_000_000 // units are priced one by one here, and by the million there
	t.Units = catalog.Units{
		Image: r.or("image_usd", in.ImageUSD, 0) * million, Second: r.or("second_usd", in.SecondUSD, 0) * million,
		Character: r.or("characters_usd_per_million", in.CharactersUSDPerMillion, 0), SearchUnit: r.or("search_usd", in.SearchUSD, 0) * million,
	}
	given := map[catalog.Service]map[int64]catalog.Rates{}
	for i, offer := range in.ServiceTiers {
		at, s := fmt.Sprintf("service_tiers.%d.", i), catalog.Service(offer.Service)
		if !slices.Contains(catalog.Services(), s) || given[s] != nil {
			r.fail(at+"service", "must be one of flex, priority, fast and batch, each once")
			continue
		}
		given[s] = map[int64]catalog.Rates{}
		for _, tier := range r.tiers(at, offer.Tiers) {
			given[s][tier.AboveInput] = tier.Rates
		}
	}
	for _, s := range catalog.Services() {
		if given[s] != nil && t.Offer(s, given[s]) != nil {
			r.fail("service_tiers", "tiers must begin where those of the model do, the first from 0 tokens on")
		}
	}
	return t, r.wrong
}

// withRest is in with what it does not say as it is in m.
func withRest(in api.PriceInput, m api.ModelPricing) api.PriceInput {
	for to, from := range map[**string]*string{
		&in.ImageUSD: m.ImageUSD, &in.SecondUSD: m.SecondUSD, &in.CharactersUSDPerMillion: m.CharactersUSDPerMillion, &in.SearchUSD: m.SearchUSD,
	} {
		if *to == nil {
			*to = from
		}
	}
	in.Tiers = slices.Clone(in.Tiers)
	for i := range in.Tiers {
		at := slices.IndexFunc(m.Tiers, func(t api.PriceTier) bool { return t.AboveInputTokens == in.Tiers[i].AboveInputTokens })
		if at >= 0 {
			in.Tiers[i] = tierWithRest(in.Tiers[i], &m.Tiers[at])
		}
	}
	for _, s := range m.ServiceTiers {
		said := slices.ContainsFunc(in.ServiceTiers, func(o api.ServicePriceInput) bool { return o.Service == s.Service })
		if said || !slices.EqualFunc(in.Tiers, s.Tiers, func(a api.PriceTierInput, b api.PriceTier) bool { return a.AboveInputTokens == b.AboveInputTokens }) {
			continue
		}
		kept := api.ServicePriceInput{Service: s.Service}
		for i := range s.Tiers {
			t := &s.Tiers[i]
			kept.Tiers = append(kept.Tiers, tierWithRest(api.PriceTierInput{
				AboveInputTokens: t.AboveInputTokens, InputUSDPerMillion: t.InputUSDPerMillion, OutputUSDPerMillion: t.OutputUSDPerMillion,
			}, t))
		}
		in.ServiceTiers = append(slices.Clone(in.ServiceTiers), kept)
	}
	return in
}

// tierWithRest takes the classes that in does not say from t, if they have a price
// of their own there.
func tierWithRest(in api.PriceTierInput, t *api.PriceTier) api.PriceTierInput {
	keep := func(to **string, price, otherwise string) {
		if *to == nil && price != otherwise {
			*to = &price
		}
	}
	keep(&in.CacheReadUSDPerMillion, t.CacheReadUSDPerMillion, t.InputUSDPerMillion)
	keep(&in.CacheWriteUSDPerMillion, t.CacheWriteUSDPerMillion, t.InputUSDPerMillion)
	keep(&in.CacheWrite1hUSDPerMillion, t.CacheWrite1hUSDPerMillion, t.CacheWriteUSDPerMillion)
	keep(&in.InputAudioUSDPerMillion, t.InputAudioUSDPerMillion, t.InputUSDPerMillion)
	keep(&in.ReasoningUSDPerMillion, t.ReasoningUSDPerMillion, t.OutputUSDPerMillion)
	keep(&in.OutputAudioUSDPerMillion, t.OutputAudioUSDPerMillion, t.OutputUSDPerMillion)
	return in
}

// priceReader reads prices and notes what is wrong with them.
type priceReader struct{ wrong []api.FieldError }

func (r *priceReader) fail(field, problem string) {
	r.wrong = append(r.wrong, api.FieldError{Field: field, Message: problem})
}

func (r *priceReader) read(field, text string) money.Price {
	p, err := money.ParsePrice(text)
	if err != nil || p > maxRead {
		r.fail(field, priceProblem(err))
		return 0
	}
	return p
}

func (r *priceReader) or(field string, text *string, otherwise money.Price) money.Price {
	if text == nil {
		return otherwise
	}
	return r.read(field, *text)
}

func (r *priceReader) tiers(prefix string, in []api.PriceTierInput) (tiers []catalog.Tier) {
	for i, tier := range in {
		at := fmt.Sprintf("%stiers.%d.", prefix, i)
		rates := catalog.Flat(r.read(at+"input_usd_per_million", tier.InputUSDPerMillion), r.read(at+"output_usd_per_million", tier.OutputUSDPerMillion))
		rates.CacheRead = r.or(at+"cache_read_usd_per_million", tier.CacheReadUSDPerMillion, rates.Input)
		rates.CacheWrite = r.or(at+"cache_write_usd_per_million", tier.CacheWriteUSDPerMillion, rates.Input)
		rates.CacheWrite1h = r.or(at+"cache_write_1h_usd_per_million", tier.CacheWrite1hUSDPerMillion, rates.CacheWrite)
		rates.InputAudio = r.or(at+"input_audio_usd_per_million", tier.InputAudioUSDPerMillion, rates.Input)
		rates.Reasoning = r.or(at+"reasoning_usd_per_million", tier.ReasoningUSDPerMillion, rates.Output)
		rates.OutputAudio = r.or(at+"output_audio_usd_per_million", tier.OutputAudioUSDPerMillion, rates.Output)
		if above := tier.AboveInputTokens; i == 0 && above != 0 || i > 0 && above <= in[i-1].AboveInputTokens {
			r.fail(at+"above_input_tokens", "must be 0 in the first tier and rise with each")
		}
		tiers = append(tiers, catalog.Tier{AboveInput: tier.AboveInputTokens, Rates: rates})
	}
	return tiers
}

// maxRead keeps prices far from their ends: a million dollars. What is beyond reason
// the catalogue says.
const maxRead money.Price = 1_000_000 * 1_000_000

func priceProblem(err error) string {
	if errors.Is(err, money.ErrSyntax) {
		return `must be a decimal number of dollars as text, like "2.50"`
	}
	return "must be at least 0 and at most 1000000, with six decimal places at most"
}
