package main

import (
	"context"
	"strconv"
	"time"

	"tollgate/client"
)

// usageCmd lists entries of the ledger.
type usageCmd struct {
	remote `embed:""`
	KeyID  string    `name:"key-id" placeholder:"ID" help:"Only this key's."`
	From   time.Time `placeholder:"TIME" help:"Admitted at or after this time, RFC 3339."`
	To     time.Time `placeholder:"TIME" help:"Admitted before this time."`
	Page   int       `default:"1" placeholder:"N" help:"Page, from 1."`
	Size   int       `default:"50" placeholder:"N" help:"Rows on a page, 1 to 1000."`
}

// Help shows examples.
func (usageCmd) Help() string {
	return `Examples:

	tollgate usage --key-id key_0192…
	tollgate usage --from 2026-11-01T00:00:00Z --json`
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
	if err := checkPage(c.Page, c.Size, 1000); err != nil {
		return err
	}
	rows, err := cl.Usage(ctx, client.UsageQuery{KeyID: c.KeyID, From: c.From, To: c.To, Page: c.Page, Size: c.Size})
	if err != nil {
		return err
	}
	return p.print(rows, func() {
		if rows.Total == 0 {
			p.printf("Nothing was used.\n")
			return
		}
		cells := [][]string{{"AT", "KEY", "PROVIDER/MODEL", "STATUS", "OUTCOME", "INPUT", "OUTPUT (TOKENS)", "COST (USD)", "TIME (MS)"}}
		for _, r := range rows.Usage {
			cells = append(cells, []string{
				instant(&r.At), plain(r.KeyName), plain(r.Provider + "/" + r.Model), strconv.Itoa(r.Status), r.Outcome,
				count(r.InputTokens + r.CacheReadTokens + r.CacheWriteTokens), count(r.OutputTokens), r.CostUSD, count(r.DurationMS),
			})
		}
		p.table(cells)
		p.page("requests", len(rows.Usage), rows.Total, rows.Page)
	})
}
