package main

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// keysCmd is the noun: one field per verb.
type keysCmd struct {
	remote     `embed:""`
	Create     keysCreateCmd     `cmd:"" help:"Make a key and print it, once."`
	List       keysListCmd       `cmd:"" help:"List keys, newest first."`
	Get        keysGetCmd        `cmd:"" help:"Show one key."`
	Update     keysUpdateCmd     `cmd:"" help:"Change fields of a key; what is not named stays."`
	Activate   keysActivateCmd   `cmd:"" help:"Make a disabled key work again."`
	Deactivate keysDeactivateCmd `cmd:"" help:"Disable a key until it is activated."`
	Revoke     keysRevokeCmd     `cmd:"" help:"End a key for good; it stays visible."`
	Regenerate keysRegenerateCmd `cmd:"" help:"Give a key another secret and print it, once."`
	Reveal     keysRevealCmd     `cmd:"" help:"Show the secret of a key again, where the organization keeps it."`
	Extend     keysExtendCmd     `cmd:"" help:"Move a key's expiry."`
	Delete     keysDeleteCmd     `cmd:"" help:"Delete a key for good; its usage stays in the ledger."`
	Cleanup    keysCleanupCmd    `cmd:"" help:"Delete or disable the keys that have expired."`
	Usage      keysUsageCmd      `cmd:"" help:"Show what a key used: ever, today, this hour."`
	Stats      keysStatsCmd      `cmd:"" help:"Show what a key used, day by day."`
	Balance    keysBalanceCmd    `cmd:"" help:"Show or change a key's prepaid balance."`
	Ledger     keysLedgerCmd     `cmd:"" help:"List what happened to a key's balance, newest first."`
}

// keyID is the argument of every verb about one key.
type keyID struct {
	ID string `arg:"" help:"Id of the key (key_…)."`
}

type keysCreateCmd struct {
	Quiet          bool   `short:"q" help:"Print only the key, for scripts."`
	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, no second key is made."`
	keyFlags       `embed:""`
}

// Help shows examples.
func (keysCreateCmd) Help() string {
	return `Where a flag is left out the key gets 60 requests a minute, 3,600 an hour and 86,400 a day, and no other limit.

Examples:

	tollgate keys create --name ci --budget-usd 5 --budget-type monthly
	tollgate keys create --name web --allowed-models 'gpt-4o*' --allowed-ips 203.0.113.0/24 --expires-in 90d
	KEY=$(tollgate keys create --name script --budget-usd 1 --quiet)`
}

// Run makes the key.
func (c *keysCreateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input(time.Now())
	if err != nil {
		return err
	}
	if _, ok := in.Name.Get(); !ok {
		return misuse("a key needs a name: --name TEXT")
	}
	made, err := cl.CreateKey(ctx, in, idempotent(c.IdempotencyKey)...)
	if err != nil {
		return err
	}
	if made.SecretKey == "" {
		return p.madeBefore(made, c.Quiet)
	}
	if c.Quiet {
		p.printf("%s\n", made.SecretKey)
		return nil
	}
	return p.print(made, func() {
		p.printf("Made key %s (%s).\n\n  %s\n\n", plain(made.APIKey.Name), made.APIKey.ID, made.SecretKey)
		p.printf("Copy it now: it is not shown again, only its hash is kept.\n\n")
		p.key(made.APIKey)
	})
}

// madeBefore tells of a key whose secret was in an earlier answer.
func (p *printer) madeBefore(made api.KeyCreated, quiet bool) error {
	if quiet {
		return fmt.Errorf("key %s was made before with this idempotency key, and its secret is not shown again; tollgate keys regenerate gives it another", made.APIKey.ID)
	}
	return p.print(made, func() {
		p.printf("Key %s (%s) was made before with this idempotency key; its secret is not shown again.\n\n", plain(made.APIKey.Name), made.APIKey.ID)
		p.key(made.APIKey)
	})
}

