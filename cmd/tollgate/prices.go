package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// pricesCmd is the noun: one field per verb.
type pricesCmd struct {
	remote   `embed:""`
	List     pricesListCmd     `cmd:"" help:"List the prices in force."`
	Get      pricesGetCmd      `cmd:"" help:"Show one row of prices."`
	Set      pricesSetCmd      `cmd:"" help:"Set the price of a model from an instant on."`
	Import   pricesImportCmd   `cmd:"" help:"Set the prices of a list that others collect: LiteLLM's or models.dev's."`
	Diff     pricesDiffCmd     `cmd:"" help:"Say what importing a list would change, and change nothing."`
	Unpriced pricesUnpricedCmd `cmd:"" help:"List the models that were used without a price."`
	Rerate   pricesRerateCmd   `cmd:"" help:"Rate what was charged in a period anew: say what it would come to, or book the corrections."`
	Rerates  pricesReratesCmd  `cmd:"" help:"List the periods that were rated anew."`
	Versions pricesVersionsCmd `cmd:"" help:"List the prices that were set or imported, newest first."`
}

type pricesListCmd struct {
	pageFlags `embed:""`
	Provider  string                  `placeholder:"SLUG" help:"Only of this provider."`
	Model     string                  `placeholder:"NAME" help:"Only the row with this name."`
	Source    string                  `enum:",builtin,config,default,stored" default:"" placeholder:"WORD" help:"Only prices from there: builtin, config, default, or stored (set or imported)."`
	At        api.Optional[time.Time] `placeholder:"TIME" help:"As they are at this instant, RFC 3339; without it, now."`
}

// Help shows examples.
func (pricesListCmd) Help() string {
	return `What was set or imported goes before the configuration's prices, and those before the program's own.

Examples:

	tollgate prices list --provider anthropic
	tollgate prices list --at 2026-12-01T00:00:00Z --source stored
	tollgate prices list --source config --json`
}

// Run lists the prices.
func (c *pricesListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	page, err := c.query()
	if err != nil {
		return err
	}
	at, _ := c.At.Get()
	list, err := cl.Prices(ctx, client.PriceQuery{PageQuery: page, Provider: c.Provider, Model: c.Model, Source: c.Source, At: at})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"MODEL", "SOURCE", "SINCE", "TIERS", "IN", "CACHED", "OUT (USD/MILLION)"}}
		for _, one := range list.Prices {
			in, cached, out := never, never, never
			if len(one.Tiers) > 0 {
				t := one.Tiers[0]
				in, cached, out = t.InputUSDPerMillion, t.CacheReadUSDPerMillion, t.OutputUSDPerMillion
			}
			rows = append(rows, []string{plain(one.ID), one.Source, instant(one.Since), count(int64(len(one.Tiers))), in, cached, out})
		}
		p.table(rows)
		p.page("prices", len(list.Prices), list.Total, list.Page)
	})
}

type pricesGetCmd struct {
	ID string `arg:"" help:"Id of the row: provider/model."`
}

// Help shows examples.
func (pricesGetCmd) Help() string {
	return `Examples:

	tollgate prices get openai/gpt-4o-mini`
}

// Run shows the prices.
func (c *pricesGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	one, err := cl.Price(ctx, c.ID)
	if err != nil {
		return err
	}
	return p.print(one, func() {
		p.table([][]string{{"prices of", plain(one.ID)}, {"source", one.Source}, {"since", instant(one.Since)}})
		p.pricing(one.ModelPricing)
	})
}

// pricing prints what a model costs.
func (p *printer) pricing(prices api.ModelPricing) {
	rows := [][]string{{"INPUT ABOVE", "INPUT", "CACHE READ", "CACHE WRITE", "1 HOUR", "SOUND IN", "OUTPUT", "REASONING", "SOUND OUT (USD/MILLION)"}}
	for _, t := range prices.Tiers {
		rows = append(rows, []string{
			count(t.AboveInputTokens), t.InputUSDPerMillion, t.CacheReadUSDPerMillion, t.CacheWriteUSDPerMillion, t.CacheWrite1hUSDPerMillion,
			t.InputAudioUSDPerMillion, t.OutputUSDPerMillion, t.ReasoningUSDPerMillion, t.OutputAudioUSDPerMillion,
		})
	}
	if len(prices.Tiers) > 0 {
		p.table(rows)
	}
	for _, s := range prices.ServiceTiers {
		p.printf("%s: %s\n", s.Service, strings.Join(priceWords(&api.ModelPricing{Tiers: s.Tiers}), ", "))
	}
	for _, unit := range []struct {
		name  string
		price *string
	}{
		{"an image", prices.ImageUSD},
		{"a second", prices.SecondUSD},
		{"a million characters", prices.CharactersUSDPerMillion},
		{"a search unit", prices.SearchUSD},
	} {
		if unit.price != nil {
			p.printf("%s: $%s\n", unit.name, *unit.price)
		}
	}
}

