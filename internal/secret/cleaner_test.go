package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// encodings are how a provider may write text that has a secret in it.
var encodings = map[string]func(string) string{
	"plain":      func(s string) string { return s },
	"hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":        func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw": func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64url":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 in JSON": func(s string) string {
		b, _ := json.Marshal(base64.StdEncoding.EncodeToString([]byte(s)))
		return strings.ReplaceAll(string(b), "/", `\/`)
	},
}

// shows reports whether so much of a secret can be read in text, in any encoding, that
// it is worth having: all but its first and last byte.
func shows(text, secret string) bool {
	core := secret[1 : len(secret)-1]
	if strings.Contains(text, core) {
		return true
	}
	plain := strings.NewReplacer(`\/`, "/", "-", "+", "_", "/").Replace(text)
	for _, run := range strings.FieldsFunc(plain, func(r rune) bool { return !strings.ContainsRune(digits64, r) }) {
		for from := range min(4, len(run)) {
			b, _ := base64.RawStdEncoding.DecodeString(run[from : len(run)-(len(run)-from)%4])
			if bytes.Contains(b, []byte(core)) {
				return true
			}
		}
		for from := range min(2, len(run)) {
			b, _ := hex.DecodeString(run[from : len(run)-(len(run)-from)%2])
			if bytes.Contains(b, []byte(core)) {
				return true
			}
		}
	}
	return false
}

const digits64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// everyCut cleans text as a stream of two pieces, cut at every place, and as one of
// single bytes, and compares with what is done to it whole.
func everyCut(t testing.TB, c secret.Cleaner, text string) string {
	t.Helper()
	want := string(c.Bytes([]byte(text)))
	if got := c.Text(text); got != want {
		t.Fatalf("%q: as text %q, as bytes %q", text, got, want)
	}
	for cut := range len(text) + 1 {
		s := c.Stream()
		got := string(s.Write([]byte(text[:cut])))
		got += string(s.Write([]byte(text[cut:])))
		if got += string(s.Rest()); got != want {
			t.Fatalf("%q cut at %d: %q, whole %q", text, cut, got, want)
		}
	}
	s, got := c.Stream(), ""
	for i := range len(text) {
		got += string(s.Write([]byte{text[i]}))
	}
	if got += string(s.Rest()); got != want {
		t.Fatalf("%q in single bytes: %q, whole %q", text, got, want)
	}
	return want
}

// A secret is found in whatever it is encoded, whatever stands beside it there,
// wherever it is cut.
func TestACleanerFindsWhatIsEncoded(t *testing.T) {
	for _, key := range []string{
		"sk-proj-0123456789abcdefABCDEF", "12345678", "~~~???>>>~?>", "AIzaSy-_-_x", "p\u00e4ss\u00e9-~?\xff\xfe",
		strings.Repeat("sk-ant-api03-", 10),
	} {
		c := secret.NewCleaner(key)
		for name, encode := range encodings {
			for before := range 4 {
				for after := range 4 {
					text := `{"echo":"` + encode("Basic "[:before]+key+" end"[:after]) + `"} and more`
					clean := everyCut(t, c, text)
					if !strings.Contains(clean, secret.Redacted) || shows(clean, key) {
						t.Errorf("%s, %d before, %d behind: %s became %s", name, before, after, text, clean)
					}
					if !strings.HasPrefix(clean, `{"echo":"`) || !strings.HasSuffix(clean, `"} and more`) {
						t.Errorf("%s: what is around it changed: %s", name, clean)
					}
				}
			}
		}
	}
}

// What is no secret stays, however much it looks like one: one letter is another. The
// first and the last share a digit of base64 with what stands beside them.
func TestACleanerLeavesTheRest(t *testing.T) {
	const key = "sk-proj-0123456789abcdef"
	c := secret.NewCleaner(key)
	for name, encode := range encodings {
		for i := 1; i < len(key)-1; i++ {
			other := key[:i] + "#" + key[i+1:]
			if text := encode("x" + other + "y"); everyCut(t, c, text) != text {
				t.Errorf("%s: %s was changed", name, text)
			}
		}
	}
	short := secret.NewCleaner("abc", "1234567")
	for _, text := range []string{"616263", "YWJj", "31323334353637", "MTIzNDU2Nw", "ab", "abd"} {
		if everyCut(t, short, text) != text {
			t.Errorf("%s was changed", text)
		}
	}
}

