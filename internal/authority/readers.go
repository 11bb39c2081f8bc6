package authority

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The makers of table lines. Each reads one JSON type, says what would be right,
// and writes where `at` points.

// textField reads one line of lo to hi characters. Text that may be empty (lo is
// 0) may also be null, which is "".
func textField[T any](name string, lo, hi int, at func(*T) *string) field[T] {
	return anyTextField(name, lo, hi, at, misleads)
}

// linesField is a textField that may have several lines.
func linesField[T any](name string, lo, hi int, at func(*T) *string) field[T] {
	return anyTextField(name, lo, hi, at, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
	})
}

// misleads reports whether a character makes text look like another, or moves
// what stands around it: control, zero-width and bidirectional characters.
func misleads(r rune) bool {
	return unicode.IsControl(r) || r >= '\u200b' && r <= '\u200f' || r >= '\u2028' && r <= '\u202e' ||
		r >= '\u2060' && r <= '\u2069' || r == '\ufeff'
}

const noMisleading = "must not contain control, zero-width or bidirectional characters"

// anyTextField refuses characters that are wrong, but for what is stored already.
func anyTextField[T any](name string, lo, hi int, at func(*T) *string, wrong func(rune) bool) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		var s string
		if isNull(raw) && lo == 0 {
			*at(e.next) = ""
			return ""
		}
		if isNull(raw) || json.Unmarshal(raw, &s) != nil {
			return fmt.Sprintf("must be text of %d to %d characters", lo, hi)
		}
		s = strings.TrimSpace(s)
		if n := utf8.RuneCountInString(s); n < lo || n > hi {
			return fmt.Sprintf("must have %d to %d characters, not %d", lo, hi, n)
		}
		if strings.ContainsFunc(s, wrong) && (e.current == nil || s != *at(e.current)) {
			return noMisleading
		}
		*at(e.next) = s
		return ""
	}, get: func(t *T) any { return *at(t) }}
}

// wordField reads one of a few words. null is the empty word where that is
// among them.
func wordField[T any, W ~string](name string, at func(*T) *W, words ...W) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		var s W
		if !isNull(raw) {
			if json.Unmarshal(raw, &s) != nil || s == "" {
				return "must be one of " + oneOf(words)
			}
		}
		if !slices.Contains(words, s) {
			return "must be one of " + oneOf(words)
		}
		*at(e.next) = s
		return ""
	}, get: func(t *T) any { return wordOrNull(*at(t)) }}
}

// wordOrNull is nil for the empty word.
func wordOrNull[W ~string](w W) any {
	if w == "" {
		return nil
	}
	return string(w)
}

func oneOf[W ~string](words []W) string {
	var shown []string
	for _, w := range words {
		if w != "" {
			shown = append(shown, string(w))
		}
	}
	return strings.Join(shown, ", ")
}

// numberField is a countField of something that is no limit.
func numberField[T any](name string, lo, hi int64, at func(*T) **int64) field[T] {
	f := countField(name, lo, hi, at)
	set := f.set
	f.set = func(e *edit[T], raw jsontext.Value) string {
		return strings.TrimSuffix(set(e, raw), orUnlimited)
	}
	return f
}

const orUnlimited = ", or null for unlimited"

// countField reads a whole number from lo to hi; null is unlimited.
func countField[T any](name string, lo, hi int64, at func(*T) **int64) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		if isNull(raw) {
			*at(e.next) = nil
			return ""
		}
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || n < lo || n > hi {
			return fmt.Sprintf("must be a whole number from %d to %d"+orUnlimited, lo, hi)
		}
		*at(e.next) = &n
		return ""
	}, get: func(t *T) any { return *at(t) }, tightens: func(old, next *T) bool { return fewer(*at(old), *at(next)) }}
}

// switchField reads true or false.
func switchField[T any](name string, at func(*T) *bool) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		if kind := raw.Kind(); kind != 't' && kind != 'f' {
			return "must be true or false"
		}
		*at(e.next) = raw.Kind() == 't'
		return ""
	}, get: func(t *T) any { return *at(t) }}
}

// boolField reads true, false or null.
func boolField[T any](name string, at func(*T) **bool) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		switch raw.Kind() {
		case 'n':
			*at(e.next) = nil
		case 't', 'f':
			b := raw.Kind() == 't'
			*at(e.next) = &b
		default:
			return "must be true, false or null"
		}
		return ""
	}, get: func(t *T) any { return *at(t) }}
}

// activeField reads is_active into a status; one that is revoked stays so.
func activeField[T any](at func(*T) *Status) field[T] {
	return field[T]{name: "is_active", set: func(e *edit[T], raw jsontext.Value) string {
		status := at(e.next)
		switch kind := raw.Kind(); {
		case kind != 't' && kind != 'f':
			return "must be true or false"
		case kind == 't' && *status == StatusRevoked:
			return "the key was revoked, which is for good; make a new key"
		case kind == 't':
			*status = StatusActive
		case *status != StatusRevoked:
			*status = StatusDisabled
		}
		return ""
	}}
}