type pricesSetCmd struct {
	Row          string                  `arg:"" name:"provider/model" help:"Provider and model, such as openai/gpt-4o-mini; * stands for any characters."`
	From         api.Optional[time.Time] `placeholder:"TIME" help:"From when on it holds, RFC 3339: 2026-12-01T00:00:00Z; without it, from now on."`
	Input        *string                 `placeholder:"USD" help:"A million tokens of input."`
	Output       *string                 `placeholder:"USD" help:"A million tokens of output."`
	CacheRead    *string                 `placeholder:"USD" help:"A million tokens read from a cache; as input if left out."`
	CacheWrite   *string                 `placeholder:"USD" help:"A million tokens written to a cache for five minutes; as input if left out."`
	CacheWrite1h *string                 `name:"cache-write-1h" placeholder:"USD" help:"A million tokens written to a cache for an hour; as for five minutes if left out."`
	InputAudio   *string                 `placeholder:"USD" help:"A million tokens of sound as input; as input if left out."`
	Reasoning    *string                 `placeholder:"USD" help:"A million tokens of hidden thought; as output if left out."`
	OutputAudio  *string                 `placeholder:"USD" help:"A million tokens of sound as output; as output if left out."`
	Tier         []string                `placeholder:"TIER" sep:"none" help:"Prices of requests with more input tokens: '200000 input=2.50 output=15 cache_read=0.25'; may be repeated."`
	Service      []string                `placeholder:"SERVICE" sep:"none" help:"Prices under another service: 'flex input=0.0625 output=0.25', or priority, fast, batch; 'flex >200000 input=…' for a tier of it; may be repeated."`
	Image        *string                 `placeholder:"USD" help:"One image."`
	Second       *string                 `placeholder:"USD" help:"One second of sound."`
	Characters   *string                 `placeholder:"USD" help:"A million characters."`
	Search       *string                 `placeholder:"USD" help:"One search unit."`
	Context      int64                   `placeholder:"N" help:"Tokens that fit into its context, where that is not known."`
	MaxOutput    int64                   `placeholder:"N" help:"Tokens of its longest answer, where that is not known."`
	Reset        bool                    `help:"What the configuration or the program says holds again."`
	DryRun       bool                    `help:"Only say what would come of it."`
}

// Help shows examples.
func (pricesSetCmd) Help() string {
	return `Prices are in US dollars, with six decimal places at most. A request costs what held when it was admitted; what was charged before is not touched (prices rerate does that). No version is ever changed: another one from the same instant takes its place.

Examples:

	tollgate prices set openai/gpt-4o-mini --input 0.15 --output 0.60 --cache-read 0.075
	tollgate prices set google/gemini-2.5-pro --input 1.25 --output 10 --tier '200000 input=2.50 output=15' --from 2026-12-01T00:00:00Z
	tollgate prices set openai/gpt-image-1 --image 0.04 --dry-run
	tollgate prices set openai/gpt-4o-mini --reset`
}

// Run sets the price.
func (c *pricesSetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	row, err := c.row()
	if err != nil {
		return err
	}
	report, err := cl.SetPrices(ctx, api.PricesInput{DryRun: c.DryRun, Prices: []api.PriceInput{row}})
	if err != nil {
		return err
	}
	if err := p.print(report, func() { p.priceReport(report, c.DryRun) }); err != nil {
		return err
	}
	if report.Refused > 0 {
		return errSilent
	}
	return nil
}

