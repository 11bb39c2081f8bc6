package secret

import "sync/atomic"

// Sealer seals and opens under the keyset of the moment. It is safe for
// concurrent use; make it with NewSealer.
type Sealer struct{ keys atomic.Pointer[Keyset] }

// NewSealer makes a Sealer that begins with k.
func NewSealer(k *Keyset) *Sealer {
	s := &Sealer{}
	s.keys.Store(k)
	return s
}

// Keyset is the keyset of the moment.
func (s *Sealer) Keyset() *Keyset { return s.keys.Load() }

// Use puts another keyset in its place, for all that is sealed and opened from
// now on.
func (s *Sealer) Use(k *Keyset) { s.keys.Store(k) }

// Seal seals text for its place. The store takes it only while its key is in use:
// should the keyset change in between, the store says fault.VersionConflict, and
// it is to be sealed again.
func (s *Sealer) Seal(at Place, text Text) (Sealed, error) { return s.Keyset().Seal(at, text) }

// Open opens what was sealed; the caller wipes it. The error is ErrUnknownKey or
// ErrNotOpened.
func (s *Sealer) Open(sealed Sealed) ([]byte, error) { return s.Keyset().Open(sealed) }