type keysListCmd struct {
	Page     int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size     int    `default:"50" placeholder:"N" help:"Keys on a page, 1 to 100."`
	After    string `placeholder:"ID" help:"What follows the key with this id, instead of a page."`
	Search   string `placeholder:"TEXT" help:"Only keys with this text in name or description."`
	UserID   string `name:"user-id" placeholder:"ID" help:"Only keys of this owner."`
	Kind     string `enum:",user,standalone,chatbot,service" default:"" placeholder:"KIND" help:"Only keys of this kind: user, standalone, chatbot or service."`
	Status   string `enum:",active,disabled,revoked,expired" default:"" placeholder:"WORD" help:"Only keys with this status now: active, disabled, revoked or expired."`
	Tag      string `placeholder:"WORD" help:"Only keys with this tag."`
	Active   bool   `xor:"active" help:"Only active keys."`
	Inactive bool   `xor:"active" help:"Only disabled or revoked keys."`
}

// Help shows examples.
func (keysListCmd) Help() string {
	return `Examples:

	tollgate keys list --search ci
	tollgate keys list --status expired --kind user
	tollgate keys list --inactive --json`
}

// Run lists the keys.
func (c *keysListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	q := client.KeyQuery{Page: c.Page, Size: c.Size, Search: c.Search, UserID: c.UserID, After: c.After, Kind: c.Kind, Status: c.Status, Tag: c.Tag}
	if c.Active || c.Inactive {
		q.IsActive = &c.Active
	}
	keys, err := cl.Keys(ctx, q)
	if err != nil {
		return err
	}
	return p.print(keys, func() { p.keys(keys) })
}

type keysGetCmd struct {
	keyID `embed:""`
}

// Run shows the key.
func (c *keysGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showKey(cl.Key(ctx, c.ID))
}

type keysUpdateCmd struct {
	keyID     `embed:""`
	fileFlag  `embed:""`
	IfVersion int64 `placeholder:"N" help:"Only if the key still has this version."`
	listFlags `embed:""`
	keyFlags  `embed:""`
}

// Help shows examples.
func (keysUpdateCmd) Help() string {
	return `Changes are in force at once.

Examples:

	tollgate keys update key_0192… --budget-usd 20
	tollgate keys update key_0192… --allowed-models none --rate-limit-per-minute 10
	tollgate keys update key_0192… --add tags=ci --remove allowed_models=gpt-4o
	tollgate keys get key_0192… --json > key.json, and once it is edited: tollgate keys update key_0192… --file key.json`
}

// Run changes the key.
func (c *keysUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input(time.Now())
	if err != nil {
		return err
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero() || c.listFlags.given(), "--budget-usd 20")
	if err != nil {
		return err
	}
	if c.listFlags.given() {
		return p.showKey(c.update(ctx, cl, in))
	}
	if !byFile {
		return p.showKey(cl.UpdateKey(ctx, c.ID, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showKey(cl.ReplaceKey(ctx, c.ID, body, ifVersion(c.IfVersion)...))
}

type keysActivateCmd struct {
	keyID `embed:""`
}

// Run activates the key.
func (c *keysActivateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showKey(cl.ActivateKey(ctx, c.ID))
}

type keysDeactivateCmd struct {
	keyID `embed:""`
}

// Run disables the key.
func (c *keysDeactivateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showKey(cl.DeactivateKey(ctx, c.ID))
}

type keysUsageCmd struct {
	keyID `embed:""`
}

// Run shows the sums.
func (c *keysUsageCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	u, err := cl.KeyUsage(ctx, c.ID)
	if err != nil {
		return err
	}
	return p.print(u, func() {
		row := func(name string, s api.UsageSum) []string {
			return []string{name, count(s.Requests), count(s.Tokens), s.CostUSD}
		}
		p.table([][]string{
			{"", "REQUESTS", "TOKENS", "COST (USD)"},
			row("total", u.Totals), row("today", u.Today), row("this hour", u.ThisHour),
		})
		p.printf("last used %s\n", instant(u.LastUsedAt))
	})
}
