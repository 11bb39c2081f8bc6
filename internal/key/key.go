package key

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"

	"tollgate/internal/secret"
)

// The prefixes of keys.
const (
	DefaultPrefix    = "tg_"  // keys of the data plane, unless configured otherwise
	ManagementPrefix = "tgm_" // keys of the management API
)

const (
	randomLen = 32 // base62 characters of randomness
	checkLen  = 6  // base62 check digits: 62⁶ > 2³²
	hintLen   = 8  // characters shown for people to recognise a key by
)

// MaxLen is the length that no key of ours exceeds, whatever its prefix.
const MaxLen = 64

// MaxForeignLen is the length that no key exceeds that another system made.
const MaxForeignLen = 256

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// MaxPrefixLen is the longest prefix a key may have.
const MaxPrefixLen = MaxLen - randomLen - checkLen

// New makes a key that nobody has seen before.
func New(prefix string) secret.Text {
	b := make([]byte, 0, len(prefix)+randomLen+checkLen)
	b = appendRandom(append(b, prefix...), randomLen)
	digits := checkDigits(string(b))
	return secret.New(string(append(b, digits[:]...)))
}

// Valid reports whether s is prefix, 32 base62 characters and the right check
// digits. It does not say that such a key exists.
func Valid(prefix, s string) bool {
	return strings.HasPrefix(s, prefix) && len(s) == len(prefix)+randomLen+checkLen && Wellformed(s)
}

// Wellformed reports whether s is a key under any prefix: keys made before the
// configured prefix changed must go on working. It does not allocate.
func Wellformed(s string) bool {
	n := len(s)
	if n < randomLen+checkLen || n > MaxLen {
		return false
	}
	for i := n - randomLen - checkLen; i < n; i++ {
		if !isBase62(s[i]) {
			return false
		}
	}
	return checkDigits(s[:n-checkLen]) == [checkLen]byte([]byte(s[n-checkLen:]))
}

// Hash is the SHA-256 of a whole key, the only trace of it that is stored. A key
// is 190 random bits, so a slow hash would add nothing.
type Hash [sha256.Size]byte

// HashOf is the hash of the key s. It does not allocate for a string as short as
// a key.
func HashOf(s string) Hash {
	if len(s) > MaxLen {
		return hashOfLong(s)
	}
	var buf [MaxLen]byte
	return sha256.Sum256(buf[:copy(buf[:], s)])
}

func hashOfLong(s string) Hash {
	if len(s) > MaxForeignLen {
		return sha256.Sum256([]byte(s))
	}
	var buf [MaxForeignLen]byte
	return sha256.Sum256(buf[:copy(buf[:], s)])
}

// Hint is what may be shown of the key s: its first 8 characters.
func Hint(s string) string { return s[:min(hintLen, len(s))] }

// appendRandom appends n base62 characters. Bytes above the last multiple of 62
// are thrown away: taking them modulo 62 would favour the first characters.
func appendRandom(b []byte, n int) []byte {
	var buf [2 * randomLen]byte
	for n > 0 {
		_, _ = rand.Read(buf[:]) // never fails: it ends the program instead
		for _, r := range buf {
			if n > 0 && r < 256/62*62 {
				b = append(b, alphabet[r%62])
				n--
			}
		}
	}
	return b
}

// checkDigits are the check digits of s, the most significant first. The sum is
// taken here, byte by byte: crc32.ChecksumIEEE would make a copy of s escape.
func checkDigits(s string) (digits [checkLen]byte) {
	sum := ^uint32(0)
	for i := range len(s) {
		sum = crc32.IEEETable[byte(sum)^s[i]] ^ sum>>8
	}
	sum = ^sum
	for i := checkLen - 1; i >= 0; i-- {
		digits[i] = alphabet[sum%62]
		sum /= 62
	}
	return digits
}

func isBase62(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
