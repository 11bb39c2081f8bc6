package main

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/client"
)

type pricesUnpricedCmd struct {
	pageFlags `embed:""`
	From      api.Optional[time.Time] `placeholder:"TIME" help:"Requests at or after this instant, RFC 3339."`
	To        api.Optional[time.Time] `placeholder:"TIME" help:"Requests before this instant."`
	Provider  string                  `placeholder:"SLUG" help:"Only of this provider."`
}

// Help shows examples.
func (pricesUnpricedCmd) Help() string {
	return `What such a model was used for was charged nothing. Give it a price from before its first use, and rate the period anew.

Examples:

	tollgate prices unpriced --from 2026-11-01T00:00:00Z
	tollgate prices set openai/gpt-of-tomorrow --input 1 --output 4 --from 2026-11-01T00:00:00Z
	tollgate prices rerate --from 2026-11-01T00:00:00Z --model gpt-of-tomorrow`
}

// Run lists the models.
func (c *pricesUnpricedCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	page, err := c.query()
	if err != nil {
		return err
	}
	from, _ := c.From.Get()
	to, _ := c.To.Get()
	list, err := cl.UnpricedModels(ctx, client.UnpricedQuery{PageQuery: page, From: from, To: to, Provider: c.Provider})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"MODEL", "REQUESTS", "INPUT", "OUTPUT (TOKENS)", "FIRST USE", "LAST USE", "HAS A PRICE NOW"}}
		for _, u := range list.UnpricedModels {
			rows = append(rows, []string{plain(u.ID), count(u.Requests), count(u.InputTokens), count(u.OutputTokens), instant(&u.FirstAt), instant(&u.LastAt), yesNo(u.IsPriced)})
		}
		p.table(rows)
		p.page("models", len(list.UnpricedModels), list.Total, list.Page)
	})
}

type pricesRerateCmd struct {
	From     api.Optional[time.Time] `placeholder:"TIME" help:"Requests at or after this instant, RFC 3339; without it, from the first one on."`
	To       api.Optional[time.Time] `placeholder:"TIME" help:"Requests before this instant; without it, until now."`
	Provider string                  `placeholder:"SLUG" help:"Only of this provider."`
	Model    string                  `placeholder:"NAME" help:"Only of this model, as it was sent to the provider."`
	KeyID    string                  `name:"key-id" placeholder:"ID" help:"Only of this key."`
	Apply    bool                    `help:"Book the corrections; without it, only say what would come of it."`
}

// Help shows examples.
func (pricesRerateCmd) Help() string {
	return `Each request costs what the prices say that hold for the instant at which it was admitted. What comes of it is booked as entries of their own, with the outcome corrected, at those instants: nothing is changed, and every sum, limit, balance and statement has it at once. Broken off by whatever, it goes on after the next start of the server, and corrects nothing twice.

Left out are requests that somebody's own credential has paid for (byok), of which nobody knows what they used (unconfirmed), what was imported, what was used before a key had its balance, and models without a price for that time.

Examples:

	tollgate prices rerate --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
	tollgate prices rerate --from 2026-11-01T00:00:00Z --provider openai --model gpt-4o-mini --apply`
}

// Run rates the period anew.
func (c *pricesRerateCmd) Run(ctx context.Context, t *terminal, cl *client.Client, p *printer) error {
	in := api.RerateInput{Provider: c.Provider, Model: c.Model, KeyID: c.KeyID, Apply: c.Apply}
	for to, from := range map[*string]api.Optional[time.Time]{&in.From: c.From, &in.To: c.To} {
		if at, ok := from.Get(); ok {
			*to = at.Format(time.RFC3339Nano)
		}
	}
	bar := t.progress("requests")
	r, err := cl.Rerate(ctx, in, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	return p.print(r, func() { p.rerate(r) })
}

type pricesReratesCmd struct {
	pageFlags `embed:""`
}

// Help shows examples.
func (pricesReratesCmd) Help() string {
	return `Examples:

	tollgate prices rerates
	tollgate prices rerates --json`
}

// Run lists them.
func (c *pricesReratesCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	page, err := c.query()
	if err != nil {
		return err
	}
	list, err := cl.Rerates(ctx, page)
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"ID", "BEGAN", "STATE", "FROM", "TO", "CORRECTED", "BEFORE", "AFTER", "DIFFERENCE (USD)"}}
		for _, r := range list.Rerates {
			rows = append(rows, []string{textOf(r.ID), instant(&r.BeganAt), r.State, instant(r.From), instant(&r.To), count(r.Corrected), r.BeforeUSD, r.AfterUSD, r.DifferenceUSD})
		}
		p.table(rows)
		p.page("re-rates", len(list.Rerates), list.Total, list.Page)
	})
}

// rerate tells what rating anew has come to.
func (p *printer) rerate(r api.Rerate) {
	for _, part := range []struct {
		head  string
		lines []api.RerateLine
	}{{"MODEL", r.Models}, {"KEY", r.Keys}} {
		rows := [][]string{{part.head, "REQUESTS", "CORRECTED", "BEFORE", "AFTER", "DIFFERENCE (USD)"}}
		for _, l := range part.lines {
			name := plain(l.ID)
			if l.Name != "" {
				name += " (" + plain(l.Name) + ")"
			}
			rows = append(rows, []string{name, count(l.Entries), count(l.Corrected), l.BeforeUSD, l.AfterUSD, l.DifferenceUSD})
		}
		if len(part.lines) > 0 {
			p.table(rows)
			p.printf("\n")
		}
	}
	for _, l := range r.LeftOut {
		p.printf("left out, %s: %s\n", l.Reason, count(l.Entries))
	}
	p.printf("%s of %s requests cost something else: $%s instead of $%s, a difference of $%s", count(r.Corrected), count(r.Entries), r.AfterUSD, r.BeforeUSD, r.DifferenceUSD)
	if r.ID == nil {
		p.printf("; nothing was booked (--apply does)\n")
		return
	}
	p.printf("; booked as %s\n", *r.ID)
}
