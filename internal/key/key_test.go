package key_test

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"tollgate/internal/key"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// check is a second, slower reading of the format, to hold the first against.
func check(s string) string {
	sum := crc32.ChecksumIEEE([]byte(s))
	digits := ""
	for range 6 {
		digits = string(base62[sum%62]) + digits
		sum /= 62
	}
	return digits
}

func TestKnownKeys(t *testing.T) {
	zeros := "tg_" + strings.Repeat("0", 32)
	for s, want := range map[string]bool{
		zeros + check(zeros): true,
		zeros + "000000":     false,
		zeros:                false,
		"":                   false,
		"tg_":                false,
		"tgm_" + strings.Repeat("0", 32) + "000000":    false,
		zeros + check(zeros) + "0":                     false,
		" " + zeros + check(zeros):                     false,
		strings.ToUpper(zeros + check(zeros)):          false,
		strings.Repeat("x", 1<<20):                     false,
		"tg_" + strings.Repeat("é", 16) + check(zeros): false,
	} {
		if got := key.Valid("tg_", s); got != want {
			t.Errorf("Valid(%.60q) = %v, want %v", s, got, want)
		}
	}
}

func TestNewKeysAreValid(t *testing.T) {
	for _, prefix := range []string{key.DefaultPrefix, key.ManagementPrefix, "", "acme-live_", strings.Repeat("p", key.MaxPrefixLen)} {
		s := key.New(prefix).Reveal()
		if len(s) != len(prefix)+38 || !strings.HasPrefix(s, prefix) {
			t.Errorf("New(%q) has the wrong shape", prefix)
		}
		if !key.Valid(prefix, s) || !key.Wellformed(s) {
			t.Errorf("New(%q) is not valid", prefix)
		}
		if body := s[:len(s)-6]; s[len(s)-6:] != check(body) {
			t.Errorf("New(%q) has other check digits than CRC-32 gives", prefix)
		}
		if key.Valid("other_", s) {
			t.Errorf("New(%q) is valid under another prefix", prefix)
		}
	}
	if s := key.New(strings.Repeat("p", key.MaxPrefixLen+1)); key.Wellformed(s.Reveal()) {
		t.Error("a prefix that is too long makes a key that is well-formed")
	}
}

func TestNewKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		seen[key.New("tg_").Reveal()] = true
	}
	if len(seen) != 1000 {
		t.Errorf("1000 keys, %d different", len(seen))
	}
}

// Every character is as likely as every other: with 64,000 drawn, each of 62
// comes 1,032 times; ±200 is more than six standard deviations.
func TestKeysAreUnbiased(t *testing.T) {
	count := map[rune]int{}
	for range 2000 {
		for _, c := range key.New("").Reveal()[:32] {
			count[c]++
		}
	}
	if len(count) != 62 {
		t.Errorf("%d characters are used, want 62", len(count))
	}
	for c, n := range count {
		if n < 832 || n > 1232 {
			t.Errorf("%q comes %d times, want about 1032", c, n)
		}
	}
}

func TestEveryTypingErrorIsNoticed(t *testing.T) {
	s := key.New("tg_").Reveal()
	for i := range s {
		for _, c := range base62 + "_-" {
			if typo := s[:i] + string(c) + s[i+1:]; typo != s && key.Valid("tg_", typo) {
				t.Errorf("character %d changed to %q is still valid", i, c)
			}
		}
		if i > 3 && s[i] != s[i-1] {
			swapped := s[:i-1] + string(s[i]) + string(s[i-1]) + s[i+1:]
			if key.Valid("tg_", swapped) {
				t.Errorf("characters %d and %d exchanged are still valid", i-1, i)
			}
		}
	}
}

func TestHashOf(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // SHA-256 of "abc", FIPS 180-4
	if got := fmt.Sprintf("%x", key.HashOf("abc")); got != want {
		t.Errorf("HashOf(abc) = %s", got)
	}
	for _, n := range []int{63, 64, 65, 1000} {
		a, b := strings.Repeat("a", n), strings.Repeat("a", n-1)+"b"
		if key.HashOf(a) == key.HashOf(b) {
			t.Errorf("two texts of %d bytes that differ at the end have one hash", n)
		}
	}
}

func TestHint(t *testing.T) {
	for s, want := range map[string]string{"": "", "tg_": "tg_", "tg_12345": "tg_12345", "tg_123456": "tg_12345"} {
		if got := key.Hint(s); got != want {
			t.Errorf("Hint(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestNothingIsAllocatedToCheckAKey(t *testing.T) {
	s := key.New("tg_").Reveal()
	if n := testing.AllocsPerRun(100, func() { _ = key.Wellformed(s); _ = key.HashOf(s) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzValid(f *testing.F) {
	f.Add("tg_", key.New("tg_").Reveal())
	f.Add("", strings.Repeat("z", 38))
	f.Add("tg_", "tg_é")
	f.Fuzz(func(t *testing.T, prefix, s string) {
		if !key.Valid(prefix, s) {
			return
		}
		body, found := strings.CutPrefix(s, prefix)
		if !found || len(body) != 38 || strings.Trim(body, base62) != "" || s[len(s)-6:] != check(s[:len(s)-6]) {
			t.Errorf("Valid(%q, %q), which it is not", prefix, s)
		}
	})
}

func BenchmarkCheckAndHash(b *testing.B) {
	s := key.New("tg_").Reveal()
	b.ReportAllocs()
	for b.Loop() {
		if !key.Wellformed(s) {
			b.Fatal("not well-formed")
		}
		_ = key.HashOf(s)
	}
}

func ExampleHint() {
	fmt.Println(key.Hint("tg_4fK9QmZ2h7"))
	// Output: tg_4fK9Q
}
