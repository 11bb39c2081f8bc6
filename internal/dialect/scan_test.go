package dialect

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// pair is a top-level member: its name decoded, its value as written.
type pair struct{ name, value string }

// scanned is what the scanner finds in body: its top-level members, if it is
// an object, and what is wrong with it.
func scanned(body []byte) (pairs []pair, bad string) {
	s := scanner{b: body}
	if s.peek() == '{' {
		s.open()
		for {
			name, ok := s.member()
			if !ok {
				break
			}
			plain := string([]rune(string(decoded(name)))) // invalid UTF-8 as U+FFFD
			pairs = append(pairs, pair{plain, string(s.value())})
		}
	} else {
		s.skip()
	}
	s.end()
	return pairs, s.bad
}

// wanted is what jsontext finds in body.
func wanted(body []byte) (pairs []pair, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() == '{' {
		if _, err = d.ReadToken(); err != nil {
			return nil, err
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			plain := name.String()
			value, err := d.ReadValue()
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, pair{plain, string(value)})
		}
		if _, err = d.ReadToken(); err != nil {
			return nil, err
		}
	} else if _, err = d.ReadValue(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return pairs, nil
}

// withoutControls is body with spaces for control characters, which the
// scanner lets pass inside strings. Outside of them white space means the same,
// and the others it has refused.
func withoutControls(body []byte) []byte {
	clean := bytes.Clone(body)
	for i, c := range clean {
		if c < ' ' {
			clean[i] = ' '
		}
	}
	return clean
}

// FuzzScan compares the scanner with two other parsers: what they accept it
// accepts, what it accepts they accept, and all see the same members.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"b":[true,false,null,{"c":"\u00e9\n\"\\"}],"a":-0.5e+10}`, ` [1, 2] `, `"x"`, `0`, `-`, `01`, `1.`, `1e`,
		`{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{"a":1}x`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\ud800"}`,
		`{"a":"\\\\\""}`, `{"\u0061":1}`, "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", `nul`, `nulll`, `{"a":"b`, `{"a`, `{"a":"b\`, "{\"a\":\"\x01\"}",
		strings.Repeat("[", 512) + strings.Repeat("]", 512),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		pairs, bad := scanned(body)
		if json.Valid(body) && bad != "" && !strings.HasPrefix(bad, "nested") {
			t.Fatalf("refused: %s", bad)
		}
		if bad != "" {
			return
		}
		clean := withoutControls(body)
		if !json.Valid(clean) {
			t.Fatalf("accepted, but encoding/json refuses it")
		}
		ours, _ := scanned(clean)
		theirs, err := wanted(clean)
		if err != nil {
			t.Fatalf("accepted, but jsontext says %v", err)
		}
		if len(ours) != len(pairs) || !slices.Equal(ours, theirs) {
			t.Fatalf("found %q, want %q", ours, theirs)
		}
	})
}

func TestScannerRefusesWhatIsNoJSON(t *testing.T) {
	for _, body := range []string{
		``, ` `, `{`, `}`, `[`, `]`, `"`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `-`, `+1`, `01`, `-01`, `1.`, `.5`, `1e`, `1e+`, `0x10`,
		`tru`, `nul`, `falsy`, `nulll`, `NaN`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`,
		`{} {}`, `{}x`, "\xef\xbb\xbf{}", "\x00{}", "{}\x00", "{\v}", `// {}`, `{'a':1}`,
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	} {
		if _, bad := scanned([]byte(body)); bad == "" {
			t.Errorf("accepted %.40q", body)
		}
	}
}

func TestScannerTakesTheDeepest(t *testing.T) {
	body := strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth)
	if _, bad := scanned([]byte(body)); bad != "" {
		t.Error(bad)
	}
}

func TestAlike(t *testing.T) {
	for name, want := range map[string]bool{
		"max_tokens": true, "Max_Tokens": true, "maxTokens": true, "MAX-TOKENS": true, "max_toKens": true, "max_tokenſ": true,
		"max_tokens\x00": true, "__max__tokens__": true,
		"max_token": false, "max_tokenss": false, "ax_tokens": false, "max.tokens": false, "": false, "mаx_tokens": false, // Cyrillic а
	} {
		if got := alike([]byte(name), "max_tokens"); got != want {
			t.Errorf("alike(%q) = %t", name, got)
		}
	}
	if !alike([]byte("lImİt"), "limit") || !alike([]byte("lımit"), "limit") {
		t.Error("the Turkish letters are not seen")
	}
}

// No two fields may be alike, or a body could not have both.
func TestFieldsAreUnlike(t *testing.T) {
	for _, r := range Routes() {
		words := r.vocabulary()
		for _, n := range words.fields {
			like := words.of([]byte(words.like([]byte(n.name)))) // a twin is taken for the other
			if words.of([]byte(n.name)) != n.field || like != n.field {
				t.Errorf("%s: %q is not found by its name", r.Path, n.name)
			}
		}
	}
}

func TestUnescapeAgreesWithEncodingJSON(t *testing.T) {
	for _, raw := range []string{
		`plain`, `\"\\\/\b\f\n\r\t`, `\u0041\u00e9\uFFFD`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ud83dx`, `\ud83d\n`, `\ud83d\u0041`, `\ud83d\ud83d\ude00`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(decoded([]byte(raw))); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("a\"\\\n\t\x01\x7f\u2028é\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendQuoted(nil, s), &back); err != nil {
			t.Fatal(err)
		}
		if back != string([]rune(s)) {
			t.Fatalf("%q came back as %q", s, back)
		}
	})
}
