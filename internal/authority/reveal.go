package authority

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// SealedField is the field of a secret's place under which it is sealed.
const SealedField = "secret_key"

// seal is a secret as it is kept to be shown again: bound to the organisation and to
// the row of the secret.
func (a *Authority) seal(organizationID, secretID string, text secret.Text) (*secret.Sealed, error) {
	sealed, err := a.sealer.Seal(secret.Place{OrganizationID: organizationID, RowID: secretID, Field: SealedField}, text)
	if err != nil {
		return nil, fmt.Errorf("seal the secret %s: %w", secretID, err)
	}
	return &sealed, nil
}

// RevealKey shows the newest secret of a key again, if it was made while the
// organisation kept secrets recoverable. body is {"reason": text}, which must say
// something. It needs a permission of its own, which owning the key is not. The
// audit has the reason before the secret is given. Kinds: permission_denied,
// not_found, not_recoverable, validation_failed, store_unavailable.
func (a *Authority) RevealKey(ctx context.Context, p Principal, id string, body []byte) (Key, secret.Text, error) {
	d := deed{p: p, action: "api_key.reveal", kind: "api_key", id: id}
	k, text, err := a.revealKey(ctx, d, body)
	return k, text, a.refused(ctx, d, err)
}

func (a *Authority) revealKey(ctx context.Context, d deed, body []byte) (Key, secret.Text, error) {
	row, err := a.visibleKey(ctx, d.p, d.id)
	if err == nil {
		err = d.p.require(keysReveal)
	}
	var w wish
	if err == nil {
		err = w.read(body, textField("reason", 1, 500, func(w *wish) *string { return &w.reason }))
	}
	switch {
	case err != nil:
		return Key{}, secret.Text{}, err
	case w.reason == "":
		return Key{}, secret.Text{}, problem("reason", "is required: why the secret must be seen")
	case len(row.Secrets) == 0 || !row.Secrets[0].Recoverable || a.sealer == nil:
		return Key{}, secret.Text{}, notRecoverable()
	}
	text, err := a.open(ctx, row.OrganizationID, row.Secrets[0].ID)
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	d.name = row.Name
	e := a.event(d)
	reason, err := json.Marshal(w.reason)
	if err != nil {
		return Key{}, secret.Text{}, err
	}
	e.Changes = a.veil.changes([]Change{{Field: "reason", From: jsontext.Value("null"), To: reason}})
	if err := a.note(ctx, e); err != nil {
		return Key{}, secret.Text{}, err
	}
	return row.Key, text, nil
}

// open is the secret that was sealed.
func (a *Authority) open(ctx context.Context, organizationID, secretID string) (secret.Text, error) {
	sealed, err := a.store.KeyCare.SealedSecret(ctx, organizationID, secretID)
	if isNotFound(err) {
		return secret.Text{}, notRecoverable() // wiped since the key was read
	}
	if err != nil {
		return secret.Text{}, err
	}
	text, err := a.sealer.Open(sealed)
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.StoreUnavailable, err, "The secret is kept, but cannot be opened at the moment.")
	}
	defer clear(text)
	return secret.New(string(text)), nil
}

func notRecoverable() error {
	return fault.New(fault.NotRecoverable,
		"Of this key's secret only the hash is kept, so it cannot be shown again. Regenerate the key; what is made while the organization's recoverable is true can be shown.")
}
