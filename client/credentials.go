package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"tollgate/api"
)

// CredentialQuery narrows a list of credentials. The zero value is the first page
// of all that one may see.
type CredentialQuery struct {
	Page         int    // from 1; 0 = the first
	Size         int    // 1 to 100; 0 = the server's default of 10
	UserID       string // only those of this user
	Organization bool   // only the organization's
	Provider     string // only those for this provider
	IsActive     *bool  // only active or only disabled ones
	After        string // id of the last credential already seen; Page then means nothing
}

// Credentials lists credentials: defaults first, then those that were used last.
func (c *Client) Credentials(ctx context.Context, q CredentialQuery) (api.CredentialList, error) {
	v := paging(q.Page, q.Size)
	setOwner(v, q.UserID, q.Organization)
	setIf(v, "provider", q.Provider)
	setIf(v, "after", q.After)
	if q.IsActive != nil {
		v.Set("is_active", strconv.FormatBool(*q.IsActive))
	}
	return call[api.CredentialList](ctx, c, http.MethodGet, "/credentials"+suffix(v), nil)
}

func setOwner(v url.Values, userID string, organization bool) {
	setIf(v, "user_id", userID)
	if organization {
		v.Set("owner", "organization")
	}
}

// Credential is the credential with this id.
func (c *Client) Credential(ctx context.Context, id string) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodGet, credentialPath(id), nil)
}

// DefaultQuery says whose default credential is asked for. Without UserID and
// Organization it is one's own.
type DefaultQuery struct {
	Provider     string // required
	UserID       string
	Organization bool
	AnyActive    bool // any active one where there is no active default
}

// DefaultCredential is the default credential for a provider.
func (c *Client) DefaultCredential(ctx context.Context, q DefaultQuery) (api.Credential, error) {
	v := url.Values{"provider": {q.Provider}}
	setOwner(v, q.UserID, q.Organization)
	if q.AnyActive {
		v.Set("fallback", "any_active")
	}
	return call[api.Credential](ctx, c, http.MethodGet, "/credentials/default"+suffix(v), nil)
}

// CreateCredential stores a provider's credential. Its secret is in no answer.
func (c *Client) CreateCredential(ctx context.Context, in api.CredentialInput, opts ...CallOption) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodPost, "/credentials", in, opts...)
}

// UpdateCredential changes the fields that in holds and keeps the others.
func (c *Client) UpdateCredential(ctx context.Context, id string, in api.CredentialInput, opts ...CallOption) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodPatch, credentialPath(id), in, opts...)
}

// ReplaceCredential is UpdateCredential by PUT, which takes a credential as it was
// read.
func (c *Client) ReplaceCredential(ctx context.Context, id string, in any, opts ...CallOption) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodPut, credentialPath(id), in, opts...)
}

// SetDefaultCredential makes a credential its owner's default for its provider.
func (c *Client) SetDefaultCredential(ctx context.Context, id string, opts ...CallOption) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodPost, credentialPath(id)+"/default", nil, opts...)
}

// DeleteCredential deletes a credential for good and wipes its secrets.
func (c *Client) DeleteCredential(ctx context.Context, id string, opts ...CallOption) error {
	_, err := call[none](ctx, c, http.MethodDelete, credentialPath(id), nil, opts...)
	return err
}

func credentialPath(id string) string { return "/credentials/" + url.PathEscape(id) }
