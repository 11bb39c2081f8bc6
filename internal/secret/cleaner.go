package secret

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// Cleaner takes secrets out of what others answer: some repeat them in their
// errors. The zero value knows none and lets everything pass. It is immutable and
// safe for concurrent use.
type Cleaner struct{ words *finder } // nil = none

// NewCleaner makes a Cleaner of secrets; empty ones are passed over. A secret is
// also found as JSON, URLs and HTML write it and, if it is long enough to be told
// from other text, in base64, whatever stands before and behind it there, and in hex.
func NewCleaner(secrets ...string) Cleaner {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 {
		return Cleaner{}
	}
	return Cleaner{&finder{secrets: secrets}}
}

// make adds all forms of the secrets.
func (f *finder) make() {
	for _, s := range f.secrets {
		for _, form := range written(s) {
			f.add(word{text: form})
		}
		if len(s) < leastEncoded {
			continue
		}
		two := bytesOfTwoAlphabets(s)
		for _, form := range [...]word{{s, lowerHex}, {s, upperHex}, {s, base64At0}, {s, base64At1}, {s, base64At2}} {
			if two && form.in >= base64At0 {
				std := string(form.whole(nil))
				for _, other := range append(written(std), urlDigits.Replace(std)) {
					f.add(word{text: other})
				}
				continue
			}
			f.add(form)
		}
	}
	f.wholes = make([]atomic.Pointer[string], len(f.words))
}

// leastEncoded is the shortest secret that is looked for in base64 and hex: shorter
// ones would be found in texts that have nothing to do with them.
const leastEncoded = 8

// bytesOfTwoAlphabets reports whether base64 may write s with + or /, for which its
// other alphabet has other digits, and encoders of JSON and URLs have other ways. Of
// ASCII text only what ends in five ones is written so.
func bytesOfTwoAlphabets(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i]&62 == 62 {
			return true
		}
	}
	return false
}

var urlDigits = strings.NewReplacer("+", "-", "/", "_")

// needless is what some encoders of JSON write as \u002B, or \u002b, though they
// need not.
var needless = strings.NewReplacer(`"`, `\u0022`, `&`, `\u0026`, `'`, `\u0027`, `+`, `\u002B`, `<`, `\u003C`, `>`, `\u003E`, "`", `\u0060`, `\`, `\\`)

// component is what encodeURIComponent leaves as it is, and Go's does not.
var component = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "+", "%20")

// written are the forms in which usual encoders write s. Most secrets have one.
func written(s string) []string {
	if unreserved(s) {
		return []string{s}
	}
	query := url.QueryEscape(s)
	escaped, _ := json.Marshal(s) // text is always JSON
	inJSON := string(escaped[1 : len(escaped)-1])
	quoted := strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
	forms := []string{s, quoted, inJSON, needless.Replace(s), query, component.Replace(query), url.PathEscape(s), html.EscapeString(s)}
	for _, form := range forms[1:4] {
		forms = append(forms, strings.ReplaceAll(form, "/", `\/`))
	}
	for _, form := range forms[3:7] {
		forms = append(forms, digits.ReplaceAllStringFunc(form, strings.ToLower))
	}
	return forms
}

// unreserved reports whether no encoder changes s (RFC 3986 section 2.3).
func unreserved(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '~' {
				return false
			}
		}
	}
	return true
}

// digits are those of an escape, which may be in either case.
var digits = regexp.MustCompile(`\\u00[0-9A-F]{2}|%[0-9A-F]{2}`)

// Bytes is b without the secrets. It is b itself when none is in there.
func (c Cleaner) Bytes(b []byte) []byte {
	clean, _ := cleaned(c.words, b, true)
	return clean
}

// Text is s without the secrets.
func (c Cleaner) Text(s string) string {
	if m := next(c.words, s, 0, true); m.end == 0 {
		return s
	}
	return string(c.Bytes([]byte(s)))
}

// cleaned is b without secrets and, unless it is final, without its end, if that may
// be the beginning of one; held is that end.
func cleaned(f *finder, b []byte, final bool) (clean, held []byte) {
	m := next(f, b, 0, final)
	if m.end == 0 {
		return b[:m.at], b[m.at:]
	}
	clean = make([]byte, 0, len(b)+len(Redacted))
	from := 0
	for m.end > 0 {
		clean = append(append(clean, b[from:m.at]...), Redacted...)
		from = m.end
		m = next(f, b, from, final)
	}
	return append(clean, b[from:m.at]...), b[m.at:]
}

// Header takes the secrets out of headers. Values that hold one are replaced, not
// changed: they may be shared.
func (c Cleaner) Header(h http.Header) {
	for name, values := range h {
		for i, v := range values {
			if clean := c.Text(v); clean != v {
				values = slices.Clone(values)
				values[i] = clean
				h[name] = values
			}
		}
	}
}

// Stream is a Cleaner of bytes that come in pieces, at any of which a secret may
// be cut.
func (c Cleaner) Stream() *CleanStream { return &CleanStream{words: c.words} }

// CleanStream takes secrets out of one stream: what it gives does not depend on
// where the pieces end. It is for one goroutine.
type CleanStream struct {
	words *finder
	held  []byte // the end of what came, if it may be the beginning of a secret
}

// Write takes the next bytes and gives those that may be passed on now. They stay
// valid until b is changed or the next call.
func (s *CleanStream) Write(b []byte) []byte {
	if s.words == nil {
		return b
	}
	if len(s.held) > 0 {
		b = slices.Concat(s.held, b)
		s.held = nil
	}
	clean, held := cleaned(s.words, b, false)
	if len(held) > 0 {
		s.held = slices.Clone(held)
	}
	return clean
}

// Rest gives what was held back when the stream has ended: no secret, or one that
// could have been a longer one.
func (s *CleanStream) Rest() []byte {
	clean, _ := cleaned(s.words, s.held, true)
	s.held = nil
	return clean
}
