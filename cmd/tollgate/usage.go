package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// usageCmd lists entries of the ledger, or sums of them.
type usageCmd struct {
	remote       `embed:""`
	KeyID        string    `name:"key-id" placeholder:"ID" help:"Only this key's."`
	UserID       string    `name:"user-id" placeholder:"ID" help:"Only this owner's."`
	ChatbotID    string    `name:"chatbot-id" placeholder:"ID" help:"Only through this chatbot."`
	CredentialID string    `name:"credential-id" placeholder:"ID" help:"Only paid for with this provider credential."`
	Provider     string    `placeholder:"SLUG" help:"Only of this provider."`
	Model        string    `placeholder:"NAME" help:"Only of this model, as it was sent."`
	Outcome      string    `enum:",settled,estimated,unconfirmed,failed,corrected" default:"" placeholder:"WORD" help:"Only with this outcome: settled, estimated, unconfirmed, failed or corrected."`
	From         time.Time `placeholder:"TIME" help:"Admitted at or after this time, RFC 3339."`
	To           time.Time `placeholder:"TIME" help:"Admitted before this time."`
	GroupBy      []string  `enum:"day,key,user,provider,model,chatbot,credential" placeholder:"WORD,…" help:"Sums by day, key, user, provider, model, chatbot or credential, or several of them, instead of requests."`
	CSV          bool      `name:"csv" help:"Print CSV: everything that matches, unless --size is given."`
	After        string    `placeholder:"ID" help:"What follows the request with this id, instead of a page."`
	Page         int       `default:"1" placeholder:"N" help:"Page, from 1."`
	Size         *int      `placeholder:"N" help:"Rows on a page, 1 to 1000; 50 if left out."`
}

// Help shows examples.
func (usageCmd) Help() string {
	return `Examples:

	tollgate usage --key-id key_0192…
	tollgate usage --chatbot-id bot_0192… --group-by key
	tollgate usage --group-by day,model --from 2026-11-01T00:00:00Z
	tollgate usage --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --csv > november.csv`
}

// checkPage refuses a page that no server has.
func checkPage(page, size, most int) error {
	if page < 1 {
		return misuse("--page: %d is not a page; pages count from 1", page)
	}
	if size < 1 || size > most {
		return misuse("--size: %d is not from 1 to %d", size, most)
	}
	return nil
}

// Run lists the entries.
func (c *usageCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	size := 50
	if c.Size != nil {
		size = *c.Size
	}
	if err := checkPage(c.Page, size, 1000); err != nil {
		return err
	}
	q := client.UsageQuery{
		KeyID: c.KeyID, UserID: c.UserID, ChatbotID: c.ChatbotID, CredentialID: c.CredentialID, Provider: c.Provider, Model: c.Model, Outcome: c.Outcome,
		From: c.From, To: c.To, GroupBy: c.GroupBy, After: c.After, Page: c.Page, Size: size,
	}
	if c.CSV {
		if p.json {
			return misuse("--csv and --json are two forms of one answer: choose one")
		}
		if c.Size == nil {
			q.Page, q.Size = 0, 0 // everything
		}
		return cl.UsageCSV(ctx, q, p.stdout)
	}
	rows, err := cl.Usage(ctx, q)
	if err != nil {
		return err
	}
	return p.print(rows, func() {
		switch {
		case rows.Total == 0:
			p.printf("Nothing was used.\n")
		case len(c.GroupBy) > 0:
			p.groups(rows)
		default:
			p.requests(rows)
		}
	})
}

func (p *printer) requests(rows api.UsageList) {
	cells := [][]string{{"AT", "KEY", "PROVIDER/MODEL", "STATUS", "OUTCOME", "INPUT", "OUTPUT (TOKENS)", "COST (USD)", "TIME (MS)"}}
	for _, r := range rows.Usage {
		cells = append(cells, []string{
			instant(&r.At), plain(r.KeyName), plain(r.Provider + "/" + r.Model), strconv.Itoa(r.Status), r.Outcome,
			count(r.InputTokens + r.CacheReadTokens + r.CacheWriteTokens), count(r.OutputTokens), r.CostUSD, count(r.DurationMS),
		})
	}
	p.table(cells)
	p.page("requests", len(rows.Usage), rows.Total, rows.Page)
}

// groups prints sums: first what they are grouped by, whatever that is.
func (p *printer) groups(rows api.UsageList) {
	var cells [][]string
	for i, g := range rows.Series {
		var head, line []string
		for _, c := range []struct {
			name  string
			value *string
		}{
			{"date", g.Date},
			{"key", g.KeyID},
			{"name", g.KeyName},
			{"user", g.UserID},
			{"provider", g.Provider},
			{"model", g.Model},
			{"chatbot", g.ChatbotID},
			{"credential", g.CredentialID},
		} {
			if c.value != nil {
				head, line = append(head, strings.ToUpper(c.name)), append(line, plain(*c.value))
			}
		}
		if i == 0 {
			cells = append(cells, append(head, statsHead()...))
		}
		cells = append(cells, append(line, statsCells(g.UsageStats)...))
	}
	p.table(cells)
	p.page("groups", len(rows.Series), rows.Total, rows.Page)
	if t := rows.Totals; t != nil {
		p.printf("%s, %s tokens, $%s in all\n", counted(t.Requests, "request"), count(t.Tokens), t.CostUSD)
	}
}

func statsHead() []string {
	return []string{"REQUESTS", "FAILED", "INPUT", "OUTPUT (TOKENS)", "COST (USD)", "AVERAGE (MS)"}
}

func statsCells(s api.UsageStats) []string {
	return []string{count(s.Requests), count(s.Failed), count(s.InputTokens), count(s.OutputTokens), s.CostUSD, count(s.AverageResponseMS)}
}
