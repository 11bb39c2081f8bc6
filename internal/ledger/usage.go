package ledger

import (
	"context"
	"time"

	"tollgate/internal/limit"
)

// Usage is what a subject has used, for people.
type Usage struct {
	Total    Sum
	Today    Sum // in the location asked for
	ThisHour Sum // the running clock hour
}

// Usage reads what a subject has used. Everything whose answer has ended is in
// it.
func (l *Ledger) Usage(ctx context.Context, subject string, loc *time.Location) (Usage, error) {
	if err := l.Flush(ctx); err != nil {
		return Usage{}, err
	}
	now := time.Now()
	cal := l.calendar(now, loc)
	if loc == nil {
		loc = time.UTC
	}
	hour := now.In(loc)
	sinceHour := time.Duration(hour.Minute())*time.Minute + time.Duration(hour.Second())*time.Second
	begin := now.Unix() - int64(sinceHour.Seconds())

	totals, err := l.reader.Sums(ctx, []string{subject})
	if err != nil {
		return Usage{}, unavailable(err)
	}
	today, err := l.reader.Used(ctx, subject, cal.Day, cal.DayEnd)
	if err != nil {
		return Usage{}, unavailable(err)
	}
	thisHour, err := l.reader.Used(ctx, subject, begin, begin+3600)
	if err != nil {
		return Usage{}, unavailable(err)
	}
	return Usage{Total: totals[subject], Today: today, ThisHour: thisHour}, nil
}

// Totals reads what each of the subjects has used in total; one that has used
// nothing is missing.
func (l *Ledger) Totals(ctx context.Context, subjects []string) (map[string]Sum, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, err
	}
	sums, err := l.reader.Sums(ctx, subjects)
	if err != nil {
		return nil, unavailable(err)
	}
	return sums, nil
}

// Entries lists entries, newest first, and how many match in all.
func (l *Ledger) Entries(ctx context.Context, f Filter) ([]Entry, int, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, 0, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	rows, n, err := l.reader.Entries(ctx, f)
	if err != nil {
		return nil, 0, unavailable(err)
	}
	return rows, n, nil
}

// UnpricedUse is what was used of a model and charged by no price.
type UnpricedUse struct {
	Provider, Model           string
	Requests                  int64
	InputTokens, OutputTokens int64
	FirstAt, LastAt           time.Time
}

// Unpriced lists the models that were used without a price by those entries that f
// chooses, those most used first. What somebody's own credential has paid for needs
// none.
func (l *Ledger) Unpriced(ctx context.Context, f Filter) ([]UnpricedUse, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, err
	}
	list, err := l.reader.Unpriced(ctx, f)
	if err != nil {
		return nil, unavailable(err)
	}
	return list, nil
}

// Judge says what Reserve would say to r, except that it admits more lightly: it
// takes nothing, so another request may take the room before this one does.
func (l *Ledger) Judge(ctx context.Context, r *Request) error {
	now := time.Now()
	states, err := l.Inspect(ctx, r.Chain, r.Location)
	if err != nil {
		return err
	}
	ask := r.ask()
	for _, money := range [...]bool{false, true} {
		for i := range states {
			st := &states[i]
			if (st.Limit.Meter == limit.Cost) != money {
				continue
			}
			if _, refusal := limit.Judge(st.Subject, &st.Limit, &st.Reading, &ask); refusal != nil {
				if !refusal.Held && refusal.Needed <= st.Limit.Max {
					refusal.Retry = st.OpensAt
				}
				return refused(refusal, now)
			}
		}
	}
	return nil
}

// LimitState is one limit and what counts against it.
type LimitState struct {
	Subject limit.ID
	Limit   limit.Limit
	limit.Reading
}

// Inspect says what counts against each limit of a chain; nothing is taken. Of a
// balance, Max is what is granted and Used what is spent of that.
func (l *Ledger) Inspect(ctx context.Context, chain limit.Chain, loc *time.Location) ([]LimitState, error) {
	now := time.Now()
	l.balances.RLock()
	defer l.balances.RUnlock()
	readings, err := l.counters.Read(ctx, chain, l.calendar(now, loc), now.Unix())
	if err != nil {
		return nil, unavailable(err)
	}
	var out []LimitState
	for _, s := range chain {
		for _, lim := range s.Limits {
			state := LimitState{Subject: s.ID, Limit: lim, Reading: readings[len(out)]}
			if lim.Balance {
				account, _, err := l.account(ctx, s.ID.ID)
				if err != nil {
					return nil, err
				}
				before := int64(account.SpentBefore + account.Withdrawn)
				state.Limit.Max, state.Used = state.Limit.Max-before, state.Used-before
			}
			out = append(out, state)
		}
	}
	return out, nil
}
