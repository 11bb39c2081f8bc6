package main

import (
	"context"
	"reflect"

	"tollgate/api"
	"tollgate/client"
)

// usersCmd is the noun: one field per verb.
type usersCmd struct {
	remote `embed:""`
	Create usersCreateCmd `cmd:"" help:"Make a user."`
	List   usersListCmd   `cmd:"" help:"List users, newest first."`
	Get    usersGetCmd    `cmd:"" help:"Show one user."`
	Update usersUpdateCmd `cmd:"" help:"Change fields of a user; what is not named stays."`
	Delete usersDeleteCmd `cmd:"" help:"Delete a user, and with them their keys."`
}

type userID struct {
	ID string `arg:"" help:"Id of the user (user_…)."`
}

// userFlags is every settable field of a user.
type userFlags struct {
	Email      api.Optional[string] `type:"text" placeholder:"ADDRESS" help:"Email address; unique in the organization."`
	Name       api.Optional[string] `type:"text" placeholder:"TEXT" help:"Name, at most 100 characters."`
	Role       api.Optional[string] `placeholder:"NAME" help:"What the user may do: owner, admin, auditor, developer or user."`
	IsActive   api.Optional[bool]   `placeholder:"true|false" help:"false stops all of the user's keys."`
	limitFlags `embed:""`
}

func (f userFlags) input() (api.UserInput, error) {
	limits, err := f.limitFlags.input()
	return api.UserInput{Email: f.Email, Name: f.Name, Role: f.Role, IsActive: f.IsActive, LimitsInput: limits}, err
}

type usersCreateCmd struct {
	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, no second user is made."`
	userFlags      `embed:""`
}

// Help shows examples.
func (usersCreateCmd) Help() string {
	return `A user's limits apply to all of their keys together.

Examples:

	tollgate users create --email ada@example.com
	tollgate users create --email grace@example.com --name Grace --role developer --budget-usd 50 --budget-type monthly`
}

// Run makes the user.
func (c *usersCreateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	if _, ok := in.Email.Get(); !ok {
		return misuse("a user needs an address: --email ADDRESS")
	}
	return p.showUser(cl.CreateUser(ctx, in, idempotent(c.IdempotencyKey)...))
}

type usersListCmd struct {
	Page   int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size   int    `default:"50" placeholder:"N" help:"Users on a page, 1 to 100."`
	After  string `placeholder:"ID" help:"What follows the user with this id, instead of a page."`
	Search string `placeholder:"TEXT" help:"Only users with this text in name or email."`
	Status string `enum:",active,disabled" default:"" placeholder:"WORD" help:"Only users with this status: active or disabled."`
}

// Help shows examples.
func (usersListCmd) Help() string {
	return `Examples:

	tollgate users list --search example.com
	tollgate users list --status disabled --json`
}

// Run lists the users.
func (c *usersListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	list, err := cl.Users(ctx, client.UserQuery{Page: c.Page, Size: c.Size, After: c.After, Search: c.Search, Status: c.Status})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		if list.Total == 0 {
			p.printf("No users. tollgate users create --email ADDRESS makes one.\n")
			return
		}
		rows := [][]string{{"ID", "EMAIL", "NAME", "ROLE", "STATUS", "BUDGET"}}
		for _, u := range list.Users {
			rows = append(rows, []string{u.ID, plain(u.Email), plain(u.Name), u.Role, u.Status, budget(u.Limits)})
		}
		p.table(rows)
		p.page("users", len(list.Users), list.Total, list.Page)
	})
}

type usersGetCmd struct {
	userID `embed:""`
}

// Run shows the user.
func (c *usersGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showUser(cl.User(ctx, c.ID))
}

type usersUpdateCmd struct {
	userID    `embed:""`
	fileFlag  `embed:""`
	IfVersion int64 `placeholder:"N" help:"Only if the user still has this version."`
	userFlags `embed:""`
}

// Help shows examples.
func (usersUpdateCmd) Help() string {
	return `Changes are in force at once.

Examples:

	tollgate users update user_0192… --role auditor
	tollgate users update user_0192… --is-active false
	tollgate users get user_0192… --json > user.json, and once it is edited: tollgate users update user_0192… --file user.json`
}

// Run changes the user.
func (c *usersUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero(), "--role auditor")
	if err != nil {
		return err
	}
	if !byFile {
		return p.showUser(cl.UpdateUser(ctx, c.ID, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showUser(cl.ReplaceUser(ctx, c.ID, body, ifVersion(c.IfVersion)...))
}

type usersDeleteCmd struct {
	userID    `embed:""`
	IfVersion int64 `placeholder:"N" help:"Only if the user still has this version."`
}

// Help shows examples.
func (usersDeleteCmd) Help() string {
	return `Their keys and management keys end at once. Usage and audit go on naming them.

Examples:

	tollgate users delete user_0192…`
}

// Run deletes the user.
func (c *usersDeleteCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := cl.DeleteUser(ctx, c.ID, ifVersion(c.IfVersion)...); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.ID}, func() { p.printf("Deleted %s.\n", c.ID) })
}

func (p *printer) showUser(u api.User, err error) error {
	if err != nil {
		return err
	}
	return p.print(u, func() {
		p.table(append([][]string{
			{"id", u.ID},
			{"email", plain(u.Email)},
			{"name", plain(u.Name)},
			{"role", u.Role},
			{"status", u.Status},
		}, append(limitRows(u.Limits),
			[]string{"created", instant(&u.CreatedAt)},
			[]string{"changed", instant(&u.UpdatedAt)},
			[]string{"version", count(u.Version)})...))
	})
}
