package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tollgate/api"
)

// AuditQuery narrows the audit to [From, To). The zero value is its newest events.
type AuditQuery struct {
	ActorID      string // a management key, or the user acted for
	Action       string // like "api_key.update", or "api_key.*" for all that begin so
	ResourceType string // like "api_key"
	ResourceID   string
	Outcome      string    // done, refused or replayed
	From, To     time.Time // zero = open
	Before       int64     // NextBefore of the list before; 0 = from the newest
	Page         int       // from 1; 0 = the first; not together with Before
	Size         int       // 1 to 1,000; 0 = 100, and in an export all
}

func (q AuditQuery) encode() string {
	v := paging(q.Page, q.Size)
	setIf(v, "actor_id", q.ActorID)
	setIf(v, "action", q.Action)
	setIf(v, "resource_type", q.ResourceType)
	setIf(v, "resource_id", q.ResourceID)
	setIf(v, "outcome", q.Outcome)
	setTime(v, "from", q.From)
	setTime(v, "to", q.To)
	if q.Before != 0 {
		v.Set("before", strconv.FormatInt(q.Before, 10))
	}
	return suffix(v)
}

// Audit lists what was done and refused, newest first.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (api.AuditList, error) {
	return call[api.AuditList](ctx, c, http.MethodGet, "/audit-events"+q.encode(), nil)
}

// AuditExport writes what Audit lists to w as JSON Lines. An error may come after
// a part has been written.
func (c *Client) AuditExport(ctx context.Context, q AuditQuery, w io.Writer) error {
	return c.export(ctx, "/audit-events"+q.encode(), "application/x-ndjson", w)
}

// VerifyAudit has the server read the whole audit, and says where it is not as it
// was written. head is what KeptHead made of an earlier verdict, from where it was
// kept: only against it a shortened audit shows that was made to look whole. "" is
// none.
func (c *Client) VerifyAudit(ctx context.Context, head string) (api.AuditVerdict, error) {
	unhurried := *c // it may take longer than a call
	h := *c.http
	h.Timeout = 0
	unhurried.http = &h
	v := url.Values{}
	setIf(v, "head", head)
	return call[api.AuditVerdict](ctx, &unhurried, http.MethodGet, "/audit-events/verify"+suffix(v), nil)
}

// KeptHead is what must be kept elsewhere of a verdict, to verify against later.
func KeptHead(v api.AuditVerdict) string { return fmt.Sprintf("%d:%s", v.Events, v.Head) }
