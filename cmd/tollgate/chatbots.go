package main

import (
	"context"
	"reflect"

	"tollgate/api"
	"tollgate/client"
)

// chatbotsCmd is the noun: one field per verb.
type chatbotsCmd struct {
	remote `embed:""`
	Create chatbotsCreateCmd `cmd:"" help:"Make a chatbot."`
	List   chatbotsListCmd   `cmd:"" help:"List chatbots, newest first."`
	Get    chatbotsGetCmd    `cmd:"" help:"Show one chatbot."`
	Update chatbotsUpdateCmd `cmd:"" help:"Change fields of a chatbot; what is not named stays."`
	Delete chatbotsDeleteCmd `cmd:"" help:"Delete a chatbot for good; its slug is free again."`
	Keys   chatbotsKeysCmd   `cmd:"" help:"List the grants of a chatbot: which keys open it, or did."`
	Grant  chatbotsGrantCmd  `cmd:"" help:"Let a key open a chatbot."`
	Extend chatbotsExtendCmd `cmd:"" help:"Change when a grant ends."`
	Revoke chatbotsRevokeCmd `cmd:"" help:"Revoke a grant; it stays in the list."`
}

type chatbotID struct {
	ID string `arg:"" help:"Id of the chatbot (bot_…)."`
}

// chatbotFlags is every settable field of a chatbot.
type chatbotFlags struct {
	Name           api.Optional[string]   `type:"text" placeholder:"TEXT" help:"Name, 1 to 100 characters."`
	Slug           api.Optional[string]   `placeholder:"WORDS" help:"Its address, /chatbots/{slug}/v1: words of small letters and digits with hyphens between them; follows from the name if left out."`
	UserID         api.Optional[string]   `name:"user-id" placeholder:"ID" help:"Owner; none = the organization."`
	Provider       api.Optional[string]   `placeholder:"SLUG" help:"Provider; none = the one that has the model."`
	Model          api.Optional[string]   `placeholder:"NAME" help:"Model: a name, an alias, or provider/name."`
	SystemPrompt   api.Optional[string]   `type:"text" placeholder:"TEXT" help:"What the model is told before all messages; with it, callers cannot tell it their own."`
	Temperature    api.Optional[float64]  `placeholder:"N" help:"0 to 2, replaces the caller's; none = the caller's."`
	MaxTokens      api.Optional[int64]    `placeholder:"N" help:"The longest answer; none = the model's."`
	Greeting       api.Optional[string]   `type:"text" placeholder:"TEXT" help:"What front ends show first."`
	AllowedOrigins api.Optional[[]string] `placeholder:"A,B" help:"Pages that may use it from a browser: https://www.example.com; * = every page, none = none."`
	AccessMode     api.Optional[string]   `placeholder:"MODE" help:"Who is let in: key_required, public, disabled, or auto (public until the first grant)."`
	IsActive       api.Optional[bool]     `placeholder:"true|false" help:"false lets nobody in."`

	AnonymousRateLimitPerMinute api.Optional[int64] `placeholder:"N" help:"Requests in any minute from one address without a key; none = no limit."`
	AnonymousRateLimitPerHour   api.Optional[int64] `placeholder:"N" help:"The same in any hour."`
	AnonymousRateLimitPerDay    api.Optional[int64] `placeholder:"N" help:"The same in a calendar day."`
	AnonymousTokensPerDay       api.Optional[int64] `placeholder:"N" help:"Tokens in a calendar day of one address without a key; none = no limit."`
	AnonymousConcurrentLimit    api.Optional[int64] `placeholder:"N" help:"Requests at the same time from one address without a key; none = no limit."`

	limitFlags `embed:""`
}

// input is the body that the flags describe: fields of the same name, which a test
// holds together.
func (f chatbotFlags) input() (in api.ChatbotInput, err error) {
	from, to := reflect.ValueOf(f), reflect.ValueOf(&in).Elem()
	for i := range from.NumField() {
		if at := to.FieldByName(from.Type().Field(i).Name); at.IsValid() {
			at.Set(from.Field(i))
		}
	}
	in.LimitsInput, err = f.limitFlags.input()
	return in, err
}

type chatbotsCreateCmd struct {
	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, no second chatbot is made."`
	chatbotFlags   `embed:""`
}