// A Cleaner does what looking for each secret at each place does.
func TestACleanerMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 7, -1), 1, 5).Draw(t, "words")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 40, -1).Draw(t, "text")
		var want strings.Builder
		for i := 0; i < len(text); {
			longest := ""
			for _, w := range words {
				if strings.HasPrefix(text[i:], w) && len(w) > len(longest) {
					longest = w
				}
			}
			if longest == "" {
				want.WriteByte(text[i])
				i++
				continue
			}
			want.WriteString(secret.Redacted)
			i += len(longest)
		}
		c := secret.NewCleaner(words...)
		if got := string(c.Bytes([]byte(text))); got != want.String() {
			t.Fatalf("%q in %q: %q, want %q", words, text, got, want.String())
		}
		for cut := range len(text) + 1 {
			s := c.Stream()
			got := string(s.Write([]byte(text[:cut]))) + string(s.Write([]byte(text[cut:]))) + string(s.Rest())
			if got != want.String() {
				t.Fatalf("%q in %q, cut at %d: %q, want %q", words, text, cut, got, want.String())
			}
		}
	})
}

// FuzzCleaner: no secret passes in any encoding, and where a stream is cut does not
// matter.
func FuzzCleaner(f *testing.F) {
	f.Add("sk-proj-0123456789", "Basic ", "@", byte(0))
	f.Add("~~~~????>>>>", "\"", "", byte(3))
	f.Add("aaaaaaaaaaaa", "aaa", "aa", byte(5))
	f.Fuzz(func(t *testing.T, key, before, after string, how byte) {
		if len(key) < 8 || len(key) > 300 || len(before)+len(after) > 300 {
			return
		}
		names := []string{"plain", "hex", "HEX", "base64", "base64 raw", "base64url", "base64 in JSON"}
		text := encodings[names[int(how)%len(names)]](before + key + after)
		clean := everyCut(t, secret.NewCleaner(key), text)
		if !strings.Contains(clean, secret.Redacted) {
			t.Fatalf("%s of %q: %q", names[int(how)%len(names)], before+key+after, clean)
		}
	})
}

// BenchmarkCleaner is what looking for a credential costs: in the headers of an
// answer, in one that is whole, in an event of a stream.
func BenchmarkCleaner(b *testing.B) {
	key := "sk-proj-" + strings.Repeat("0123456789abcdefABCDEFxyzXYZ-_", 5) // as long as OpenAI's
	c := secret.NewCleaner(key)
	prose := func(n int) []byte {
		rng := rand.New(rand.NewPCG(1, 1))
		var t bytes.Buffer
		for t.Len() < n {
			fmt.Fprintf(&t, `{"index":%d,"delta":{"content":" %s"}},`, rng.IntN(9), []string{"skate", "the key", "Hello", "c2stcHJv", "736b2d"}[rng.IntN(5)])
		}
		return t.Bytes()[:n]
	}
	h := http.Header{
		"Content-Type": {"application/json"}, "Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}, "Openai-Processing-Ms": {"471"},
		"Openai-Version": {"2020-10-01"}, "X-Envoy-Upstream-Service-Time": {"480"}, "Cf-Ray": {"8f1c2d3e4f5a6b7c-VIE"}, "Cf-Cache-Status": {"DYNAMIC"},
	}
	b.Run("headers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Header(h)
		}
	})
	for _, n := range []int{2 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("answer=%d", n), func(b *testing.B) {
			text := prose(n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				c.Bytes(text)
			}
		})
	}
	b.Run("event=220", func(b *testing.B) {
		event, s := append(prose(218), "\n\n"...), c.Stream()
		b.SetBytes(220)
		b.ReportAllocs()
		for b.Loop() {
			s.Write(event)
		}
	})
	b.Run("made", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			secret.NewCleaner(key).Text("")
		}
	})
}

// A text full of beginnings of a long secret takes no memory for each of them: who
// brings a credential and its provider could keep the gate busy with that.
func TestBeginningsOfASecretAreCheap(t *testing.T) {
	for name, encode := range encodings {
		key := strings.Repeat("a", 4094) + "bc"
		c := secret.NewCleaner(key)
		text := strings.Repeat(encode(strings.Repeat("a", 2100)), 4)
		if c.Text(text) != text {
			t.Fatalf("%s: what is no secret was changed", name)
		}
		if n := testing.AllocsPerRun(3, func() { c.Text(text) }); n > 2 {
			t.Errorf("%s: %.0f allocations", name, n)
		}
		if full := "x" + encode(key) + "y"; !strings.Contains(c.Text(full), secret.Redacted) || shows(c.Text(full), key) {
			t.Errorf("%s: the secret itself passes", name)
		}
	}
}
