package authority

import "github.com/go-json-experiment/json/jsontext"

// The ranges of the counted limits. Rates start at 1, because a key that may do
// nothing is a disabled key; for the others 0 denies.
const (
	maxPerMinute   = 10_000
	maxPerHour     = 100_000
	maxPerDay      = 1_000_000
	maxTokens      = 9_000_000_000_000_000 // below 2⁵³: JavaScript reads it exactly
	maxConcurrent  = 100_000
	maxBudgetCents = 900_000_000_000 // nine billion dollars, near the end of money.NanoUSD
)

// limitFields are the lines of a table that organisations, users and keys share.
func limitFields[T any](at func(*T) *Limits) []field[T] {
	return append(countedFields(at), budgetFields(at)...)
}

// countedFields are the lines of all limits but the budget.
func countedFields[T any](at func(*T) *Limits) []field[T] {
	count := func(name string, lo, hi int64, in func(*Limits) **int64) field[T] {
		return countField(name, lo, hi, func(t *T) **int64 { return in(at(t)) })
	}
	return []field[T]{
		count("rate_limit_per_minute", 1, maxPerMinute, func(l *Limits) **int64 { return &l.RateLimitPerMinute }),
		count("rate_limit_per_hour", 1, maxPerHour, func(l *Limits) **int64 { return &l.RateLimitPerHour }),
		count("rate_limit_per_day", 1, maxPerDay, func(l *Limits) **int64 { return &l.RateLimitPerDay }),
		count("tokens_per_minute", 0, maxTokens, func(l *Limits) **int64 { return &l.TokensPerMinute }),
		count("tokens_per_day", 0, maxTokens, func(l *Limits) **int64 { return &l.TokensPerDay }),
		count("tokens_per_month", 0, maxTokens, func(l *Limits) **int64 { return &l.TokensPerMonth }),
		count("concurrent_limit", 0, maxConcurrent, func(l *Limits) **int64 { return &l.ConcurrentLimit }),
	}
}

// budgetFields are the lines of the budget.
func budgetFields[T any](at func(*T) *Limits) []field[T] {
	return []field[T]{
		countField("budget_limit_cents", 0, maxBudgetCents, func(t *T) **int64 { return &at(t).BudgetLimitCents }),
		withTightens(wordField("budget_type", func(t *T) *BudgetType { return &at(t).BudgetType },
			BudgetTotal, BudgetDaily, BudgetWeekly, BudgetMonthly, ""),
			func(old, next *T) bool { return spanWithin(at(old), at(next)) }),
		withTightens(wordField("budget_mode", func(t *T) *BudgetMode { return &at(t).BudgetMode },
			BudgetHard, BudgetSoft, ""),
			func(old, next *T) bool { return modeWithin(at(old), at(next)) }),
		{name: "is_unlimited", set: func(e *edit[T], raw jsontext.Value) string {
			switch raw.Kind() {
			case 't', 'f':
				unlimited := raw.Kind() == 't'
				e.unlimited = &unlimited
				return ""
			}
			return "must be true or false"
		}},
	}
}

func withTightens[T any](f field[T], tightens func(old, next *T) bool) field[T] {
	f.tightens = tightens
	return f
}

// settleBudget brings the fields of the budget in line with one another once all
// of the body has been read: whether a key is unlimited follows from whether it
// has a budget, and only an explicit contradiction is an error.
func (e *edit[T]) settleBudget(l *Limits) {
	switch {
	case e.unlimited == nil:
	case *e.unlimited && l.BudgetLimitCents != nil && e.has("budget_limit_cents"):
		e.fail("is_unlimited", "contradicts budget_limit_cents; send a budget or is_unlimited, not both")
	case *e.unlimited:
		l.BudgetLimitCents = nil
	case l.BudgetLimitCents == nil && !e.failed("budget_limit_cents"):
		e.fail("is_unlimited", "false needs a budget_limit_cents")
	}
	if l.BudgetLimitCents != nil {
		if l.BudgetType == "" {
			l.BudgetType = BudgetTotal
		}
		if l.BudgetMode == "" {
			l.BudgetMode = BudgetHard
		}
		return
	}
	if e.has("budget_type") && l.BudgetType != "" && !e.failed("budget_limit_cents") {
		e.fail("budget_type", "needs a budget_limit_cents")
	}
	if e.has("budget_mode") && l.BudgetMode != "" && !e.failed("budget_limit_cents") {
		e.fail("budget_mode", "needs a budget_limit_cents")
	}
	l.BudgetType, l.BudgetMode = "", ""
}
