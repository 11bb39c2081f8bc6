package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
)

// Place is where a sealed secret lies: the organisation, the row and the field of
// the row. It is sealed in with the secret, so that one that was moved to another
// place cannot be opened there.
type Place struct {
	OrganizationID string
	RowID          string // unique in the installation, like "cred_…"
	Field          string // as the API calls it
}

// bound is the place as it is sealed in. Lengths go before texts, so that no two
// places have the same bytes.
func (p Place) bound() []byte {
	const domain = "tollgate sealed 1\n"
	b := make([]byte, 0, len(domain)+12+len(p.OrganizationID)+len(p.RowID)+len(p.Field))
	b = append(b, domain...)
	for _, s := range [...]string{p.OrganizationID, p.RowID, p.Field} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

// KeyID names one key of a keyset; what it has sealed carries it. 0 names none.
type KeyID uint32

// String is eight hexadecimal digits.
func (id KeyID) String() string { return fmt.Sprintf("%08x", uint32(id)) }

// Sealed is a secret as it is stored.
type Sealed struct {
	Place
	Ciphertext []byte
}

// A ciphertext begins with a byte and the id of its key (Tink's own form,
// https://developers.google.com/tink/wire-format).
const (
	keyedMark  = 1
	keyedBytes = 5
)

// KeyID is the key that sealed it; 0 for what is no ciphertext.
func (s Sealed) KeyID() KeyID {
	if len(s.Ciphertext) < keyedBytes || s.Ciphertext[0] != keyedMark {
		return 0
	}
	return KeyID(binary.BigEndian.Uint32(s.Ciphertext[1:]))
}

// Errors of Open. They name no secret.
var (
	// ErrUnknownKey: it was sealed with a key that is not in the keyset.
	ErrUnknownKey = errors.New("sealed with a key that is not in the keyset")
	// ErrNotOpened: it was changed, or moved from where it was sealed, or sealed
	// with another key of the same id.
	ErrNotOpened = errors.New("cannot be opened: it was changed or moved, or the keyset is another one")
)

// failed is an error of Open with the place at which it happened.
func (s Sealed) failed(err error) error {
	return fmt.Errorf("%s of %s, key %s: %w", s.Field, s.RowID, s.KeyID(), err)
}

// LogValue names the place and the key.
func (s Sealed) LogValue() slog.Value {
	return slog.StringValue(s.Field + " of " + s.RowID + ", sealed with key " + s.KeyID().String())
}
