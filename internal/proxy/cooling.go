package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
)

// cooling remembers which targets have said when they want to be asked again, so
// that until then others are asked first. The zero value is ready. It is safe for
// concurrent use.
type cooling struct {
	some  atomic.Bool // there is something in until
	mu    sync.Mutex  // covers until
	until map[account]time.Time
}

// account is a target under the account that a provider counts.
type account struct{ provider, model, credential string }

const (
	// maxCooling is how long a target is believed to want no requests.
	maxCooling = time.Minute
	// maxAccounts bounds what is remembered; then all is forgotten.
	maxAccounts = 10_000
)

// set remembers that a wants no requests until then.
func (c *cooling) set(a account, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until == nil || len(c.until) >= maxAccounts {
		c.until = map[account]time.Time{}
	}
	c.until[a] = until
	c.some.Store(true)
}

// is reports whether a wants no requests now.
func (c *cooling) is(a account, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.until[a]
	if ok && !now.Before(until) {
		delete(c.until, a)
		c.some.Store(len(c.until) > 0)
	}
	return ok && now.Before(until)
}

// cool takes note of what a provider that has too much to do says of when to come
// again. Only where there is something to fall back on is that of use here.
func (p *Proxy) cool(x *exchange, h http.Header) {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
	if len(x.rest)+len(x.attempts) == 0 || err != nil || seconds <= 0 {
		return
	}
	a := account{provider: x.target.Provider, model: x.target.Name}
	if x.pay.payer != nil {
		a.credential = x.pay.payer.ID
	}
	p.cooling.set(a, time.Now().Add(min(time.Duration(min(seconds, 3600))*time.Second, maxCooling)))
}

// rested puts the targets last that want no requests at the moment. They are not
// left out: where all do, they are asked as ever.
func (p *Proxy) rested(targets []catalog.Target, wallet authority.Wallet) []catalog.Target {
	if len(targets) < 2 || !p.cooling.some.Load() {
		return targets
	}
	now := time.Now()
	tired := func(t catalog.Target) int {
		a := account{provider: t.Provider, model: t.Name}
		if payers := wallet.AppendPayers(nil, t.Provider, p.opts.Providers.Configured(t.Provider)); len(payers) > 0 && payers[0] != nil {
			a.credential = payers[0].ID
		}
		if p.cooling.is(a, now) {
			return 1
		}
		return 0
	}
	sorted := slices.Clone(targets)
	order := make(map[catalog.Target]int, len(sorted))
	for _, t := range sorted {
		order[t] = tired(t)
	}
	slices.SortStableFunc(sorted, func(a, b catalog.Target) int { return order[a] - order[b] })
	return sorted
}
