package admin

import (
	"context"
	"fmt"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
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

// judge is one limit's step, by the gate's own arithmetic and in its own words.
func judge(st ledger.LimitState, ask *limit.Ask) api.ExplainStep {
	l := &st.Limit
	step := api.ExplainStep{
		Rule: st.Subject.Field(l), Verdict: policy.Allow, Detail: "There is room.",
		Limit: &api.ExplainLimit{
			Subject: st.Subject.Kind.String(), SubjectID: st.Subject.ID,
			Meter: l.Meter.String(), Window: l.Window.String(), Mode: modeWord(l.Mode),
			Max: amount(l.Meter, l.Max), Used: amount(l.Meter, st.Used), Held: amount(l.Meter, st.Held),
			Asked:    amount(l.Meter, ask.Needs(l.Meter, ask.Output)),
			ResetsAt: unixOrNull(st.OpensAt),
		},
	}
	output, refusal := limit.Judge(st.Subject, l, &st.Reading, ask)
	switch {
	case refusal != nil:
		if refusal.Retry = st.OpensAt; refusal.Held || refusal.Needed > l.Max {
			refusal.Retry = 0
		}
		step.Verdict, step.Code, step.Detail = policy.Deny, string(refusal.Kind()), ledger.Describe(refusal)
	case output < ask.Output:
		step.Detail = fmt.Sprintf("The whole of it does not fit: the output would be shortened to %d tokens.", output)
	case l.Mode == limit.Soft:
		step.Detail = "A soft limit admits while anything is left."
	}
	return step
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
