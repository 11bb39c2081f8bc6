package secret_test

import (
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/secret"
)

func TestACleanerTakesSecretsOut(t *testing.T) {
	c := secret.NewCleaner("sk-one/two+3", "", `q"uote<d>secret`, "sk-one")
	for in, want := range map[string]string{
		"":                               "",
		"nothing here":                   "nothing here",
		"key sk-one/two+3!":              "key [redacted]!",
		`{"key":"sk-one\/two+3"}`:        `{"key":"[redacted]"}`,
		`"q\"uote\u003cd\u003esecret"`:   `"[redacted]"`,
		`q"uote<d>secret`:                "[redacted]",
		`q\"uote<d>secret`:               "[redacted]",
		`q\u0022uote\u003Cd\u003Esecret`: "[redacted]",
		`{"key":"sk-one\/two\u002B3"}`:   `{"key":"[redacted]"}`,
		`{"key":"sk-one/two\u002b3"}`:    `{"key":"[redacted]"}`,
		"?key=sk-one%2Ftwo%2B3&a=b":      "?key=[redacted]&a=b",
		"?key=sk-one%2ftwo%2b3":          "?key=[redacted]",
		"/keys/sk-one%2Ftwo+3":           "/keys/[redacted]",
		"<p>q&#34;uote&lt;d&gt;secret":   "<p>[redacted]",
		"sk-one":                         "[redacted]",
		"sk-one/two+3sk-one/two+3":       "[redacted][redacted]",
		"sk-on":                          "sk-on",
	} {
		if got := string(c.Bytes([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := c.Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	shared := []string{"x", "Bearer sk-one/two+3"}
	h := http.Header{"A": shared, "B": {"y"}}
	c.Header(h)
	if h["A"][1] != "Bearer [redacted]" || shared[1] != "Bearer sk-one/two+3" || h["B"][0] != "y" {
		t.Errorf("%v, %v", h, shared)
	}
	var none secret.Cleaner
	if in := []byte("sk-one"); string(none.Bytes(in)) != "sk-one" || string(none.Stream().Write(in)) != "sk-one" {
		t.Error("a cleaner without secrets takes something out")
	}
}

// TestAStreamIsCleanHoweverItIsCut: where a piece ends does not matter.
func TestAStreamIsCleanHoweverItIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := []string{"sk-abab", "abc", "sk-abac"}
		c := secret.NewCleaner(words...)
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"sk-", "ab", "abab", "abac", "abc", "a", "s", "x", "\n\n", "sk-abab"})).Draw(t, "text"), "")
		s := c.Stream()
		var out strings.Builder
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			out.Write(s.Write([]byte(rest[:n])))
			rest = rest[n:]
		}
		out.Write(s.Rest())
		for _, w := range words {
			if strings.Contains(out.String(), w) {
				t.Fatalf("%q became %q", text, out.String())
			}
		}
		if plain := strings.ReplaceAll(out.String(), secret.Redacted, ""); len(plain) > len(text) {
			t.Fatalf("%q became %q", text, out.String())
		}
		if !strings.Contains(text, "s") && !strings.Contains(text, "abc") && out.String() != text {
			t.Fatalf("%q became %q", text, out.String())
		}
	})
}
