package policy_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/policy"
)

// lets reports whether a key restricted to one path pattern may use path.
func lets(pattern, path string) bool {
	spec := plain()
	spec.Endpoints = []string{pattern}
	r := policy.Compile(spec)
	return r.AdmitRoute(&policy.Ask{Now: noon, Endpoint: path}) == nil
}

func TestC7_Covers(t *testing.T) {
	for _, test := range []struct {
		wide, narrow string
		want         bool
	}{
		{"*", "", true},
		{"*", "*", true},
		{"*", "a*b", true},
		{"a*", "a", true},
		{"a*", "ab*", true},
		{"a*", "*", false},
		{"a*c", "abc", true},
		{"a*c", "ab*c", true},
		{"a*c", "a*", false},
		{"a", "a*", false},
		{"a*", "b", false},
		{"ab*", "a*", false},
	} {
		if got := policy.Covers(test.wide, test.narrow); got != test.want {
			t.Errorf("%q covers %q: %v, want %v", test.wide, test.narrow, got, test.want)
		}
	}
}

// What covers another pattern lets through all that the other does, over every
// pattern and path of four letters.
func TestC7_CoversIsNeverWrong(t *testing.T) {
	patterns, paths := words("ab*", 4), words("ab", 4)
	for _, wide := range patterns {
		through := map[string]bool{}
		for _, path := range paths {
			through[path] = lets(wide, path)
		}
		for _, narrow := range patterns {
			if !policy.Covers(wide, narrow) {
				continue
			}
			for _, path := range paths {
				if !through[path] && lets(narrow, path) {
					t.Fatalf("%q is said to cover %q, but not %q", wide, narrow, path)
				}
			}
		}
	}
}

// words are all words over letters of at most n of them.
func words(letters string, n int) []string {
	all, last := []string{""}, []string{""}
	for range n {
		var next []string
		for _, w := range last {
			for _, l := range letters {
				next = append(next, w+string(l))
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

func TestC5_AReplacedSecretEndsByItself(t *testing.T) {
	for _, test := range []struct {
		key, secret time.Duration // 0 = never
		at          time.Duration
		denied      string
	}{
		{0, 0, 1 << 40, ""},
		{0, time.Hour, time.Hour - 1e6, ""},
		{0, time.Hour, time.Hour, "new secret"},
		{2 * time.Hour, time.Hour, time.Hour, "new secret"},
		{time.Hour, 2 * time.Hour, time.Hour, "expired at"},
		{time.Hour, time.Hour, time.Hour, "expired at"},
	} {
		spec := plain()
		if test.key > 0 {
			spec.ExpiresAt = noon.Add(test.key)
		}
		if test.secret > 0 {
			spec.SecretExpiresAt = noon.Add(test.secret)
		}
		r := policy.Compile(spec)
		refusal := r.AdmitRoute(&policy.Ask{Now: noon.Add(test.at)})
		if (refusal != nil) != (test.denied != "") || refusal != nil && !strings.Contains(refusal.Public, test.denied) {
			t.Errorf("%+v: %v", test, refusal)
		}
	}
}
