package main

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// keysStatsCmd shows what a key used, day by day.
type keysStatsCmd struct {
	keyID `embed:""`
	Start time.Time `placeholder:"TIME" help:"From this time on, RFC 3339; 30 days ago if left out."`
	End   time.Time `placeholder:"TIME" help:"Before this time; now if left out."`
}

// Run shows the days.
func (c *keysStatsCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	s, err := cl.KeyStats(ctx, c.ID, c.Start, c.End)
	if err != nil {
		return err
	}
	return p.print(s, func() {
		cells := [][]string{append([]string{"DATE"}, statsHead()...)}
		for _, d := range s.Days {
			cells = append(cells, append([]string{d.Date}, statsCells(d.UsageStats)...))
		}
		p.table(append(cells, append([]string{"total"}, statsCells(s.Totals)...)))
		p.printf("days of %s\n", s.Timezone)
	})
}

// keysBalanceCmd shows the balance of a key, or changes it.
type keysBalanceCmd struct {
	keyID          `embed:""`
	Grant          string `xor:"change" placeholder:"USD" help:"Put money in."`
	Refund         string `xor:"change" placeholder:"USD" help:"Give money back."`
	Deduct         string `xor:"change" placeholder:"USD" help:"Take money out; not what requests in flight hold."`
	Adjust         string `xor:"change" placeholder:"USD" help:"Correct by so much, either way: --adjust=-0.50"`
	Open           string `xor:"change" placeholder:"USD" help:"Give a balance to a key that has none, and so is not limited by one."`
	Reason         string `placeholder:"TEXT" help:"Why; it stays in the ledger."`
	IdempotencyKey string `placeholder:"TEXT" help:"Sent again with the same text, the change is not made again."`
}

// Help shows examples.
func (keysBalanceCmd) Help() string {
	return `Examples:

	tollgate keys balance key_0192…
	tollgate keys balance key_0192… --grant 25 --reason 'invoice 1017' --idempotency-key invoice-1017
	tollgate keys balance key_0192… --deduct 3.50`
}

// Run changes the balance, if that was asked for, and shows it.
func (c *keysBalanceCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	k, err := c.change(ctx, cl)
	if err != nil {
		return err
	}
	return p.print(k.Balance, func() {
		if k.Balance == nil {
			p.printf("Key %s has no balance; what it may spend is not limited by one.\n", k.ID)
			return
		}
		b := k.Balance
		p.table([][]string{{"GRANTED (USD)", "SPENT", "HELD", "AVAILABLE"}, {b.GrantedUSD, b.SpentUSD, b.HeldUSD, b.AvailableUSD}})
	})
}

func (c *keysBalanceCmd) change(ctx context.Context, cl *client.Client) (api.Key, error) {
	for _, change := range []api.BalanceChange{
		{Type: "grant", AmountUSD: c.Grant},
		{Type: "refund", AmountUSD: c.Refund},
		{Type: "deduct", AmountUSD: c.Deduct},
		{Type: "adjust", AmountUSD: c.Adjust},
		{Type: "open", AmountUSD: c.Open},
	} {
		if change.AmountUSD == "" {
			continue
		}
		change.Reason = c.Reason
		return cl.ChangeBalance(ctx, c.ID, change, idempotent(c.IdempotencyKey)...)
	}
	if c.Reason != "" || c.IdempotencyKey != "" {
		return api.Key{}, misuse("nothing to change: say what, such as --grant 25")
	}
	return cl.Key(ctx, c.ID)
}

// keysLedgerCmd shows the statement of a key's balance.
type keysLedgerCmd struct {
	keyID `embed:""`
	From  time.Time `placeholder:"TIME" help:"At or after this time, RFC 3339."`
	To    time.Time `placeholder:"TIME" help:"Before this time."`
	Page  int       `default:"1" placeholder:"N" help:"Page, from 1."`
	Size  int       `default:"50" placeholder:"N" help:"Lines on a page, 1 to 1000."`
	After string    `placeholder:"ID" help:"What follows the line with this id, instead of a page."`
}

// Help shows examples.
func (keysLedgerCmd) Help() string {
	return `Examples:

	tollgate keys ledger key_0192…
	tollgate keys ledger key_0192… --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --json`
}

// Run shows the lines.
func (c *keysLedgerCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 1000); err != nil {
		return err
	}
	st, err := cl.KeyLedger(ctx, c.ID, client.LedgerQuery{From: c.From, To: c.To, PageQuery: client.PageQuery{Page: c.Page, Size: c.Size, After: c.After}})
	if err != nil {
		return err
	}
	return p.print(st, func() {
		cells := [][]string{{"AT", "TYPE", "AMOUNT (USD)", "BALANCE", "REQUESTS", "REASON"}}
		for _, l := range st.Ledger {
			requests := never
			if l.Requests != nil {
				requests = count(*l.Requests)
			}
			cells = append(cells, []string{instant(&l.At), l.Type, l.AmountUSD, l.BalanceUSD, requests, plain(l.Reason)})
		}
		p.table(cells)
		p.page("lines", len(st.Ledger), st.Total, st.Page)
	})
}
