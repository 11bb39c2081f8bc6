package main

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// grantArgs are the arguments of every verb about one grant.
type grantArgs struct {
	chatbotID `embed:""`
	KeyID     string `arg:"" help:"Id of the key (key_…)."`
}

// grantEnd is when a grant ends, in two ways.
type grantEnd struct {
	ExpiresAt api.Optional[time.Time] `placeholder:"TIME" xor:"expiry" help:"Opens nothing from then on, RFC 3339: 2030-01-31T12:00:00Z; none = never."`
	ExpiresIn dayOrDuration           `placeholder:"TIME" xor:"expiry" help:"Opens nothing after this long: 90d, 12h, 30m."`
}

func (e grantEnd) at(now time.Time) api.Optional[time.Time] {
	if e.ExpiresIn > 0 {
		return api.Set(now.Add(time.Duration(e.ExpiresIn)).UTC().Truncate(time.Second))
	}
	return e.ExpiresAt
}

type chatbotsKeysCmd struct {
	chatbotID `embed:""`
	Page      int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size      int    `default:"50" placeholder:"N" help:"Grants on a page, 1 to 100."`
	After     string `placeholder:"ID" help:"What follows the grant of the key with this id, instead of a page."`
}

// Help shows examples.
func (chatbotsKeysCmd) Help() string {
	return `Revoked and expired grants are there too; the status says what each is worth now.

Examples:

	tollgate chatbots keys bot_0192…`
}

// Run lists the grants.
func (c *chatbotsKeysCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	list, err := cl.ChatbotKeys(ctx, c.ID, client.GrantQuery{Page: c.Page, Size: c.Size, After: c.After})
	if err != nil {
		return err
	}
	return p.print(list, func() { p.grants(list) })
}

type chatbotsGrantCmd struct {
	chatbotID      `embed:""`
	KeyID          string `name:"key-id" required:"" placeholder:"ID" help:"Which key."`
	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, the same answer is given."`
	grantEnd       `embed:""`
}

// Help shows examples.
func (chatbotsGrantCmd) Help() string {
	return `A grant that was revoked or has expired is given anew. A key that names other chatbots in its allowed chatbots does not open this one all the same.

Examples:

	tollgate chatbots grant bot_0192… --key-id key_0192…
	tollgate chatbots grant bot_0192… --key-id key_0192… --expires-in 90d`
}

// Run gives the grant.
func (c *chatbotsGrantCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in := api.ChatbotGrantInput{KeyID: api.Set(c.KeyID), ExpiresAt: c.at(time.Now())}
	return p.showGrant(cl.CreateChatbotKey(ctx, c.ID, in, idempotent(c.IdempotencyKey)...))
}

type chatbotsExtendCmd struct {
	grantArgs `embed:""`
	grantEnd  `embed:""`
}

// Help shows examples.
func (chatbotsExtendCmd) Help() string {
	return `A grant that was revoked is given anew with grant.

Examples:

	tollgate chatbots extend bot_0192… key_0192… --expires-in 90d
	tollgate chatbots extend bot_0192… key_0192… --expires-at none`
}

// Run moves the end.
func (c *chatbotsExtendCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in := api.ChatbotGrantInput{ExpiresAt: c.at(time.Now())}
	if in.ExpiresAt.IsZero() {
		return misuse("until when? --expires-in 90d, --expires-at TIME, or --expires-at none")
	}
	return p.showGrant(cl.UpdateChatbotKey(ctx, c.ID, c.KeyID, in))
}

type chatbotsRevokeCmd struct {
	grantArgs `embed:""`
}

// Help shows examples.
func (chatbotsRevokeCmd) Help() string {
	return `The next request with the key is refused. The end of a grant never opens a chatbot to callers without a key.

Examples:

	tollgate chatbots revoke bot_0192… key_0192…`
}

// Run revokes the grant.
func (c *chatbotsRevokeCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := cl.DeleteChatbotKey(ctx, c.ID, c.KeyID); err != nil {
		return err
	}
	return p.print(map[string]string{"revoked": c.KeyID}, func() { p.printf("%s no longer opens %s.\n", c.KeyID, c.ID) })
}
