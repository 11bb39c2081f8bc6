package admin

import (
	"context"
	"fmt"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/money"
	"tollgate/internal/policy"
)

// limits says for each limit of the chain what counts against it and whether the
// request fits: rates, slots and tokens first, then money, as the gate asks them.
func (s *service) limits(ctx context.Context, e *explanation, grant authority.Grant, ask *limit.Ask) error {
	states, err := s.meter.Inspect(ctx, grant.Chain(), grant.Location())
	if err != nil {
		return err
	}
	for _, money := range []bool{false, true} {
		for _, st := range states {
			if (st.Limit.Meter == limit.Cost) == money {
				e.add(judge(st, ask))
			}
		}
	}
	return nil
}

// judge is one limit's step. A request fits when what it needs at least still
// fits; when its whole bound does not, its output would be shortened.
func judge(st ledger.LimitState, ask *limit.Ask) api.ExplainStep {
	l := st.Limit
	asked, needed := bound(l.Meter, ask, ask.Output), bound(l.Meter, ask, ask.LeastOutput)
	left := l.Max - st.Used - st.Held
	step := api.ExplainStep{
		Rule: l.Field(), Verdict: policy.Allow, Detail: "There is room.",
		Limit: &api.ExplainLimit{
			Subject: st.Subject.Kind.String(), SubjectID: st.Subject.ID,
			Meter: l.Meter.String(), Window: l.Window.String(), Mode: modeWord(l.Mode),
			Max: amount(l.Meter, l.Max), Used: amount(l.Meter, st.Used), Held: amount(l.Meter, st.Held), Asked: amount(l.Meter, asked),
			ResetsAt: unixOrNull(st.OpensAt),
		},
	}
	counted := l.Meter == limit.Tokens || l.Meter == limit.Cost
	switch {
	case counted && l.Mode == limit.Soft && st.Used < l.Max:
		step.Detail = "A soft limit admits while anything is left."
	case counted && l.Mode == limit.Soft || needed > left:
		refusal := limit.Refusal{Subject: st.Subject, Limit: l, Reading: st.Reading, Needed: needed, Held: st.Held > 0 && st.Used+needed <= l.Max}
		step.Verdict, step.Code = policy.Deny, string(refusal.Kind())
		step.Detail = fmt.Sprintf("The %s of %s is used up: at least %s is needed, and %s is left.",
			l.Field(), st.Subject.Kind, phrase(l.Meter, needed), phrase(l.Meter, max(left, 0)))
	case asked > left:
		step.Detail = fmt.Sprintf("The whole of it does not fit (%s is left), so the output would be shortened.", phrase(l.Meter, left))
	}
	return step
}

// bound is what the request takes of a meter with this output cap.
func bound(m limit.Meter, ask *limit.Ask, output int64) int64 {
	switch m {
	case limit.Tokens:
		return int64(money.NanoUSD(ask.Input).Add(money.NanoUSD(output))) // saturating
	case limit.Cost:
		return int64(ask.InputCost.Add(ask.OutputPrice.CostUp(output)))
	default:
		return 1
	}
}

// amount is a figure under the name of its unit.
func amount(m limit.Meter, n int64) api.Amount {
	switch m {
	case limit.Tokens:
		return api.Amount{Tokens: &n}
	case limit.Cost:
		return api.Amount{USD: usd(n)}
	case limit.Concurrency:
		return api.Amount{InFlight: &n}
	default:
		return api.Amount{Requests: &n}
	}
}

func phrase(m limit.Meter, n int64) string {
	switch m {
	case limit.Tokens:
		return fmt.Sprintf("%d tokens", n)
	case limit.Cost:
		return "$" + money.NanoUSD(n).String()
	case limit.Concurrency:
		return fmt.Sprintf("%d in flight", n)
	default:
		return fmt.Sprintf("%d requests", n)
	}
}

func modeWord(m limit.Mode) string {
	if m == limit.Soft {
		return "soft"
	}
	return "hard"
}

func unixOrNull(sec int64) *time.Time {
	if sec == 0 {
		return nil
	}
	return instant(time.Unix(sec, 0))
}
