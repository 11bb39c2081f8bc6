package main

import (
	"context"
	"fmt"
	"reflect"

	"tollgate/api"
	"tollgate/client"
)

// limitFields is api.LimitsInput as flags: same fields, same order, so that one
// converts to the other and a limit without a flag does not compile.
type limitFields struct {
	RateLimitPerMinute api.Optional[int64]  `placeholder:"N" help:"Requests in any minute; none = no limit."`
	RateLimitPerHour   api.Optional[int64]  `placeholder:"N" help:"Requests in any hour; none = no limit."`
	RateLimitPerDay    api.Optional[int64]  `placeholder:"N" help:"Requests in a calendar day; none = no limit."`
	TokensPerMinute    api.Optional[int64]  `placeholder:"N" help:"Tokens in any minute; none = no limit."`
	TokensPerDay       api.Optional[int64]  `placeholder:"N" help:"Tokens in a calendar day; none = no limit."`
	TokensPerMonth     api.Optional[int64]  `placeholder:"N" help:"Tokens in a calendar month; none = no limit."`
	ConcurrentLimit    api.Optional[int64]  `placeholder:"N" help:"Requests at the same time; none = no limit."`
	IsUnlimited        api.Optional[bool]   `placeholder:"true|false" help:"Seldom needed: it follows from the budget."`
	BudgetLimitCents   api.Optional[int64]  `placeholder:"N" xor:"budget" help:"Budget in US cents; 0 = nothing, none = no limit."`
	BudgetType         api.Optional[string] `placeholder:"TYPE" help:"Period of the budget: total, daily, weekly or monthly."`
	BudgetMode         api.Optional[string] `placeholder:"MODE" help:"hard = never passed, soft = passed by what is in flight at most."`
}

// limitFlags is every limit, and a way of saying one that is easier on people.
type limitFlags struct {
	limitFields `embed:""`
	BudgetUSD   string `name:"budget-usd" placeholder:"AMOUNT" xor:"budget" help:"Budget in US dollars: 5 or 5.25; none = no limit."`
}

func (f limitFlags) input() (api.LimitsInput, error) {
	in := api.LimitsInput(f.limitFields)
	if f.BudgetUSD != "" {
		cents, err := parseCents(f.BudgetUSD)
		if err != nil {
			return in, misuse("--budget-usd: %w", err)
		}
		in.BudgetLimitCents = cents
	}
	return in, nil
}

// limitsCmd is the noun: one field per verb.
type limitsCmd struct {
	remote `embed:""`
	Get    limitsGetCmd `cmd:"" help:"Show limits; of a key, with what is used of them and of those above it."`
	Set    limitsSetCmd `cmd:"" help:"Change limits of the organization, of a user, a key, a chatbot or a credential."`
}

// whose is the one that limits belong to: without a flag, the organization.
type whose struct {
	UserID       string `name:"user-id" placeholder:"ID" xor:"whose" help:"Of this user, over all of their keys together."`
	KeyID        string `name:"key-id" placeholder:"ID" xor:"whose" help:"Of this key."`
	ChatbotID    string `name:"chatbot-id" placeholder:"ID" xor:"whose" help:"Of this chatbot, over all who talk to it together."`
	CredentialID string `name:"credential-id" placeholder:"ID" xor:"whose" help:"Of this provider credential; it has no budget."`
}

type limitsGetCmd struct {
	whose `embed:""`
}

// Help shows examples.
func (limitsGetCmd) Help() string {
	return `Without a flag: the limits of the organization, over all keys together. A request must fit on the limits of the organization, of the key's owner, of the key, of the chatbot that is spoken to and of the credential that pays.

Examples:

	tollgate limits get
	tollgate limits get --user-id user_0192…
	tollgate limits get --key-id key_0192…
	tollgate limits get --chatbot-id bot_0192…
	tollgate limits get --credential-id cred_0192…`
}

// Run shows the limits.
func (c *limitsGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	switch {
	case c.KeyID != "":
		return c.ofKey(ctx, cl, p)
	case c.UserID != "":
		u, err := cl.User(ctx, c.UserID)
		return p.showLimits(u.Limits, err)
	case c.ChatbotID != "":
		bot, err := cl.Chatbot(ctx, c.ChatbotID)
		return p.showLimits(bot.Limits, err)
	case c.CredentialID != "":
		cred, err := cl.Credential(ctx, c.CredentialID)
		return p.showCounted(cred.CountedLimits, err)
	}
	o, err := cl.Organization(ctx)
	return p.showLimits(o.Limits, err)
}

// ofKey shows what is left on each limit that a request of the key meets.
func (c *limitsGetCmd) ofKey(ctx context.Context, cl *client.Client, p *printer) error {
	result, err := cl.Explain(ctx, api.ExplainRequest{KeyID: c.KeyID})
	if err != nil {
		return err
	}
	limits := []api.ExplainStep{}
	for _, step := range result.Steps {
		if step.Limit != nil {
			limits = append(limits, step)
		}
	}
	if len(limits) == 0 && !result.Allowed { // a key that opens nothing has none that count
		return fmt.Errorf("%s (%s)", result.Reason, result.Code)
	}
	return p.print(limits, func() {
		if len(limits) == 0 {
			p.printf("No limit applies to this key.\n")
			return
		}
		rows := [][]string{{"LIMIT", "OF", "MAX", "USED", "HELD", "RESETS"}}
		for _, s := range limits {
			rows = append(rows, []string{s.Rule, s.Limit.Subject, amount(s.Limit.Max), amount(s.Limit.Used), amount(s.Limit.Held), instant(s.Limit.ResetsAt)})
		}
		p.table(rows)
	})
}

