package authority

import (
	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// BudgetType is the span over which a budget counts.
type BudgetType string

// The spans. "" is no budget.
const (
	BudgetTotal   BudgetType = "total"
	BudgetDaily   BudgetType = "daily"
	BudgetWeekly  BudgetType = "weekly"
	BudgetMonthly BudgetType = "monthly"
)

// BudgetMode says whether a budget can be passed.
type BudgetMode string

// The modes. "" is no budget.
const (
	BudgetHard BudgetMode = "hard" // never passed
	BudgetSoft BudgetMode = "soft" // passed at most by what is in flight
)

// Limits are the allowances that organisations, users and keys have alike. A nil
// pointer is unlimited, 0 is nothing. The zero value limits nothing.
type Limits struct {
	RateLimitPerMinute *int64     // requests, 1–10,000
	RateLimitPerHour   *int64     // requests, 1–100,000
	RateLimitPerDay    *int64     // requests, 1–1,000,000
	TokensPerMinute    *int64     // tokens, 0–9·10¹⁵
	TokensPerDay       *int64     // tokens, 0–9·10¹⁵
	TokensPerMonth     *int64     // tokens, 0–9·10¹⁵
	ConcurrentLimit    *int64     // requests in flight, 0–100,000
	BudgetLimitCents   *int64     // US cents in each BudgetType
	BudgetType         BudgetType // "" when and only when there is no budget
	BudgetMode         BudgetMode // "" when and only when there is no budget
}

// IsUnlimited reports whether there is no budget. Rates may still limit.
func (l Limits) IsUnlimited() bool { return l.BudgetLimitCents == nil }

// compile is l as the limit engine takes it.
func (l *Limits) compile() []limit.Limit {
	counted := [...]struct {
		max    *int64
		meter  limit.Meter
		window limit.Window
	}{
		{l.RateLimitPerMinute, limit.Requests, limit.Minute},
		{l.RateLimitPerHour, limit.Requests, limit.Hour},
		{l.RateLimitPerDay, limit.Requests, limit.Day},
		{l.TokensPerMinute, limit.Tokens, limit.Minute},
		{l.TokensPerDay, limit.Tokens, limit.Day},
		{l.TokensPerMonth, limit.Tokens, limit.Month},
		{l.ConcurrentLimit, limit.Concurrency, limit.Total},
	}
	limits := make([]limit.Limit, 0, len(counted)+1)
	for _, c := range counted {
		if c.max != nil {
			limits = append(limits, limit.Limit{Meter: c.meter, Window: c.window, Max: *c.max})
		}
	}
	if l.BudgetLimitCents != nil {
		limits = append(limits, limit.Limit{
			Meter: limit.Cost, Window: l.BudgetType.window(), Mode: l.BudgetMode.mode(),
			Max: int64(money.FromCents(*l.BudgetLimitCents)),
		})
	}
	return append([]limit.Limit(nil), limits...) // no longer than it must be: there is one for each key in use
}

// window is the narrowest reading of a word that is not known: a budget that
// never ends.
func (t BudgetType) window() limit.Window {
	switch t {
	case BudgetDaily:
		return limit.Day
	case BudgetWeekly:
		return limit.Week
	case BudgetMonthly:
		return limit.Month
	}
	return limit.Total
}

func (m BudgetMode) mode() limit.Mode {
	if m == BudgetSoft {
		return limit.Soft
	}
	return limit.Hard
}
