package client

import (
	"context"
	"net/http"
	"time"

	"tollgate/api"
)

// UsageQuery narrows a list of ledger entries to [From, To). The zero value is
// the newest entries of all keys.
type UsageQuery struct {
	KeyID string    // only this key's
	From  time.Time // zero = from the first
	To    time.Time // zero = to the last
	Page  int       // from 1; 0 = the first
	Size  int       // 1 to 100; 0 = the server's default
}

// Usage lists entries of the ledger, newest first.
func (c *Client) Usage(ctx context.Context, q UsageQuery) (api.UsageList, error) {
	v := paging(q.Page, q.Size)
	setIf(v, "key_id", q.KeyID)
	if !q.From.IsZero() {
		v.Set("from", q.From.UTC().Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		v.Set("to", q.To.UTC().Format(time.RFC3339Nano))
	}
	return call[api.UsageList](ctx, c, http.MethodGet, "/usage"+suffix(v), nil)
}
