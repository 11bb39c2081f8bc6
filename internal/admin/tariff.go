package admin

import (
	"errors"
	"fmt"

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
		Tiers: []api.PriceTier{}, ImageUSD: one(t.Units.Image), SecondUSD: one(t.Units.Second), SearchUSD: one(t.Units.SearchUnit),
	}
	if t.Units.Character != 0 {
		view.CharactersUSDPerMillion = orNull(t.Units.Character.String())
	}
	for _, tier := range t.Tiers {
		r := tier.Rates
		view.Tiers = append(view.Tiers, api.PriceTier{
			AboveInputTokens: tier.AboveInput, InputUSDPerMillion: r.Input.String(), CacheReadUSDPerMillion: r.CacheRead.String(),
			CacheWriteUSDPerMillion: r.CacheWrite.String(), CacheWrite1hUSDPerMillion: r.CacheWrite1h.String(),
			InputAudioUSDPerMillion: r.InputAudio.String(), OutputUSDPerMillion: r.Output.String(),
			ReasoningUSDPerMillion: r.Reasoning.String(), OutputAudioUSDPerMillion: r.OutputAudio.String(),
		})
	}
	return view
}

// tariffOf reads prices in dollars, or says what is wrong with each.
func tariffOf(in api.PriceInput) (t catalog.Tariff, wrong []api.FieldError) {
	read := func(field, text string) money.Price {
		p, err := money.ParsePrice(text)
		if err != nil || p > maxRead {
			wrong = append(wrong, api.FieldError{Field: field, Message: priceProblem(err)})
			return 0
		}
		return p
	}
	or := func(field string, text *string, otherwise money.Price) money.Price {
		if text == nil {
			return otherwise
		}
		return read(field, *text)
	}
	for i, tier := range in.Tiers {
		at := fmt.Sprintf("tiers.%d.", i)
		r := catalog.Flat(read(at+"input_usd_per_million", tier.InputUSDPerMillion), read(at+"output_usd_per_million", tier.OutputUSDPerMillion))
		r.CacheRead = or(at+"cache_read_usd_per_million", tier.CacheReadUSDPerMillion, r.Input)
		r.CacheWrite = or(at+"cache_write_usd_per_million", tier.CacheWriteUSDPerMillion, r.Input)
		r.CacheWrite1h = or(at+"cache_write_1h_usd_per_million", tier.CacheWrite1hUSDPerMillion, r.CacheWrite)
		r.InputAudio = or(at+"input_audio_usd_per_million", tier.InputAudioUSDPerMillion, r.Input)
		r.Reasoning = or(at+"reasoning_usd_per_million", tier.ReasoningUSDPerMillion, r.Output)
		r.OutputAudio = or(at+"output_audio_usd_per_million", tier.OutputAudioUSDPerMillion, r.Output)
		if above := tier.AboveInputTokens; i == 0 && above != 0 || i > 0 && above <= in.Tiers[i-1].AboveInputTokens {
			wrong = append(wrong, api.FieldError{Field: at + "above_input_tokens", Message: "must be 0 in the first tier and rise with each"})
		}
		t.Tiers = append(t.Tiers, catalog.Tier{AboveInput: tier.AboveInputTokens, Rates: r})
	}
	const million = 1_000_000 // units are priced one by one here, and by the million there
	t.Units = catalog.Units{
		Image: or("image_usd", in.ImageUSD, 0) * million, Second: or("second_usd", in.SecondUSD, 0) * million,
		Character: or("characters_usd_per_million", in.CharactersUSDPerMillion, 0), SearchUnit: or("search_usd", in.SearchUSD, 0) * million,
	}
	return t, wrong
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
