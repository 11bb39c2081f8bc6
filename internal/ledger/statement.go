package ledger

import (
	"context"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// Statement is what happened to a balance in a span of time. What is held by
// requests in flight has not happened yet.
type Statement struct {
	Opening money.NanoUSD // before the first line
	Closing money.NanoUSD // after the last one
	Lines   []Line        // oldest first
}

// Line is one change of a balance, or what the requests of one day cost: that is
// one line at the end of the day, with the kind Charge and no id.
type Line struct {
	BalanceEntry
	Requests int64         // of a Charge
	Running  money.NanoUSD // the line before it, and its Amount
}

// Statement lists what happened to the balance of a key at [from, to); a zero
// time is open. Days are those of loc (nil = UTC). Kind: unlimited_balance for a
// key without a balance.
func (l *Ledger) Statement(ctx context.Context, key string, from, to time.Time, loc *time.Location) (Statement, error) {
	if loc == nil {
		loc = time.UTC
	}
	account, ok, err := l.account(ctx, key)
	switch {
	case err != nil:
		return Statement{}, err
	case !ok:
		return Statement{}, fault.New(fault.UnlimitedBalance, "This key has no balance, and so no statement.")
	}
	posts, err := l.accounts.Posts(ctx, key)
	if err != nil {
		return Statement{}, unavailable(err)
	}
	spent, err := l.Series(ctx, Filter{KeyID: key}, []Dimension{ByDay}, loc)
	if err != nil {
		return Statement{}, err
	}
	return cut(merge(posts, charges(spent, &account, loc)), from, to), nil
}

// charges are the lines of what was spent by day. What was spent on the day on
// which the balance was opened, and before, is known only together with what is
// not taken from it.
func charges(spent []Group, account *Account, loc *time.Location) []Line {
	now := time.Now().UTC().Truncate(time.Millisecond)
	opened := account.OpenedAt.In(loc).Format(dayFormat)
	first := Line{BalanceEntry: BalanceEntry{Kind: Charge, Amount: account.SpentBefore}}
	var out []Line
	for _, g := range spent {
		if g.Day <= opened {
			first.Amount -= g.Cost
			if g.Day == opened {
				first.Requests = g.Requests
			}
			continue
		}
		if g.Requests > 0 {
			out = append(out, Line{BalanceEntry: BalanceEntry{Kind: Charge, Amount: -g.Cost, At: lastOf(g.Day, now, loc)}, Requests: g.Requests})
		}
	}
	if first.Amount != 0 {
		first.At = lastOf(opened, now, loc)
		out = append([]Line{first}, out...)
	}
	return out
}

// merge puts what was spent by day between the changes, which stay in the order
// in which they were made.
func merge(posts []BalanceEntry, charges []Line) []Line {
	lines := make([]Line, 0, len(posts)+len(charges))
	for _, e := range posts {
		for len(charges) > 0 && charges[0].At.Before(e.At) {
			lines, charges = append(lines, charges[0]), charges[1:]
		}
		lines = append(lines, Line{BalanceEntry: e})
	}
	return append(lines, charges...)
}

// lastOf is the last instant of a day, or now while it lasts.
func lastOf(day string, now time.Time, loc *time.Location) time.Time {
	if end := dayEnd(day, loc).Add(-time.Millisecond); end.Before(now) {
		return end
	}
	return now
}

// cut adds the lines up and keeps those of a span of time.
func cut(lines []Line, from, to time.Time) Statement {
	var s Statement
	var sum money.NanoUSD
	for _, line := range lines {
		if !to.IsZero() && !line.At.Before(to) {
			break
		}
		before := sum
		sum += line.Amount
		if line.At.Before(from) {
			s.Opening = sum
			continue
		}
		if s.Lines == nil {
			s.Opening = before
		}
		line.Running = sum
		s.Lines = append(s.Lines, line)
	}
	s.Closing = sum
	return s
}
