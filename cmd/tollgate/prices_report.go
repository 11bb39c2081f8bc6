package main

import (
	"fmt"
	"math/big"
	"strings"

	"tollgate/api"
)

// priceOf is one price of a model under its name.
type priceOf struct{ name, usd string }

// named are all prices of a model, those of further tiers with their size.
func named(m *api.ModelPricing) []priceOf {
	var all []priceOf
	if m == nil {
		return nil
	}
	tiers := func(prefix string, list []api.PriceTier) {
		for _, t := range list {
			at := ""
			if t.AboveInputTokens > 0 {
				at = fmt.Sprintf(">%d ", t.AboveInputTokens)
			}
			add := func(name, usd, otherwise string) {
				if usd != otherwise {
					all = append(all, priceOf{at + prefix + name, usd})
				}
			}
			add("input", t.InputUSDPerMillion, "")
			add("output", t.OutputUSDPerMillion, "")
			add("cache_read", t.CacheReadUSDPerMillion, t.InputUSDPerMillion)
			add("cache_write", t.CacheWriteUSDPerMillion, t.InputUSDPerMillion)
			add("cache_write_1h", t.CacheWrite1hUSDPerMillion, t.CacheWriteUSDPerMillion)
			add("input_audio", t.InputAudioUSDPerMillion, t.InputUSDPerMillion)
			add("reasoning", t.ReasoningUSDPerMillion, t.OutputUSDPerMillion)
			add("output_audio", t.OutputAudioUSDPerMillion, t.OutputUSDPerMillion)
		}
	}
	tiers("", m.Tiers)
	for _, s := range m.ServiceTiers {
		tiers(s.Service+"_", s.Tiers)
	}
	for _, unit := range []struct {
		name string
		usd  *string
	}{{"image", m.ImageUSD}, {"second", m.SecondUSD}, {"characters", m.CharactersUSDPerMillion}, {"search", m.SearchUSD}} {
		if unit.usd != nil {
			all = append(all, priceOf{unit.name, *unit.usd})
		}
	}
	return all
}

func priceWords(m *api.ModelPricing) []string {
	var words []string
	for _, one := range named(m) {
		words = append(words, one.name+"="+one.usd)
	}
	return words
}

// differences says what changes from what to what, and by how many percent.
func differences(before, after *api.ModelPricing) []string {
	old, fresh := named(before), named(after)
	find := func(list []priceOf, name string) string {
		for _, one := range list {
			if one.name == name {
				return one.usd
			}
		}
		return ""
	}
	var words []string
	for _, one := range fresh {
		switch was := find(old, one.name); was {
		case one.usd:
		case "":
			words = append(words, one.name+"="+one.usd)
		default:
			words = append(words, fmt.Sprintf("%s %s → %s%s", one.name, was, one.usd, percent(was, one.usd)))
		}
	}
	for _, one := range old {
		if find(fresh, one.name) == "" {
			words = append(words, "without "+one.name+" (was "+one.usd+")")
		}
	}
	return words
}

// percent is by how much a decimal number has changed; "" when that cannot be said.
func percent(from, to string) string {
	a, ok := new(big.Rat).SetString(from)
	b, ok2 := new(big.Rat).SetString(to)
	if !ok || !ok2 || a.Sign() == 0 {
		return ""
	}
	change := new(big.Rat).Quo(new(big.Rat).Sub(b, a), a)
	text := change.Mul(change, big.NewRat(100, 1)).FloatString(1)
	if change.Sign() > 0 {
		text = "+" + text
	}
	return " (" + strings.TrimSuffix(text, ".0") + " %)"
}

// priceReport tells what came of prices that were set.
func (p *printer) priceReport(r api.PricesReport, dry bool) {
	p.priceLines(r.Results)
	p.printf("%s\n", priceSummary(r.New, r.Changed, r.Unchanged, r.Refused, dry))
}

// priceLines is a line for each row but for those that change nothing.
func (p *printer) priceLines(results []api.PriceResult) {
	rows := [][]string{{"", "MODEL", "FROM", "PRICES (USD)"}}
	for _, r := range results {
		name := plain(r.Provider + "/" + r.Model)
		switch r.Outcome {
		case "new":
			rows = append(rows, []string{"new", name, instant(r.From), strings.Join(priceWords(r.After), ", ")})
		case "changed":
			rows = append(rows, []string{"changed", name, instant(r.From), strings.Join(differences(r.Before, r.After), ", ")})
		case "refused":
			var why []string
			for _, e := range r.Errors {
				why = append(why, strings.TrimPrefix(plain(e.Field+": "+e.Message), ": "))
			}
			rows = append(rows, []string{"refused", name, never, strings.Join(why, "; ")})
		}
	}
	if len(rows) > 1 {
		p.table(rows)
	}
}

func priceSummary(fresh, changed, unchanged, refused int, dry bool) string {
	text := fmt.Sprintf("%d new, %d changed, %d as they are, %d refused", fresh, changed, unchanged, refused)
	if dry {
		text += "; nothing was changed"
	}
	return text
}
