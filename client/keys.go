package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"tollgate/api"
)

// KeyQuery narrows a list of keys. The zero value is the first page of all.
type KeyQuery struct {
	Page     int    // from 1; 0 = the first
	Size     int    // 1 to 100; 0 = the server's default of 10
	UserID   string // only keys of this owner
	Search   string // case-insensitive, in name or description
	IsActive *bool  // only active or only inactive keys
	Kind     string // user, standalone, chatbot or service
	Status   string // active, disabled, revoked or expired
	Tag      string // only keys with this tag
	After    string // id of the last key already seen; Page then means nothing
}

func (q KeyQuery) encode() string {
	v := paging(q.Page, q.Size)
	setIf(v, "user_id", q.UserID)
	setIf(v, "search", q.Search)
	setIf(v, "after", q.After)
	setIf(v, "kind", q.Kind)
	setIf(v, "status", q.Status)
	setIf(v, "tag", q.Tag)
	if q.IsActive != nil {
		v.Set("is_active", strconv.FormatBool(*q.IsActive))
	}
	return suffix(v)
}

// Keys lists keys, newest first.
func (c *Client) Keys(ctx context.Context, q KeyQuery) (api.KeyList, error) {
	return call[api.KeyList](ctx, c, http.MethodGet, "/api-keys"+q.encode(), nil)
}

// Key is the key with this id.
func (c *Client) Key(ctx context.Context, id string) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodGet, keyPath(id), nil)
}

// CreateKey makes a key. The answer holds its secret, for the only time: sent
// again with the same Idempotent, it names the key and has no secret.
func (c *Client) CreateKey(ctx context.Context, in api.KeyInput, opts ...CallOption) (api.KeyCreated, error) {
	return call[api.KeyCreated](ctx, c, http.MethodPost, "/api-keys", in, opts...)
}

// UpdateKey changes the fields that in holds and keeps the others.
func (c *Client) UpdateKey(ctx context.Context, id string, in api.KeyInput, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPatch, keyPath(id), in, opts...)
}

// ReplaceKey is UpdateKey of a whole key as it was read, changed: an api.Key, or
// its JSON. Fields that cannot be set must say what is so; what in leaves out
// stays.
func (c *Client) ReplaceKey(ctx context.Context, id string, in any, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPut, keyPath(id), in, opts...)
}

// RegenerateKey gives a key another secret, which the answer holds for the only
// time. The old one works on for in.OverlapSeconds.
func (c *Client) RegenerateKey(ctx context.Context, id string, in api.RegenerateInput, opts ...CallOption) (api.KeyCreated, error) {
	return call[api.KeyCreated](ctx, c, http.MethodPost, keyPath(id)+"/regenerate", in, opts...)
}

// RevealKey shows the secret of a key again, if it was made while the organization
// kept secrets recoverable. The audit keeps the reason.
func (c *Client) RevealKey(ctx context.Context, id, reason string) (api.KeyCreated, error) {
	return call[api.KeyCreated](ctx, c, http.MethodPost, keyPath(id)+"/reveal", api.RevealInput{Reason: reason})
}

// ExtendKey moves a key's expiry by so many days, from now or from when it
// expires, whichever is later.
func (c *Client) ExtendKey(ctx context.Context, id string, days int64, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/extend", api.ExtendInput{Days: days}, opts...)
}

// PurgeKey deletes a key and leaves no trace of it in the list of keys. The ledger
// and the audit still name it.
func (c *Client) PurgeKey(ctx context.Context, id string) error {
	_, err := call[none](ctx, c, http.MethodDelete, keyPath(id)+"?purge=true", nil)
	return err
}

// DeleteKey deletes a key for good. Its usage stays in the ledger.
func (c *Client) DeleteKey(ctx context.Context, id string, opts ...CallOption) error {
	_, err := call[none](ctx, c, http.MethodDelete, keyPath(id), nil, opts...)
	return err
}

// ActivateKey makes a disabled key work again.
func (c *Client) ActivateKey(ctx context.Context, id string, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/activate", nil, opts...)
}

// DeactivateKey disables a key until it is activated.
func (c *Client) DeactivateKey(ctx context.Context, id string, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/deactivate", nil, opts...)
}

// RevokeKeyFor is RevokeKey with a reason, which stays with the key.
func (c *Client) RevokeKeyFor(ctx context.Context, id, reason string, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/revoke", api.RevokeInput{Reason: reason}, opts...)
}

// RevokeKey ends a key for good; it stays visible.
func (c *Client) RevokeKey(ctx context.Context, id string, opts ...CallOption) (api.Key, error) {
	return call[api.Key](ctx, c, http.MethodPost, keyPath(id)+"/revoke", nil, opts...)
}

// KeyUsage is what a key used: ever, today and this hour.
func (c *Client) KeyUsage(ctx context.Context, id string) (api.KeyUsage, error) {
	return call[api.KeyUsage](ctx, c, http.MethodGet, keyPath(id)+"/usage", nil)
}

// Explain says what the gate would answer to a request, and why. Nothing is
// taken from any limit.
func (c *Client) Explain(ctx context.Context, in api.ExplainRequest) (api.ExplainResult, error) {
	return call[api.ExplainResult](ctx, c, http.MethodPost, "/explain", in)
}

func keyPath(id string) string { return "/api-keys/" + url.PathEscape(id) }

func paging(page, size int) url.Values {
	v := url.Values{}
	if page != 0 {
		v.Set("page", strconv.Itoa(page))
	}
	if size != 0 {
		v.Set("size", strconv.Itoa(size))
	}
	return v
}

func setIf(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func suffix(v url.Values) string {
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}
