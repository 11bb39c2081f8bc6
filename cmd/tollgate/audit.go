package main

import (
	"context"
	"time"

	"tollgate/client"
)

// auditCmd is the noun: one field per verb.
type auditCmd struct {
	remote `embed:""`
	List   auditListCmd   `cmd:"" help:"List what was done and refused, newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Find every event that was changed, taken out or put elsewhere."`
	Export auditExportCmd `cmd:"" help:"Print everything that matches as JSON Lines."`
}

// auditFilter narrows the audit.
type auditFilter struct {
	ActorID      string    `name:"actor-id" placeholder:"ID" help:"Only of this management key, or of those that act for this user."`
	Action       string    `placeholder:"WORD" help:"Like api_key.update, or api_key.* for all that begin so."`
	ResourceType string    `placeholder:"WORD" help:"Like api_key."`
	ResourceID   string    `name:"resource-id" placeholder:"ID" help:"Only about this one."`
	Outcome      string    `enum:",done,refused,replayed" default:"" placeholder:"WORD" help:"Only with this outcome: done, refused or replayed."`
	From         time.Time `placeholder:"TIME" help:"At or after this time, RFC 3339."`
	To           time.Time `placeholder:"TIME" help:"Before this time."`
}

func (f auditFilter) query() client.AuditQuery {
	return client.AuditQuery{
		ActorID: f.ActorID, Action: f.Action, ResourceType: f.ResourceType, ResourceID: f.ResourceID,
		Outcome: f.Outcome, From: f.From, To: f.To,
	}
}

type auditListCmd struct {
	auditFilter `embed:""`
	Before      int64 `placeholder:"N" help:"Only events before this one, by its number."`
	Size        int   `default:"50" placeholder:"N" help:"Events, 1 to 1000."`
}

// Help shows examples.
func (auditListCmd) Help() string {
	return `Examples:

	tollgate audit list --resource-id key_0192…
	tollgate audit list --outcome refused --from 2026-11-01T00:00:00Z`
}

// Run lists the events.
func (c *auditListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(1, c.Size, 1000); err != nil {
		return err
	}
	if c.Before < 0 {
		return misuse("--before: %d is no event; they count from 1", c.Before)
	}
	q := c.query()
	q.Before, q.Size = c.Before, c.Size
	list, err := cl.Audit(ctx, q)
	if err != nil {
		return err
	}
	return p.print(list, func() {
		rows := [][]string{{"NUMBER", "AT", "ACTOR", "ACTION", "RESOURCE", "NAME", "OUTCOME"}}
		for _, e := range list.AuditEvents {
			outcome := e.Outcome
			if e.Code != nil {
				outcome += ": " + plain(*e.Code)
			}
			rows = append(rows, []string{
				count(e.Sequence), instant(&e.At), plain(e.ActorID), plain(e.Action), textOf(e.ResourceID), textOf(e.ResourceName), outcome,
			})
		}
		p.table(rows)
	})
}

type auditVerifyCmd struct {
	Head string `placeholder:"NUMBER:HASH" help:"A head that an earlier run printed, from where it was kept: what was cut off or written anew since then is found."`
}

// Help shows examples.
func (auditVerifyCmd) Help() string {
	return `Ends with 1 when the audit is not as it was written.

Who can write the database can also cut off the end of the audit, or write all of it anew, so that it
looks whole. Keep the printed head where they cannot write, and give it to a later run.

Examples:

	tollgate audit verify
	tollgate audit verify --head 1017:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752f`
}

// Run has the server read the whole audit.
func (c *auditVerifyCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	v, err := cl.VerifyAudit(ctx, c.Head)
	if err != nil {
		return err
	}
	err = p.print(v, func() {
		for _, b := range v.Broken {
			p.printf("event %d: %s\n", b.Sequence, plain(b.Problem))
		}
		if len(v.Broken) == 0 {
			p.printf("The audit is whole: %s. Its head, to be kept elsewhere:\n%s\n", counted(v.Events, "event"), client.KeptHead(v))
		}
	})
	if err == nil && len(v.Broken) > 0 {
		return errSilent
	}
	return err
}

type auditExportCmd struct {
	auditFilter `embed:""`
}

// Help shows examples.
func (auditExportCmd) Help() string {
	return `Examples:

	tollgate audit export > audit.jsonl
	tollgate audit export --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z > november.jsonl`
}

// Run prints the events.
func (c *auditExportCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return cl.AuditExport(ctx, c.query(), p.stdout)
}

// textOf is text that may be null.
func textOf(s *string) string {
	if s == nil {
		return never
	}
	return plain(*s)
}
