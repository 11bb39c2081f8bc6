package client

import (
	"context"
	"net/http"

	"tollgate/api"
)

// RotateVault begins to seal everything that is stored with a fresh key; it goes on
// by itself, and VaultRotation tells how far it is.
func (c *Client) RotateVault(ctx context.Context, opts ...CallOption) (api.VaultRotation, error) {
	return call[api.VaultRotation](ctx, c, http.MethodPost, "/vault/rotation", nil, opts...)
}

// VaultRotation is how far sealing everything anew is.
func (c *Client) VaultRotation(ctx context.Context) (api.VaultRotation, error) {
	return call[api.VaultRotation](ctx, c, http.MethodGet, "/vault/rotation", nil)
}

// ValidateCredential asks a credential's provider now whether it takes it.
func (c *Client) ValidateCredential(ctx context.Context, id string, opts ...CallOption) (api.Credential, error) {
	return call[api.Credential](ctx, c, http.MethodPost, credentialPath(id)+"/validate", nil, opts...)
}
