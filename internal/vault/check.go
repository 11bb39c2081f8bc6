package vault

import (
	"context"
	"sync"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/secret"
)

// Check asks a credential's provider whether it takes it. ok is false when nobody
// is there to ask. What the provider wrote is not kept: a verdict is a word and a
// code.
func (v *Vault) Check(ctx context.Context, provider string, c credential.Config, sealed []secret.Sealed) (verdict credential.Verdict, ok bool) {
	if v.opts.Ask == nil {
		return credential.Verdict{}, false
	}
	account, err := v.Account(provider, c, sealed)
	if err != nil {
		v.opts.Log.ErrorContext(ctx, "a stored credential cannot be opened", "error", err)
		return credential.Failure(credential.Unreadable), true
	}
	return v.opts.Ask(ctx, account), true
}

// AllowCheck takes note that somebody wants a credential checked: each may a few
// times a minute, for every check is a request to a provider. Kinds: rate_limited.
func (v *Vault) AllowCheck(who string) error {
	return v.pace.take(who, v.opts.ChecksPerMinute, time.Now())
}

// pace counts checks by who wants them, over the trailing minute. The zero value is
// ready; it is safe for concurrent use.
type pace struct {
	mu   sync.Mutex
	seen map[string]*limit.State // covered by mu
}

// maxPaced bounds those remembered; then all are forgotten.
const maxPaced = 10_000

func (p *pace) take(who string, most int64, now time.Time) error {
	if most <= 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= maxPaced {
		p.seen = map[string]*limit.State{}
	}
	if p.seen[who] == nil {
		p.seen[who] = &limit.State{}
	}
	chain := limit.Chain{{Limits: []limit.Limit{{Meter: limit.Requests, Window: limit.Minute, Max: most}}}}
	states := []*limit.State{p.seen[who]}
	calendar := limit.CalendarAt(now, time.UTC)
	ask := limit.Ask{Unix: now.Unix(), Calendar: &calendar}
	verdict, refusal := limit.Decide(chain, states, &ask)
	switch {
	case refusal != nil:
		f := fault.New(fault.RateLimited, "Credentials were checked %d times in the last minute, which is as often as one may. Try again later.", most)
		f.RetryAfter = max(time.Unix(refusal.Retry, 0).Sub(now), time.Second)
		return f
	case verdict.Late == 0:
		taken := limit.Take(states, &ask, 0)
		limit.Settle(states, &taken, limit.Amount{})
	}
	return nil
}
