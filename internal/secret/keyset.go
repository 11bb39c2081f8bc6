package secret

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keyset is the keys that secrets are sealed with: one seals, all of them open.
// It is immutable and safe for concurrent use. It prints as "[redacted]".
type Keyset struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	ids     []KeyID // the primary first, the others in their order
	primary KeyID
}

// NewKeyset makes a keyset with one fresh key (AES-256-GCM).
func NewKeyset() (*Keyset, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return newKeyset(handle)
}

// ParseKeyset reads what Text writes: a Tink keyset in JSON, in the clear. The
// error repeats nothing of it.
func ParseKeyset(text Text) (*Keyset, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader([]byte(text.Reveal()))))
	if err != nil {
		return nil, errors.New("is not a Tink keyset in JSON")
	}
	return newKeyset(handle)
}

// newKeyset refuses keys whose ciphertexts would not name them, and keys that do
// not seal.
func newKeyset(handle *keyset.Handle) (*Keyset, error) {
	info := handle.KeysetInfo()
	k := &Keyset{handle: handle, primary: KeyID(info.GetPrimaryKeyId())}
	for _, key := range info.GetKeyInfo() {
		if key.GetOutputPrefixType() != tink_go_proto.OutputPrefixType_TINK {
			return nil, fmt.Errorf("key %s of the keyset has no prefix of its own (output prefix type TINK)", KeyID(key.GetKeyId()))
		}
		if key.GetStatus() == tink_go_proto.KeyStatusType_ENABLED {
			k.ids = append(k.ids, KeyID(key.GetKeyId()))
		}
	}
	first := slices.Index(k.ids, k.primary)
	if first < 0 {
		return nil, errors.New("the primary key of the keyset is not enabled")
	}
	k.ids = slices.Concat([]KeyID{k.primary}, slices.Delete(k.ids, first, first+1))
	var err error
	if k.aead, err = aead.New(handle); err != nil {
		return nil, errors.New("the keyset is not one for sealing (AEAD)")
	}
	return k, nil
}

// Text is the keyset in the clear: whoever has it opens everything.
func (k *Keyset) Text() (Text, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewJSONWriter(&b)); err != nil {
		return Text{}, fmt.Errorf("write the keyset: %w", err)
	}
	return New(b.String()), nil
}

// Grown is the keyset with a fresh key, which is the one that seals.
func (k *Keyset) Grown() (*Keyset, error) {
	m := keyset.NewManagerFromHandle(k.handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	return grown(m, err)
}

// Without is the keyset without some of its keys. The primary cannot go.
func (k *Keyset) Without(ids ...KeyID) (*Keyset, error) {
	m := keyset.NewManagerFromHandle(k.handle)
	for _, id := range ids {
		if err := m.Delete(uint32(id)); err != nil {
			return nil, fmt.Errorf("take key %s out of the keyset: %w", id, err)
		}
	}
	return grown(m, nil)
}

func grown(m *keyset.Manager, err error) (*Keyset, error) {
	var handle *keyset.Handle
	if err == nil {
		handle, err = m.Handle()
	}
	if err != nil {
		return nil, fmt.Errorf("change the keyset: %w", err)
	}
	return newKeyset(handle)
}

// Primary is the key that seals.
func (k *Keyset) Primary() KeyID { return k.primary }

// IDs are the keys that open, the primary first. Treat them as read-only.
func (k *Keyset) IDs() []KeyID { return k.ids }

// Has reports whether the keyset opens what the key sealed.
func (k *Keyset) Has(id KeyID) bool { return slices.Contains(k.ids, id) }

// Seal seals text for its place with the primary key.
func (k *Keyset) Seal(at Place, text Text) (Sealed, error) { return k.seal(at, []byte(text.Reveal())) }

func (k *Keyset) seal(at Place, text []byte) (Sealed, error) {
	ciphertext, err := k.aead.Encrypt(text, at.bound())
	if err != nil {
		return Sealed{}, fmt.Errorf("seal the %s of %s: %w", at.Field, at.RowID, err)
	}
	return Sealed{at, ciphertext}, nil
}

// Open opens s. What it gives is the caller's, to wipe when it is not needed any
// more. The error is ErrUnknownKey or ErrNotOpened.
func (k *Keyset) Open(s Sealed) ([]byte, error) {
	if !k.Has(s.KeyID()) {
		return nil, s.failed(ErrUnknownKey)
	}
	text, err := k.aead.Decrypt(s.Ciphertext, s.bound())
	if err != nil {
		return nil, s.failed(ErrNotOpened)
	}
	return text, nil
}

// Reseal is s sealed anew with the primary key. Errors are those of Open.
func (k *Keyset) Reseal(s Sealed) (Sealed, error) {
	text, err := k.Open(s)
	if err != nil {
		return Sealed{}, err
	}
	defer clear(text)
	return k.seal(s.Place, text)
}

// String is "[redacted]".
func (k *Keyset) String() string { return Redacted }

// Format writes "[redacted]" for every verb.
func (k *Keyset) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }
