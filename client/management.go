package client

import (
	"context"
	"net/http"
	"net/url"

	"tollgate/api"
)

// ManagementQuery narrows a list of management keys. The zero value is the first
// page of all that one may see.
type ManagementQuery struct {
	Page   int    // from 1; 0 = the first
	Size   int    // 1 to 100; 0 = the server's default of 10
	UserID string // only those that act for this user
	After  string // id of the last one already seen; Page then means nothing
}

// ManagementKeys lists management keys, newest first.
func (c *Client) ManagementKeys(ctx context.Context, q ManagementQuery) (api.ManagementKeyList, error) {
	v := paging(q.Page, q.Size)
	setIf(v, "user_id", q.UserID)
	setIf(v, "after", q.After)
	return call[api.ManagementKeyList](ctx, c, http.MethodGet, "/management-keys"+suffix(v), nil)
}

// ManagementKey is the management key with this id.
func (c *Client) ManagementKey(ctx context.Context, id string) (api.ManagementKey, error) {
	return call[api.ManagementKey](ctx, c, http.MethodGet, managementPath(id), nil)
}

// CreateManagementKey makes a management key. The answer holds its secret, for the
// only time.
func (c *Client) CreateManagementKey(ctx context.Context, in api.ManagementKeyInput, opts ...CallOption) (api.ManagementKeyCreated, error) {
	return call[api.ManagementKeyCreated](ctx, c, http.MethodPost, "/management-keys", in, opts...)
}

// UpdateManagementKey changes the fields that in holds and keeps the others.
func (c *Client) UpdateManagementKey(ctx context.Context, id string, in api.ManagementKeyInput, opts ...CallOption) (api.ManagementKey, error) {
	return call[api.ManagementKey](ctx, c, http.MethodPatch, managementPath(id), in, opts...)
}

// ReplaceManagementKey is UpdateManagementKey of a whole management key as it was
// read, changed: an api.ManagementKey, or its JSON.
func (c *Client) ReplaceManagementKey(ctx context.Context, id string, in any, opts ...CallOption) (api.ManagementKey, error) {
	return call[api.ManagementKey](ctx, c, http.MethodPut, managementPath(id), in, opts...)
}

// RevokeManagementKey ends a management key for good; it stays visible.
func (c *Client) RevokeManagementKey(ctx context.Context, id string, opts ...CallOption) (api.ManagementKey, error) {
	return call[api.ManagementKey](ctx, c, http.MethodPost, managementPath(id)+"/revoke", nil, opts...)
}

// DeleteManagementKey takes a management key away for good.
func (c *Client) DeleteManagementKey(ctx context.Context, id string) error {
	_, err := call[none](ctx, c, http.MethodDelete, managementPath(id), nil)
	return err
}

// Roles lists what users of each kind may do.
func (c *Client) Roles(ctx context.Context, q PageQuery) (api.RoleList, error) {
	return call[api.RoleList](ctx, c, http.MethodGet, "/roles"+suffix(q.values()), nil)
}

func managementPath(id string) string { return "/management-keys/" + url.PathEscape(id) }
