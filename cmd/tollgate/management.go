package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// managementCmd is the noun: one field per verb.
type managementCmd struct {
	remote `embed:""`
	Create managementCreateCmd `cmd:"" help:"Make a management key and print it, once."`
	List   managementListCmd   `cmd:"" help:"List management keys, newest first."`
	Get    managementGetCmd    `cmd:"" help:"Show one management key."`
	Update managementUpdateCmd `cmd:"" help:"Change fields of a management key; what is not named stays."`
	Revoke managementRevokeCmd `cmd:"" help:"End a management key for good; it stays visible."`
	Delete managementDeleteCmd `cmd:"" help:"Delete a management key for good; the audit still names it."`
}

type managementID struct {
	ID string `arg:"" help:"Id of the management key (mk_…)."`
}

type managementCreateCmd struct {
	Name        string                  `required:"" placeholder:"TEXT" help:"Name, 1 to 100 characters."`
	Permissions api.Optional[[]string]  `required:"" placeholder:"A,B" help:"Patterns like platform:api-keys:*; ! in front denies. No more than you hold yourself."`
	UserID      api.Optional[string]    `name:"user-id" type:"text" placeholder:"ID" help:"Acts for this user, and within that user's role; without it, for your own."`
	ExpiresAt   api.Optional[time.Time] `placeholder:"TIME" xor:"expiry" help:"Stops working then, RFC 3339."`
	ExpiresIn   dayOrDuration           `placeholder:"TIME" xor:"expiry" help:"Stops working after this long: 90d, 12h, 30m."`
	Quiet       bool                    `short:"q" help:"Print only the key, for scripts."`

	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, no second key is made."`
}

// Help shows examples.
func (managementCreateCmd) Help() string {
	return `Examples:

	tollgate management-keys create --name deploy --permissions platform:api-keys:create-any,platform:api-keys:read --expires-in 90d
	tollgate management-keys create --name reader --permissions 'platform:*:read'`
}

// Run makes the management key.
func (c *managementCreateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in := api.ManagementKeyInput{Name: api.Set(c.Name), Permissions: c.Permissions, UserID: c.UserID, ExpiresAt: c.ExpiresAt}
	if c.ExpiresIn > 0 {
		in.ExpiresAt = api.Set(time.Now().Add(time.Duration(c.ExpiresIn)).UTC().Truncate(time.Second))
	}
	made, err := cl.CreateManagementKey(ctx, in, idempotent(c.IdempotencyKey)...)
	if err != nil {
		return err
	}
	if made.SecretKey == "" {
		return fmt.Errorf("management key %s was made before with this idempotency key, and its secret is not shown again", made.ManagementKey.ID)
	}
	if c.Quiet {
		p.printf("%s\n", made.SecretKey)
		return nil
	}
	return p.print(made, func() {
		p.printf("Made management key %s (%s).\n\n  %s\n\n", plain(made.ManagementKey.Name), made.ManagementKey.ID, made.SecretKey)
		p.printf("Copy it now: it is not shown again, only its hash is kept.\n\n")
		p.managementKey(made.ManagementKey)
	})
}

type managementListCmd struct {
	Page   int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size   int    `default:"50" placeholder:"N" help:"Keys on a page, 1 to 100."`
	After  string `placeholder:"ID" help:"What follows the one with this id, instead of a page."`
	UserID string `name:"user-id" placeholder:"ID" help:"Only those that act for this user."`
}

// Help shows examples.
func (managementListCmd) Help() string {
	return `Examples:

	tollgate management-keys list --json`
}

// Run lists the management keys.
func (c *managementListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	list, err := cl.ManagementKeys(ctx, client.ManagementQuery{Page: c.Page, Size: c.Size, After: c.After, UserID: c.UserID})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"ID", "NAME", "BEGINS WITH", "STATUS", "USER", "EXPIRES", "PERMISSIONS"}}
		for _, m := range list.ManagementKeys {
			rows = append(rows, []string{
				m.ID, plain(m.Name), plain(m.KeyPrefix), m.Status, userOf(m), instant(m.ExpiresAt), plain(strings.Join(m.Permissions, ",")),
			})
		}
		p.table(rows)
		p.page("management keys", len(list.ManagementKeys), list.Total, list.Page)
	})
}

type managementGetCmd struct {
	managementID `embed:""`
}

// Run shows the management key.
func (c *managementGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showManagementKey(cl.ManagementKey(ctx, c.ID))
}

type managementUpdateCmd struct {
	managementID `embed:""`
	fileFlag     `embed:""`
	IfVersion    int64                   `placeholder:"N" help:"Only if the management key still has this version."`
	Name         api.Optional[string]    `type:"text" placeholder:"TEXT" help:"Name, 1 to 100 characters."`
	Permissions  api.Optional[[]string]  `placeholder:"A,B" help:"Patterns like platform:api-keys:*; ! in front denies. No more than you hold yourself."`
	ExpiresAt    api.Optional[time.Time] `placeholder:"TIME" xor:"expiry" help:"Stops working then, RFC 3339; none = never."`
	ExpiresIn    dayOrDuration           `placeholder:"TIME" xor:"expiry" help:"Stops working after this long: 90d, 12h, 30m."`
	IsActive     api.Optional[bool]      `placeholder:"true|false" help:"false makes the key disabled."`
}

// Help shows examples.
func (managementUpdateCmd) Help() string {
	return `Changes are in force at once. The root key cannot be changed here.

Examples:

	tollgate management-keys update mk_0192… --permissions platform:api-keys:read
	tollgate management-keys update mk_0192… --is-active false`
}

// Run changes the management key.
func (c *managementUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in := api.ManagementKeyInput{Name: c.Name, Permissions: c.Permissions, ExpiresAt: c.ExpiresAt, IsActive: c.IsActive}
	if c.ExpiresIn > 0 {
		in.ExpiresAt = api.Set(time.Now().Add(time.Duration(c.ExpiresIn)).UTC().Truncate(time.Second))
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero(), "--is-active false")
	if err != nil {
		return err
	}
	if !byFile {
		return p.showManagementKey(cl.UpdateManagementKey(ctx, c.ID, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showManagementKey(cl.ReplaceManagementKey(ctx, c.ID, body, ifVersion(c.IfVersion)...))
}

type managementRevokeCmd struct {
	managementID `embed:""`
}

// Run revokes the management key.
func (c *managementRevokeCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showManagementKey(cl.RevokeManagementKey(ctx, c.ID))
}

type managementDeleteCmd struct {
	managementID `embed:""`
}

// Run deletes the management key.
func (c *managementDeleteCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := cl.DeleteManagementKey(ctx, c.ID); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.ID}, func() { p.printf("Deleted %s.\n", c.ID) })
}

func (p *printer) showManagementKey(m api.ManagementKey, err error) error {
	if err != nil {
		return err
	}
	return p.print(m, func() { p.managementKey(m) })
}

func (p *printer) managementKey(m api.ManagementKey) {
	p.table([][]string{
		{"id", m.ID},
		{"name", plain(m.Name)},
		{"begins with", plain(m.KeyPrefix)},
		{"status", m.Status},
		{"user", userOf(m)},
		{"permissions", plain(strings.Join(m.Permissions, ","))},
		{"expires", instant(m.ExpiresAt)},
		{"created", instant(&m.CreatedAt)},
		{"version", count(m.Version)},
	})
}

func userOf(m api.ManagementKey) string {
	if m.UserID == nil {
		return never
	}
	return plain(*m.UserID)
}