// Help shows examples.
func (chatbotsCreateCmd) Help() string {
	return `Only keys that were granted open it, unless --access-mode says otherwise. OpenAI's libraries talk to it at /chatbots/{slug}/v1.

Examples:

	tollgate chatbots create --name Support --model gpt-4o-mini --system-prompt 'You help with orders.' --max-tokens 500
	tollgate chatbots create --name Tour --model gpt-4o-mini --access-mode public --allowed-origins https://www.example.com --budget-usd 20 --budget-type monthly`
}

// Run makes the chatbot.
func (c *chatbotsCreateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	_, named := in.Name.Get()
	if _, ok := in.Model.Get(); !ok || !named {
		return misuse("a chatbot needs a name and a model: --name TEXT --model NAME")
	}
	return p.showChatbot(cl.CreateChatbot(ctx, in, idempotent(c.IdempotencyKey)...))
}

type chatbotsListCmd struct {
	Page       int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size       int    `default:"50" placeholder:"N" help:"Chatbots on a page, 1 to 100."`
	After      string `placeholder:"ID" help:"What follows the chatbot with this id, instead of a page."`
	UserID     string `name:"user-id" placeholder:"ID" help:"Only this owner's."`
	Search     string `placeholder:"TEXT" help:"Only chatbots with this text in name or slug."`
	AccessMode string `enum:",key_required,public,disabled,auto" default:"" placeholder:"MODE" help:"Only with this access mode: key_required, public, disabled or auto."`
	Status     string `enum:",active,disabled" default:"" placeholder:"WORD" help:"Only with this status: active or disabled."`
}

// Help shows examples.
func (chatbotsListCmd) Help() string {
	return `Examples:

	tollgate chatbots list --access-mode public
	tollgate chatbots list --search support --json`
}

// Run lists the chatbots.
func (c *chatbotsListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	list, err := cl.Chatbots(ctx, client.ChatbotQuery{
		Page: c.Page, Size: c.Size, After: c.After, UserID: c.UserID, Search: c.Search, AccessMode: c.AccessMode, Status: c.Status,
	})
	if err != nil {
		return err
	}
	return p.print(list, func() { p.chatbots(list) })
}

type chatbotsGetCmd struct {
	chatbotID `embed:""`
}

// Run shows the chatbot.
func (c *chatbotsGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showChatbot(cl.Chatbot(ctx, c.ID))
}

type chatbotsUpdateCmd struct {
	chatbotID    `embed:""`
	fileFlag     `embed:""`
	IfVersion    int64 `placeholder:"N" help:"Only if the chatbot still has this version."`
	chatbotFlags `embed:""`
}

// Help shows examples.
func (chatbotsUpdateCmd) Help() string {
	return `Changes are in force at once.

Examples:

	tollgate chatbots update bot_0192… --access-mode disabled
	tollgate chatbots update bot_0192… --model gpt-4o --temperature 0.3 --budget-usd 50 --budget-type monthly
	tollgate chatbots get bot_0192… --json > bot.json, and once it is edited: tollgate chatbots update bot_0192… --file bot.json`
}

// Run changes the chatbot.
func (c *chatbotsUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero(), "--access-mode disabled")
	if err != nil {
		return err
	}
	if !byFile {
		return p.showChatbot(cl.UpdateChatbot(ctx, c.ID, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showChatbot(cl.ReplaceChatbot(ctx, c.ID, body, ifVersion(c.IfVersion)...))
}

type chatbotsDeleteCmd struct {
	chatbotID `embed:""`
	IfVersion int64 `placeholder:"N" help:"Only if the chatbot still has this version."`
}

// Help shows examples.
func (chatbotsDeleteCmd) Help() string {
	return `The next request to it is refused. Usage and audit go on naming it.

Examples:

	tollgate chatbots delete bot_0192…`
}

// Run deletes the chatbot.
func (c *chatbotsDeleteCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := cl.DeleteChatbot(ctx, c.ID, ifVersion(c.IfVersion)...); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.ID}, func() { p.printf("Deleted %s.\n", c.ID) })
}

// showChatbot prints a chatbot, or passes the error on.
func (p *printer) showChatbot(c api.Chatbot, err error) error {
	if err != nil {
		return err
	}
	return p.print(c, func() { p.chatbot(c) })
}
