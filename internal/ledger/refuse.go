package ledger

import (
	"fmt"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// Refused is the cause of a refusal by a limit, for doors that show its figures
// in headers.
type Refused struct{ limit.Refusal }

// Error is for the log.
func (r *Refused) Error() string {
	return fmt.Sprintf("%s: %s/%s limit of %s: max %d, used %d, held %d, needed %d",
		r.Kind(), r.Limit.Meter, r.Limit.Window, r.Subject, r.Limit.Max, r.Reading.Used, r.Reading.Held, r.Needed)
}

// refused is a refusal as a fault.
func refused(r *limit.Refusal, now time.Time) *fault.Error {
	l := &r.Limit
	e := fault.Wrap(r.Kind(), &Refused{*r}, "%s", Describe(r))
	switch {
	case r.Held:
		e.RetryAfter = time.Second
	case r.Retry > 0:
		e.RetryAfter = max(time.Unix(r.Retry, 0).Sub(now), time.Second)
	}
	if e.Kind == fault.BudgetHeld || e.Kind == fault.ConcurrencyLimited {
		e.RetryAfter = time.Second
	}
	e.Param = r.Subject.Field(l)
	return e
}

// Describe puts a refusal into words: whose limit it is, its value, what is used,
// and when it opens.
func Describe(r *limit.Refusal) string {
	l := &r.Limit
	whose := r.Subject.Kind.Whose()
	if l.Balance {
		return describeBalance(whose, r)
	}
	text := fmt.Sprintf("Refused by %s limit of %s (%s): %s used", whose, allowance(l), r.Subject.Field(l), Figure(l.Meter, r.Reading.Used))
	if l.Meter == limit.Concurrency {
		text = fmt.Sprintf("Refused by %s limit of %s (%s): %d in flight", whose, allowance(l), r.Subject.Field(l), r.Reading.Held)
	} else if r.Reading.Held > 0 {
		text += fmt.Sprintf(", %s held by requests in flight", Figure(l.Meter, r.Reading.Held))
	}
	if l.Mode == limit.Hard && (l.Meter == limit.Tokens || l.Meter == limit.Cost) {
		text += fmt.Sprintf("; this request needs room for at least %s", Figure(l.Meter, r.Needed))
	}
	switch {
	case l.Meter != limit.Concurrency && r.Needed > l.Max:
		text += ". It can never fit: send less, or ask for a higher limit."
	case r.Held || l.Meter == limit.Concurrency:
		text += ". Try again when one of them has ended."
	case r.Retry > 0:
		text += ". It opens at " + time.Unix(r.Retry, 0).UTC().Format(time.RFC3339) + "."
	default:
		text += ". It does not open by itself: ask for a higher limit."
	}
	return text
}

// describeBalance tells what is left: what was paid in and used until now says
// nothing to a caller, and may begin before the balance does.
func describeBalance(whose string, r *limit.Refusal) string {
	left := money.NanoUSD(r.Limit.Max - r.Reading.Used)
	text := fmt.Sprintf("Refused by %s prepaid balance (%s): $%s left", whose, r.Limit.Field(), left)
	if r.Reading.Held > 0 {
		text += fmt.Sprintf(", $%s of it held by requests in flight", money.NanoUSD(r.Reading.Held))
	}
	text += fmt.Sprintf("; this request needs at least $%s", money.NanoUSD(r.Needed))
	if r.Held {
		return text + ". Try again when one of them has ended."
	}
	return text + ". Send less, or top it up."
}

// allowance is a limit in words: "60 requests a minute", "$20.00 a month in all".
func allowance(l *limit.Limit) string {
	figure := Figure(l.Meter, l.Max)
	switch {
	case l.Meter == limit.Concurrency:
		return figure + " at a time"
	case l.Window == limit.Total:
		return figure + " in total"
	}
	return figure + " a " + l.Window.String()
}

// Figure is n of a meter with its unit.
func Figure(m limit.Meter, n int64) string {
	switch m {
	case limit.Cost:
		return "$" + money.NanoUSD(n).String()
	case limit.Tokens:
		return strconv.FormatInt(n, 10) + " tokens"
	}
	return strconv.FormatInt(n, 10) + " requests"
}