// readOnly names a field that answers show and bodies may not carry.
func readOnly[T any](name, hint string) field[T] {
	return field[T]{name: name, set: func(*edit[T], jsontext.Value) string {
		return strings.TrimSuffix("is read-only; "+hint, "; ")
	}}
}

// kept is a read-only field that changes all the same, by other means than a
// body; the audit shows it.
func kept[T any](name, hint string, get func(*T) any) field[T] {
	f := readOnly[T](name, hint)
	f.get, f.tightens = get, always
	return f
}

// instantField reads an RFC 3339 instant in the future, or the one that is stored
// already; null is never.
func instantField[T any](name string, now time.Time, at func(*T) *time.Time) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		if isNull(raw) {
			*at(e.next) = time.Time{}
			return ""
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "must be an instant like 2030-01-31T23:59:59Z, or null for never"
		}
		t, err := time.Parse(time.RFC3339, s)
		switch {
		case err != nil:
			return "must be an instant like 2030-01-31T23:59:59Z, or null for never"
		case !t.After(now) && (e.current == nil || !t.Equal(*at(e.current))):
			return "must lie in the future; it is now " + now.Format(time.RFC3339)
		case t.UTC().Year() > 9999: // its offset can carry it beyond what RFC 3339 can write
			return "must lie before the year 10000 (UTC); send null for never"
		}
		*at(e.next) = t.UTC().Truncate(time.Millisecond)
		return ""
	}, get: func(t *T) any { return instantOrNull(*at(t)) }, tightens: func(old, next *T) bool { return sooner(*at(old), *at(next)) }}
}

// instantOrNull is nil for never.
func instantOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

// maxItems is how many entries a list or map may have.
const maxItems = 1000

// allowList reads a list that restricts: null, and [] at creation, restrict
// nothing. canonical gives an entry its stored form or says what is wrong; covers
// reports whether one entry lets through all that another does.
func allowList[T any](name string, at func(*T) *[]string, canonical func(string) (string, string),
	covers func(wide, narrow string) bool,
) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		list, problem := readList(raw, canonical)
		if problem != "" {
			return problem
		}
		if e.current != nil && list != nil && len(list) == 0 && len(*at(e.current)) > 0 {
			e.lifted = append(e.lifted, name)
			return ""
		}
		if len(list) == 0 {
			list = nil
		}
		*at(e.next) = list
		return ""
	}, get: func(t *T) any { return *at(t) }, tightens: func(old, next *T) bool { return within(*at(old), *at(next), covers) }}
}

// wordsField reads a list that restricts nothing: null is empty.
func wordsField[T any](name string, at func(*T) *[]string, canonical func(string) (string, string)) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		list, problem := readList(raw, canonical)
		if problem == "" {
			*at(e.next) = append([]string{}, list...)
		}
		return problem
	}, get: func(t *T) any { return *at(t) }}
}

// readList reads an array of text, without repetitions; nil for null.
func readList(raw jsontext.Value, canonical func(string) (string, string)) ([]string, string) {
	if isNull(raw) {
		return nil, ""
	}
	var items []*string
	if raw.Kind() != '[' || json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
		return nil, "must be a list of text, or null"
	}
	if len(items) > maxItems {
		return nil, fmt.Sprintf("must have %d entries at most, not %d", maxItems, len(items))
	}
	list := make([]string, 0, len(items))
	for i, item := range items {
		s, problem := canonical(*item)
		if problem != "" {
			return nil, fmt.Sprintf("entry %d: %s", i+1, problem)
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list, ""
}

// flagsField reads an object of {word: bool}. It is merged into the present one
// word by word, null taking a word out (RFC 7396); null for the whole empties it.
func flagsField[T any](name string, at func(*T) *map[string]bool) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		var flags map[string]*bool
		if !isNull(raw) && (raw.Kind() != '{' || json.Unmarshal(raw, &flags) != nil) {
			return "must be an object like {\"read\": true}, or null"
		}
		merged := map[string]bool{}
		if !isNull(raw) {
			maps.Copy(merged, *at(e.next))
		}
		for word, on := range flags {
			if _, problem := plain(word); problem != "" {
				return "each name " + problem
			}
			if on == nil {
				delete(merged, word)
			} else {
				merged[word] = *on
			}
		}
		if len(merged) > maxItems {
			return fmt.Sprintf("must have %d entries at most, not %d", maxItems, len(merged))
		}
		*at(e.next) = merged
		return ""
	}, get: func(t *T) any { return *at(t) }, tightens: func(old, next *T) bool { return flagsWithin(*at(old), *at(next)) }}
}

func isNull(raw jsontext.Value) bool { return raw.Kind() == 'n' }

// plain takes an entry of 1 to 200 printable characters without white space.
func plain(s string) (string, string) {
	if n := utf8.RuneCountInString(s); n < 1 || n > 200 {
		return "", fmt.Sprintf("must have 1 to 200 characters, not %d", n)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "", "must not contain white space or control characters"
	}
	return s, ""
}
