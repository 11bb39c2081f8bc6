package client

import (
	"context"
	"net/http"

	"tollgate/api"
)

// ImportKeys brings keys along that another system made, 100 at a time. What was
// imported before is not imported again: after a failure the same call may be
// repeated.
func (c *Client) ImportKeys(ctx context.Context, in api.ImportInput) (api.ImportReport, error) {
	return call[api.ImportReport](ctx, c, http.MethodPost, "/imports", in)
}
