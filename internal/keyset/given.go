package keyset

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

// Given is a keyset that comes with the configuration: Tink's JSON, or that in
// base64.
type Given struct {
	Text secret.Text
	From string // where it is set, for people
}

var _ vault.Keysets = Given{}

// String says where it is set.
func (g Given) String() string { return g.From }

// Load implements vault.Keysets.
func (g Given) Load(context.Context) (*secret.Keyset, error) {
	text := strings.TrimSpace(g.Text.Reveal())
	if !strings.HasPrefix(text, "{") {
		if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
			text = string(plain)
		}
	}
	k, err := secret.ParseKeyset(secret.New(text))
	if err != nil {
		return nil, fmt.Errorf("the keyset in %s cannot be read: it %w", g.From, err)
	}
	return k, nil
}

// Create implements vault.Keysets: it is never missing.
func (g Given) Create(context.Context, *secret.Keyset) error { return vault.ErrReadOnly }

// Save implements vault.Keysets.
func (g Given) Save(context.Context, *secret.Keyset) error { return vault.ErrReadOnly }
