package upstream

import (
	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// Cleaner takes out of an answer the credential that the request was sent with:
// the account's, or else the provider's own.
func (c *Client) Cleaner(slug string, account *credential.Account) secret.Cleaner {
	if account != nil {
		return account.Cleaner()
	}
	if t := c.targets[slug]; t != nil {
		return t.clean
	}
	return secret.Cleaner{}
}
