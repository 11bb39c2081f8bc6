package authority

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"regexp"
	"strconv"
	"time"

	"tollgate/internal/key"
)

// Scheme is how the system that made a key hashes it.
type Scheme string

// The schemes.
const (
	SchemeSHA256 Scheme = "sha256" // as Tollgate does
	SchemeKnox   Scheme = "knox"   // django-rest-knox: SHA-512, of what depends on its version
	SchemeBcrypt Scheme = "bcrypt"
)

// ForeignSecret is how a secret is recognised that another system made.
type ForeignSecret struct {
	OrganizationID, KeyID, KeyName, SecretID string

	Scheme Scheme
	Lookup []byte // SchemeSHA256: the hash's first 8 bytes; SchemeKnox: the digest; SchemeBcrypt: the key's first 8 characters
	Proof  []byte // SchemeBcrypt: the hash; nil for the others
}

// Imported is what a row of another system became.
type Imported struct {
	Source, SourceID string
	KeyID            string
	Fingerprint      [32]byte // of how the secret is hashed there
	At               time.Time
}

const (
	lookupBytes   = 8  // of a secret that is looked for
	maxBcryptKey  = 72 // bytes; bcrypt reads no more
	minBcryptCost = 4
	maxBcryptCost = 14 // about a second
)

var bcryptHash = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// foreignSecret reads how a key is hashed elsewhere, or says what is wrong. hash
// is what it is found by here: random bytes that nothing has for its hash, until
// the key has been seen.
func foreignSecret(scheme Scheme, digest, prefix string) (s ForeignSecret, hash key.Hash, problem string) {
	s.Scheme = scheme
	switch scheme {
	case SchemeSHA256:
		raw, err := hex.DecodeString(digest)
		if err != nil || len(raw) != len(hash) || bytes.Equal(raw, make([]byte, len(hash))) {
			return s, hash, "must be the key's SHA-256 in 64 hexadecimal digits"
		}
		hash = key.Hash(raw)
		s.Lookup = raw[:lookupBytes]
		return s, hash, ""
	case SchemeKnox:
		raw, err := hex.DecodeString(digest)
		if err != nil || len(raw) != sha512.Size {
			return s, hash, "must be the token's SHA-512 in 128 hexadecimal digits"
		}
		s.Lookup = raw
	case SchemeBcrypt:
		m := bcryptHash.FindStringSubmatch(digest)
		if m == nil {
			return s, hash, "must be a bcrypt hash, like $2b$12$ and 53 characters"
		}
		if cost, err := strconv.Atoi(m[1]); err != nil || cost < minBcryptCost || cost > maxBcryptCost {
			return s, hash, "must be a bcrypt hash with a cost from 4 to 14: checking a dearer one would hold up everybody"
		}
		if len(prefix) != lookupBytes {
			return s, hash, "needs a prefix: the key's first 8 characters, by which it is found"
		}
		s.Lookup, s.Proof = []byte(prefix), []byte(digest)
	default:
		return s, hash, "needs a scheme: sha256, knox or bcrypt"
	}
	_, _ = rand.Read(hash[:]) // never fails: it ends the program instead
	return s, hash, ""
}

// fingerprint tells the secret from another.
func (s *ForeignSecret) fingerprint(hash key.Hash) [32]byte {
	h := sha256.New()
	h.Write([]byte(s.Scheme))
	switch s.Scheme {
	case SchemeSHA256:
		h.Write(hash[:])
	case SchemeKnox:
		h.Write(s.Lookup)
	default:
		h.Write(s.Proof)
	}
	return [32]byte(h.Sum(nil))
}

// foreignShape reports whether s can be a key that another system made: visible
// characters.
func foreignShape(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// knoxDigests are the digests that the versions of django-rest-knox make of a
// token: of the bytes that it spells in hexadecimal (before 5.0, and again since
// 5.1), of its text (5.0), or of its text spelt in hexadecimal (since 5.1, of a
// token with a prefix).
func knoxDigests(token string) [][]byte {
	var list [][]byte
	add := func(b []byte) {
		sum := sha512.Sum512(b)
		list = append(list, sum[:])
	}
	if raw, err := hex.DecodeString(token); err == nil {
		add(raw)
	}
	add([]byte(token))
	add([]byte(hex.EncodeToString([]byte(token))))
	return list
}
