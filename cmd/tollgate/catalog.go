package main

import (
	"context"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// pageFlags is which part of a list is wanted.
type pageFlags struct {
	Page  int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size  int    `default:"100" placeholder:"N" help:"Lines on a page, 1 to 1000."`
	After string `placeholder:"ID" help:"What follows this one, instead of a page."`
}

func (f pageFlags) query() (client.PageQuery, error) {
	return client.PageQuery{Page: f.Page, Size: f.Size, After: f.After}, checkPage(f.Page, f.Size, 1000)
}

// presetsCmd is the noun: one field per verb.
type presetsCmd struct {
	remote `embed:""`
	List   presetsListCmd `cmd:"" help:"List what keys can start from."`
	Get    presetsGetCmd  `cmd:"" help:"Show one preset."`
}

type presetsListCmd struct {
	pageFlags `embed:""`
}

// Run lists the presets.
func (c *presetsListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	page, err := cl.Presets(ctx, q)
	if err != nil {
		return err
	}
	return p.print(page, func() {
		rows := [][]string{{"NAME", "RATES", "SCOPES", "NEEDS", "FOR"}}
		for _, one := range page.Presets {
			rows = append(rows, []string{one.Name, rates(one.Limits), list(one.Scopes), plain(strings.Join(one.Needs, ",")), plain(one.About)})
		}
		p.table(rows)
		p.page("presets", len(page.Presets), page.Total, page.Page)
	})
}

type presetsGetCmd struct {
	Name string `arg:"" help:"Name of the preset, such as restricted."`
}

// Help shows examples.
func (presetsGetCmd) Help() string {
	return `Examples:

	tollgate presets get restricted
	tollgate keys create --preset restricted --name web --allowed-models gpt-4o-mini --allowed-endpoints /v1/chat/completions`
}

// Run shows the preset.
func (c *presetsGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	one, err := cl.Preset(ctx, c.Name)
	if err != nil {
		return err
	}
	kind := never
	if one.Kind != nil {
		kind = *one.Kind
	}
	return p.print(one, func() {
		p.table(append([][]string{
			{"name", one.Name},
			{"for", plain(one.About)},
			{"needs", plain(strings.Join(one.Needs, ","))},
			{"kind", kind},
			{"description", plain(one.Description)},
			{"tags", plain(strings.Join(one.Tags, ","))},
			{"scopes", list(one.Scopes)},
			{"endpoints", list(one.AllowedEndpoints)},
			{"permissions", permissions(one.Permissions)},
		}, limitRows(one.Limits)...))
	})
}

// modelsCmd is the noun: one field per verb.
type modelsCmd struct {
	remote `embed:""`
	List   modelsListCmd `cmd:"" help:"List the models of the catalogue."`
	Get    modelsGetCmd  `cmd:"" help:"Show the model that a name means."`
}

type modelsListCmd struct {
	pageFlags  `embed:""`
	Provider   string             `placeholder:"SLUG" help:"Only of this provider."`
	Capability string             `placeholder:"WORD" help:"Only models that are for this: chat, embeddings, images, speech, transcriptions, …"`
	Search     string             `placeholder:"TEXT" help:"Only models with this text in id or aliases."`
	Configured api.Optional[bool] `placeholder:"true|false" help:"Only models whose provider has a credential, or has none."`
	Priced     api.Optional[bool] `placeholder:"true|false" help:"Only models with a price for their tokens, or without."`
}

// Help shows examples.
func (modelsListCmd) Help() string {
	return `Examples:

	tollgate models list --configured true
	tollgate models list --provider openai --capability embeddings
	tollgate models list --priced false --json`
}

// Run lists the models.
func (c *modelsListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	page, err := c.query()
	if err != nil {
		return err
	}
	list, err := cl.Models(ctx, client.ModelQuery{
		PageQuery: page, Provider: c.Provider, Capability: c.Capability, Search: c.Search, Configured: truth(c.Configured), Priced: truth(c.Priced),
	})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"MODEL", "FOR", "CONTEXT", "OUTPUT (TOKENS)", "IN", "OUT (USD/MILLION)", "CREDENTIAL"}}
		for _, m := range list.Models {
			in, out := never, never
			if m.Prices != nil && len(m.Prices.Tiers) > 0 {
				in, out = m.Prices.Tiers[0].InputUSDPerMillion, m.Prices.Tiers[0].OutputUSDPerMillion
			}
			rows = append(rows, []string{
				plain(m.ID), strings.Join(m.Capabilities, ","), countOr(m.ContextTokens), countOr(m.MaxOutputTokens), in, out, yesNo(m.IsConfigured),
			})
		}
		p.table(rows)
		p.page("models", len(list.Models), list.Total, list.Page)
	})
}

type modelsGetCmd struct {
	Name string `arg:"" help:"Name, as a caller would send it."`
}

// Help shows examples.
func (modelsGetCmd) Help() string {
	return `Examples:

	tollgate models get gpt-4o-mini
	tollgate models get anthropic/claude-sonnet-4-5`
}

// Run shows the model.
func (c *modelsGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	m, err := cl.Model(ctx, c.Name)
	if err != nil {
		return err
	}
	return p.print(m, func() {
		p.table([][]string{
			{"model", plain(m.ID)},
			{"also", plain(strings.Join(m.Aliases, ","))},
			{"for", plain(strings.Join(m.Capabilities, ","))},
			{"context", countOr(m.ContextTokens)},
			{"output", countOr(m.MaxOutputTokens)},
			{"released", textOf(m.ReleasedOn)},
			{"credential", yesNo(m.IsConfigured)},
			{"priced as", textOf(m.PriceID)},
		})
		if m.Prices != nil {
			p.pricing(*m.Prices)
		}
	})
}

// rolesCmd is the noun: one field per verb.
type rolesCmd struct {
	remote `embed:""`
	List   rolesListCmd `cmd:"" help:"List the roles and what they may do."`
	Get    rolesGetCmd  `cmd:"" help:"Show one role."`
}

type rolesListCmd struct {
	pageFlags `embed:""`
}

// Run lists the roles.
func (c *rolesListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	list, err := cl.Roles(ctx, q)
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"ROLE", "PERMISSIONS"}}
		for _, r := range list.Roles {
			rows = append(rows, []string{r.Name, strings.Join(r.Permissions, ",")})
		}
		p.table(rows)
		p.page("roles", len(list.Roles), list.Total, list.Page)
		p.printf("\nPermissions that are asked for:\n  %s\n", strings.Join(list.Permissions, "\n  "))
	})
}

type rolesGetCmd struct {
	Name string `arg:"" help:"Name of the role, such as developer."`
}

// Run shows the role.
func (c *rolesGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	r, err := cl.Role(ctx, c.Name)
	if err != nil {
		return err
	}
	return p.print(r, func() { p.printf("%s\n  %s\n", r.Name, strings.Join(r.Permissions, "\n  ")) })
}

// truth is a flag that may be left out.
func truth(o api.Optional[bool]) *bool {
	if b, ok := o.Get(); ok {
		return &b
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// countOr is a number that may be unknown.
func countOr(n *int64) string {
	if n == nil {
		return never
	}
	return count(*n)
}
