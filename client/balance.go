package client

import (
	"context"
	"net/http"
	"time"

	"tollgate/api"
)

// Idempotent makes a change once, however often it is sent with the same key: the
// answer of the first time comes again.
func Idempotent(key string) CallOption {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// ChangeBalance puts money on a key's balance, or takes it out. Send it with
// Idempotent, and it can be sent again when the answer was lost.
func (c *Client) ChangeBalance(ctx context.Context, id string, in api.BalanceChange, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/balance", in, opts...)
}

// LedgerQuery narrows a statement to [From, To). The zero value is its newest
// lines.
type LedgerQuery struct {
	From, To time.Time // zero = open
	PageQuery
}

// KeyLedger is what happened to a key's balance, newest first.
func (c *Client) KeyLedger(ctx context.Context, id string, q LedgerQuery) (api.LedgerList, error) {
	v := q.values()
	setTime(v, "from", q.From)
	setTime(v, "to", q.To)
	return call[api.LedgerList](ctx, c, http.MethodGet, keyPath(id)+"/ledger"+suffix(v), nil)
}
