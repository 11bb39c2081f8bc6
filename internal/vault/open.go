package vault

import (
	"fmt"

	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// Account opens a credential for one request. Nothing that is opened is kept here:
// opening costs less than looking for it would be worth, so there is nothing to
// wipe when a credential changes. The error is secret.ErrUnknownKey when what was
// given was sealed with a key that has left the keyset since: read it again.
func (v *Vault) Account(provider string, c credential.Config, sealed []secret.Sealed) (*credential.Account, error) {
	opened := make([]credential.Opened, len(sealed))
	for i, s := range sealed {
		text, err := v.sealer.Open(s)
		if err != nil {
			return nil, fmt.Errorf("open a credential: %w", err)
		}
		opened[i] = credential.Opened{Field: s.Field, Text: secret.New(string(text))}
		clear(text)
	}
	a := credential.NewAccount(provider, c, opened)
	return &a, nil
}
