package main

import (
	"context"
	"reflect"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// organizationCmd is the noun: one field per verb.
type organizationCmd struct {
	remote `embed:""`
	Get    organizationGetCmd    `cmd:"" help:"Show the organization."`
	Update organizationUpdateCmd `cmd:"" help:"Change fields of the organization; what is not named stays."`
}

type organizationGetCmd struct{}

// Run shows the organization.
func (c *organizationGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showOrganization(cl.Organization(ctx))
}

type organizationUpdateCmd struct {
	fileFlag       `embed:""`
	IfVersion      int64                `placeholder:"N" help:"Only if the organization still has this version."`
	Name           api.Optional[string] `type:"text" placeholder:"TEXT" help:"Name, 1 to 100 characters."`
	Timezone       api.Optional[string] `type:"text" placeholder:"ZONE" help:"IANA name of the zone in which days, weeks and months begin: Europe/Vienna."`
	IsActive       api.Optional[bool]   `placeholder:"true|false" help:"false stops every key of the organization."`
	MaxKeysPerUser api.Optional[int64]  `placeholder:"N" help:"Keys that a user may have; none = any number."`
	ExpiredKeys    api.Optional[string] `placeholder:"WORD" help:"What the clean-up does with expired keys that do not say it themselves: disable or delete."`
	DefaultPrice   string               `placeholder:"INPUT,OUTPUT" help:"What a model without a price is charged at, in US dollars for a million tokens: 1.50,6.00; none = such models are refused under a budget."`
	limitFlags     `embed:""`
}

// Help shows examples.
func (organizationUpdateCmd) Help() string {
	return `Changes are in force at once. The organization's limits apply to all keys together.

Examples:

	tollgate organization update --timezone Europe/Vienna
	tollgate organization update --budget-usd 1000 --budget-type monthly --max-keys-per-user 20
	tollgate organization update --default-price 1.50,6.00`
}

func (c *organizationUpdateCmd) input() (api.OrganizationInput, error) {
	limits, err := c.limitFlags.input()
	in := api.OrganizationInput{
		Name: c.Name, Timezone: c.Timezone, IsActive: c.IsActive, MaxKeysPerUser: c.MaxKeysPerUser, ExpiredKeys: c.ExpiredKeys, LimitsInput: limits,
	}
	input, output, both := strings.Cut(c.DefaultPrice, ",")
	switch {
	case err != nil || c.DefaultPrice == "":
	case c.DefaultPrice == noneWord:
		in.DefaultPrice = api.Null[api.DefaultPrice]()
	case !both:
		err = misuse("--default-price: %q is not two prices like 1.50,6.00, nor none", c.DefaultPrice)
	default:
		in.DefaultPrice = api.Set(api.DefaultPrice{InputUSDPerMillion: strings.TrimSpace(input), OutputUSDPerMillion: strings.TrimSpace(output)})
	}
	return in, err
}

// Run changes the organization.
func (c *organizationUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero(), "--timezone Europe/Vienna")
	if err != nil {
		return err
	}
	if !byFile {
		return p.showOrganization(cl.UpdateOrganization(ctx, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showOrganization(cl.ReplaceOrganization(ctx, body, ifVersion(c.IfVersion)...))
}

func (p *printer) showOrganization(o api.Organization, err error) error {
	if err != nil {
		return err
	}
	unpriced := "refused under a budget"
	if d := o.DefaultPrice; d != nil {
		unpriced = "$" + d.InputUSDPerMillion + " in, $" + d.OutputUSDPerMillion + " out, a million tokens"
	}
	keys := "any number"
	if o.MaxKeysPerUser != nil {
		keys = count(*o.MaxKeysPerUser)
	}
	return p.print(o, func() {
		p.table(append([][]string{
			{"id", o.ID},
			{"name", plain(o.Name)},
			{"timezone", plain(o.Timezone)},
			{"status", o.Status},
			{"keys of a user", keys},
			{"expired keys", o.ExpiredKeys + "d"},
			{"unpriced models", unpriced},
		}, append(limitRows(o.Limits),
			[]string{"changed", instant(&o.UpdatedAt)},
			[]string{"version", count(o.Version)})...))
	})
}
