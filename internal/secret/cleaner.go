package secret

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Cleaner takes secrets out of what others answer: some repeat them in their
// errors. The zero value knows none and lets everything pass. It is immutable and
// safe for concurrent use.
type Cleaner struct{ words [][]byte } // longest first

// NewCleaner makes a Cleaner of secrets; empty ones are passed over. A secret is
// also found as JSON, URLs and HTML write it.
func NewCleaner(secrets ...string) Cleaner {
	var c Cleaner
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range written(s) {
			if !c.has(form) {
				c.words = append(c.words, []byte(form))
			}
		}
	}
	if len(c.words) > 1 {
		slices.SortStableFunc(c.words, func(a, b []byte) int { return len(b) - len(a) })
	}
	return c
}

// needless is what some encoders of JSON write as \u002B, or \u002b, though they
// need not.
var needless = strings.NewReplacer(`"`, `\u0022`, `&`, `\u0026`, `'`, `\u0027`, `+`, `\u002B`, `<`, `\u003C`, `>`, `\u003E`, "`", `\u0060`, `\`, `\\`)

// component is what encodeURIComponent leaves as it is, and Go's does not.
var component = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "+", "%20")

// written are the forms in which usual encoders write s. Most secrets have one.
func written(s string) []string {
	query := url.QueryEscape(s)
	if query == s {
		return []string{s}
	}
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

// digits are those of an escape, which may be in either case.
var digits = regexp.MustCompile(`\\u00[0-9A-F]{2}|%[0-9A-F]{2}`)

func (c Cleaner) has(word string) bool {
	return slices.ContainsFunc(c.words, func(w []byte) bool { return string(w) == word })
}

// Bytes is b without the secrets. It is b itself when none is in there.
func (c Cleaner) Bytes(b []byte) []byte {
	for _, w := range c.words {
		if bytes.Contains(b, w) {
			b = bytes.ReplaceAll(b, w, []byte(Redacted))
		}
	}
	return b
}

// Text is s without the secrets.
func (c Cleaner) Text(s string) string {
	for _, w := range c.words {
		if strings.Contains(s, string(w)) {
			s = strings.ReplaceAll(s, string(w), Redacted)
		}
	}
	return s
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
func (c Cleaner) Stream() *CleanStream { return &CleanStream{clean: c} }

// CleanStream takes secrets out of one stream. It is for one goroutine.
type CleanStream struct {
	clean Cleaner
	held  []byte // the end of what came, if it may be the beginning of a secret
}

// Write takes the next bytes and gives those that may be passed on now. They stay
// valid until b is changed or the next call.
func (s *CleanStream) Write(b []byte) []byte {
	if len(s.clean.words) == 0 {
		return b
	}
	if len(s.held) > 0 {
		b = slices.Concat(s.held, b)
		s.held = nil
	}
	b = s.clean.Bytes(b)
	if n := s.clean.begun(b); n > 0 {
		s.held = slices.Clone(b[len(b)-n:])
		b = b[:len(b)-n]
	}
	return b
}

// Rest gives what was held back when the stream has ended: it was no secret.
func (s *CleanStream) Rest() []byte {
	b := s.held
	s.held = nil
	return b
}

// begun is how many bytes at the end of b may be the beginning of a secret.
func (c Cleaner) begun(b []byte) int {
	for n := min(len(b), c.longest()-1); n > 0; n-- {
		tail := b[len(b)-n:]
		for _, w := range c.words {
			if len(w) > n && bytes.HasPrefix(w, tail) {
				return n
			}
		}
	}
	return 0
}

func (c Cleaner) longest() int {
	if len(c.words) == 0 {
		return 0
	}
	return len(c.words[0])
}
