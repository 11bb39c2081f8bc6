package client

import (
	"context"
	"net/http"
	"time"

	"tollgate/api"
)

// Rerate rates the entries of a period anew; only in.Apply books what comes of it.
// progress is told how far that is, and may be nil. What was begun goes on when the
// call is broken off.
func (c *Client) Rerate(ctx context.Context, in api.RerateInput, progress func(done, total int), opts ...CallOption) (api.Rerate, error) {
	return long[api.Rerate](ctx, c, "/rerates", in, "rating anew", progress, opts)
}

// Rerates lists the periods that were rated anew, newest first.
func (c *Client) Rerates(ctx context.Context, q PageQuery) (api.RerateList, error) {
	return call[api.RerateList](ctx, c, http.MethodGet, "/rerates"+suffix(q.values()), nil)
}

// UnpricedQuery narrows the models that were used without a price. The zero value is
// the beginning of all of them.
type UnpricedQuery struct {
	PageQuery
	From, To time.Time // of the requests; zero = open
	Provider string    // only of this provider
}

// UnpricedModels lists the models that were used without a price, those most used
// first.
func (c *Client) UnpricedModels(ctx context.Context, q UnpricedQuery) (api.UnpricedList, error) {
	v := q.values()
	setIf(v, "provider", q.Provider)
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	return call[api.UnpricedList](ctx, c, http.MethodGet, "/unpriced-models"+suffix(v), nil)
}
