package client

import (
	"context"
	"net/http"
	"net/url"

	"tollgate/api"
)

// UserQuery narrows a list of users. The zero value is the first page of all.
type UserQuery struct {
	Page   int    // from 1; 0 = the first
	Size   int    // 1 to 100; 0 = the server's default of 10
	Status string // active or disabled
	Search string // case-insensitive, in name or email
	After  string // id of the last user already seen; Page then means nothing
}

// Users lists users, newest first.
func (c *Client) Users(ctx context.Context, q UserQuery) (api.UserList, error) {
	v := paging(q.Page, q.Size)
	setIf(v, "status", q.Status)
	setIf(v, "search", q.Search)
	setIf(v, "after", q.After)
	return call[api.UserList](ctx, c, http.MethodGet, "/users"+suffix(v), nil)
}

// User is the user with this id.
func (c *Client) User(ctx context.Context, id string) (api.User, error) {
	return call[api.User](ctx, c, http.MethodGet, userPath(id), nil)
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, in api.UserInput, opts ...CallOption) (api.User, error) {
	return call[api.User](ctx, c, http.MethodPost, "/users", in, opts...)
}

// UpdateUser changes the fields that in holds and keeps the others.
func (c *Client) UpdateUser(ctx context.Context, id string, in api.UserInput, opts ...CallOption) (api.User, error) {
	return call[api.User](ctx, c, http.MethodPatch, userPath(id), in, opts...)
}

// DeleteUser deletes a user, their keys and their management keys for good. The
// ledger and the audit go on naming them.
func (c *Client) DeleteUser(ctx context.Context, id string, opts ...CallOption) error {
	_, err := call[none](ctx, c, http.MethodDelete, userPath(id), nil, opts...)
	return err
}

// ReplaceUser is UpdateUser of a whole user as it was read, changed: an api.User,
// or its JSON. Fields that cannot be set must say what is so.
func (c *Client) ReplaceUser(ctx context.Context, id string, in any, opts ...CallOption) (api.User, error) {
	return call[api.User](ctx, c, http.MethodPut, userPath(id), in, opts...)
}

// Organization is the organization that the token acts in.
func (c *Client) Organization(ctx context.Context) (api.Organization, error) {
	return call[api.Organization](ctx, c, http.MethodGet, "/organization", nil)
}

// UpdateOrganization changes the fields that in holds and keeps the others.
func (c *Client) UpdateOrganization(ctx context.Context, in api.OrganizationInput, opts ...CallOption) (api.Organization, error) {
	return call[api.Organization](ctx, c, http.MethodPatch, "/organization", in, opts...)
}

// ReplaceOrganization is UpdateOrganization of the whole organization as it was
// read, changed: an api.Organization, or its JSON.
func (c *Client) ReplaceOrganization(ctx context.Context, in any, opts ...CallOption) (api.Organization, error) {
	return call[api.Organization](ctx, c, http.MethodPut, "/organization", in, opts...)
}

func userPath(id string) string { return "/users/" + url.PathEscape(id) }