type limitsSetCmd struct {
	whose      `embed:""`
	IfVersion  int64 `placeholder:"N" help:"Only if it still has this version."`
	limitFlags `embed:""`
}

// Help shows examples.
func (limitsSetCmd) Help() string {
	return `Changes are in force at once. What is not named stays.

Examples:

	tollgate limits set --budget-usd 1000 --budget-type monthly
	tollgate limits set --user-id user_0192… --concurrent-limit 5
	tollgate limits set --key-id key_0192… --rate-limit-per-minute 10 --tokens-per-day none
	tollgate limits set --chatbot-id bot_0192… --budget-usd 50 --budget-type monthly
	tollgate limits set --credential-id cred_0192… --tokens-per-month 5000000`
}

// Run changes the limits.
func (c *limitsSetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	if reflect.ValueOf(in).IsZero() {
		return misuse("nothing to change: name at least one limit, such as --rate-limit-per-minute 10")
	}
	opts := ifVersion(c.IfVersion)
	switch {
	case c.KeyID != "":
		k, err := cl.UpdateKey(ctx, c.KeyID, api.KeyInput{
			RateLimitPerMinute: in.RateLimitPerMinute, RateLimitPerHour: in.RateLimitPerHour, RateLimitPerDay: in.RateLimitPerDay,
			TokensPerMinute: in.TokensPerMinute, TokensPerDay: in.TokensPerDay, TokensPerMonth: in.TokensPerMonth,
			ConcurrentLimit: in.ConcurrentLimit, IsUnlimited: in.IsUnlimited,
			BudgetLimitCents: in.BudgetLimitCents, BudgetType: in.BudgetType, BudgetMode: in.BudgetMode,
		}, opts...)
		return p.showLimits(k.Limits, err)
	case c.UserID != "":
		u, err := cl.UpdateUser(ctx, c.UserID, api.UserInput{LimitsInput: in}, opts...)
		return p.showLimits(u.Limits, err)
	case c.ChatbotID != "":
		bot, err := cl.UpdateChatbot(ctx, c.ChatbotID, api.ChatbotInput{LimitsInput: in}, opts...)
		return p.showLimits(bot.Limits, err)
	case c.CredentialID != "":
		counted := api.CredentialInput{
			RateLimitPerMinute: in.RateLimitPerMinute, RateLimitPerHour: in.RateLimitPerHour, RateLimitPerDay: in.RateLimitPerDay,
			TokensPerMinute: in.TokensPerMinute, TokensPerDay: in.TokensPerDay, TokensPerMonth: in.TokensPerMonth,
			ConcurrentLimit: in.ConcurrentLimit,
		}
		if !in.IsUnlimited.IsZero() || !in.BudgetLimitCents.IsZero() || !in.BudgetType.IsZero() || !in.BudgetMode.IsZero() {
			return misuse("a credential has no budget: limit its tokens, such as --tokens-per-month 5000000")
		}
		cred, err := cl.UpdateCredential(ctx, c.CredentialID, counted, opts...)
		return p.showCounted(cred.CountedLimits, err)
	}
	o, err := cl.UpdateOrganization(ctx, api.OrganizationInput{LimitsInput: in}, opts...)
	return p.showLimits(o.Limits, err)
}

func (p *printer) showLimits(l api.Limits, err error) error {
	if err != nil {
		return err
	}
	return p.print(l, func() { p.table(limitRows(l)) })
}

// showCounted shows limits where there is no budget.
func (p *printer) showCounted(l api.CountedLimits, err error) error {
	if err != nil {
		return err
	}
	return p.print(l, func() {
		p.table(limitRows(api.Limits{
			RateLimitPerMinute: l.RateLimitPerMinute, RateLimitPerHour: l.RateLimitPerHour, RateLimitPerDay: l.RateLimitPerDay,
			TokensPerMinute: l.TokensPerMinute, TokensPerDay: l.TokensPerDay, TokensPerMonth: l.TokensPerMonth,
			ConcurrentLimit: l.ConcurrentLimit,
		})[1:])
	})
}

// limitRows are the lines of limits, in whatever has them.
func limitRows(l api.Limits) [][]string {
	return [][]string{
		{"budget", budget(l)}, // first, for whatever has none
		{"rates", rates(l)},
		{"tokens", tokens(l)},
		{"concurrent", limit(l.ConcurrentLimit, "request")},
	}
}

// ifVersion is the condition of a change; 0 is none.
func ifVersion(version int64) []client.CallOption {
	if version == 0 {
		return nil
	}
	return []client.CallOption{client.IfVersion(version)}
}

// idempotent makes a call that can be sent again; "" is none.
func idempotent(key string) []client.CallOption {
	if key == "" {
		return nil
	}
	return []client.CallOption{client.Idempotent(key)}
}
