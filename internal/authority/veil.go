package authority

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/key"
)

// What the audit keeps of what callers write. It is never changed, so what must
// not be in it must not get in.
const (
	veiled    = "[redacted]"
	tooLong   = "[too long]"
	maxName   = 200     // bytes of a name
	maxChange = 8 << 10 // bytes of either side of a change
	minVeiled = 12      // characters behind a known prefix that may be a secret
	minRandom = 32      // characters that nobody types
)

// foreign is what providers' keys begin with.
var foreign = []string{"sk-", "sk_", "pk_", "rk_", "gsk_", "hf_", "xai-", "AIza", "ghp_", "github_pat_"}

// ownID is the form of every id that Tollgate makes.
var ownID = regexp.MustCompile(`^(key|user|org|mk|sec|cred|bot|price|rerate)_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^(req|bal)_[0-9a-f]{32}$`)

// resourceID is id if it can be one: what stands in a path may be anything, a key
// that was pasted into the wrong place too.
func resourceID(id string) string {
	if ownID.MatchString(id) {
		return id
	}
	return ""
}

// veil hides what looks like a secret.
type veil struct{ prefixes []string }

func newVeil(own ...string) veil {
	prefixes := append([]string{key.DefaultPrefix, key.ManagementPrefix}, foreign...)
	for _, p := range own {
		if len(p) >= 3 { // a shorter one would be found in many words
			prefixes = append(prefixes, p)
		}
	}
	return veil{prefixes}
}

// Veil is s with every word hidden that looks like a secret, for what callers
// write as free text and a keeper other than this one stores.
func (a *Authority) Veil(s string) string { return a.veil.hide(s) }

// text is s with every word that looks like a secret hidden, and at most n bytes.
func (v veil) text(s string, n int) string { return clean(v.hide(s), n) }

// hide is s with every word that looks like a secret hidden.
func (v veil) hide(s string) string {
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(s)
		}
		if v.secret(s[:n]) {
			b.WriteString(veiled)
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
		if n = strings.IndexFunc(s, inWord); n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

func inWord(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || r == '_' || r == '-'
}

func (v veil) secret(word string) bool {
	if len(word) < minVeiled || ownID.MatchString(word) {
		return false
	}
	if key.Wellformed(word) {
		return true
	}
	for _, p := range v.prefixes {
		for at := 0; ; at++ {
			i := strings.Index(word[at:], p)
			if i < 0 {
				break
			}
			at += i
			begins := at == 0 || word[at-1] == '_' || word[at-1] == '-'
			if begins && len(word)-at-len(p) >= minVeiled {
				return true
			}
		}
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '_' || r == '-' }) {
		if len(part) >= minRandom && mixed(part) {
			return true
		}
	}
	return false
}

// mixed reports whether s has digits, capital and small letters.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s
}

// changes is list as an event keeps it.
func (v veil) changes(list []Change) string {
	shown := make([]Change, len(list))
	for i, c := range list {
		shown[i] = Change{Field: c.Field, From: v.value(c.From), To: v.value(c.To)}
	}
	return encode(shown)
}

// value is the JSON value raw with every text in it veiled.
func (v veil) value(raw jsontext.Value) jsontext.Value {
	if len(raw) > maxChange {
		return jsontext.Value(`"` + tooLong + `"`)
	}
	var b bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(raw)), jsontext.NewEncoder(&b)
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return jsontext.Value(bytes.TrimSpace(b.Bytes()))
		}
		if err == nil && token.Kind() == '"' {
			token = jsontext.String(v.hide(token.String()))
		}
		if err == nil {
			err = enc.WriteToken(token)
		}
		if err != nil { // two names that look alike once they are hidden
			return jsontext.Value(`"` + veiled + `"`)
		}
	}
}