func (c *pricesSetCmd) row() (api.PriceInput, error) {
	provider, model, ok := strings.Cut(c.Row, "/")
	if !ok || provider == "" || model == "" {
		return api.PriceInput{}, misuse("%q is not PROVIDER/MODEL, like openai/gpt-4o-mini", c.Row)
	}
	row := api.PriceInput{
		Provider: provider, Model: model, Reset: c.Reset, ImageUSD: c.Image, SecondUSD: c.Second, CharactersUSDPerMillion: c.Characters, SearchUSD: c.Search,
		ContextTokens: c.Context, MaxOutputTokens: c.MaxOutput,
	}
	if from, ok := c.From.Get(); ok {
		row.From = &from
	}
	base := api.PriceTierInput{
		CacheReadUSDPerMillion: c.CacheRead, CacheWriteUSDPerMillion: c.CacheWrite, CacheWrite1hUSDPerMillion: c.CacheWrite1h,
		InputAudioUSDPerMillion: c.InputAudio, ReasoningUSDPerMillion: c.Reasoning, OutputAudioUSDPerMillion: c.OutputAudio,
	}
	switch {
	case (c.Input == nil) != (c.Output == nil):
		return row, misuse("--input and --output go together; what costs nothing is 0")
	case c.Input != nil:
		base.InputUSDPerMillion, base.OutputUSDPerMillion = *c.Input, *c.Output
		row.Tiers = append(row.Tiers, base)
	case base != (api.PriceTierInput{}) || len(c.Tier)+len(c.Service) > 0:
		return row, misuse("further prices of tokens need --input and --output")
	}
	for _, text := range c.Tier {
		above, prices, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), ">"), " ")
		tier, err := parseTier(above, prices)
		if err != nil || tier.AboveInputTokens == 0 {
			return row, misuse("--tier: %q is not like '200000 input=2.50 output=15': %w", text, err)
		}
		row.Tiers = append(row.Tiers, tier)
	}
	for _, text := range c.Service {
		name, prices, _ := strings.Cut(strings.TrimSpace(text), " ")
		above := "0"
		if rest, ok := strings.CutPrefix(prices, ">"); ok {
			above, prices, _ = strings.Cut(rest, " ")
		}
		tier, err := parseTier(above, prices)
		if err != nil {
			return row, misuse("--service: %q is not like 'flex input=0.0625 output=0.25': %w", text, err)
		}
		at := slices.IndexFunc(row.ServiceTiers, func(s api.ServicePriceInput) bool { return s.Service == name })
		if at < 0 {
			at, row.ServiceTiers = len(row.ServiceTiers), append(row.ServiceTiers, api.ServicePriceInput{Service: name})
		}
		row.ServiceTiers[at].Tiers = append(row.ServiceTiers[at].Tiers, tier)
	}
	return row, nil
}

// parseTier reads a size of the input and prices: "input=2.50 output=15 cache_read=0.25".
func parseTier(above, prices string) (t api.PriceTierInput, err error) {
	if t.AboveInputTokens, err = strconv.ParseInt(above, 10, 64); err != nil || t.AboveInputTokens < 0 {
		return t, fmt.Errorf("%q is not a number of input tokens", above)
	}
	for word := range strings.FieldsSeq(prices) {
		name, price, _ := strings.Cut(word, "=")
		switch name {
		case "input":
			t.InputUSDPerMillion = price
		case "output":
			t.OutputUSDPerMillion = price
		case "cache_read":
			t.CacheReadUSDPerMillion = &price
		case "cache_write":
			t.CacheWriteUSDPerMillion = &price
		case "cache_write_1h":
			t.CacheWrite1hUSDPerMillion = &price
		case "input_audio":
			t.InputAudioUSDPerMillion = &price
		case "reasoning":
			t.ReasoningUSDPerMillion = &price
		case "output_audio":
			t.OutputAudioUSDPerMillion = &price
		default:
			return t, fmt.Errorf("%q is not the name of a price", word)
		}
	}
	if t.InputUSDPerMillion == "" || t.OutputUSDPerMillion == "" {
		return t, errors.New("it needs input= and output=")
	}
	return t, nil
}

type pricesVersionsCmd struct {
	pageFlags `embed:""`
	Provider  string `placeholder:"SLUG" help:"Only of this provider."`
	Model     string `placeholder:"NAME" help:"Only the row with this name."`
}

// Help shows examples.
func (pricesVersionsCmd) Help() string {
	return `Examples:

	tollgate prices versions
	tollgate prices versions --provider openai --model gpt-4o-mini --json`
}

// Run lists the versions.
func (c *pricesVersionsCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	page, err := c.query()
	if err != nil {
		return err
	}
	list, err := cl.PriceVersions(ctx, client.PriceQuery{PageQuery: page, Provider: c.Provider, Model: c.Model})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"MODEL", "FROM", "IN FORCE", "PRICES", "SOURCE", "SET AT", "BY"}}
		for _, v := range list.PriceVersions {
			prices := "as below"
			if v.Prices != nil {
				prices = strings.Join(priceWords(v.Prices), " ")
			}
			rows = append(rows, []string{plain(v.Provider + "/" + v.Model), instant(&v.From), yesNo(v.IsInForce), prices, plain(v.Source), instant(&v.SetAt), plain(v.Actor)})
		}
		p.table(rows)
		p.page("versions", len(list.PriceVersions), list.Total, list.Page)
	})
}
