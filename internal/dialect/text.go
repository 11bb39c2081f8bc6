package dialect

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText appends the string that raw, the inside of a JSON string, stands
// for. Lone surrogates become U+FFFD, as in every decoder known; raw must have
// passed the scanner.
func appendText(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		if raw[1] != 'u' {
			dst = append(dst, unescaped(raw[1]))
			raw = raw[2:]
			continue
		}
		r := hex4(raw[2:])
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				low = hex4(raw[2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hex4 is the value of the four hexadecimal digits that b begins with.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// textOf is what a value says, as written, if it is a string; else nil.
func textOf(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return decoded(value[1 : len(value)-1])
}

// decoded is raw itself when it has no escapes, else what it stands for.
func decoded(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return appendText(nil, raw)
}

// appendQuoted appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// alike reports whether a lenient parser might take name for the field called
// known, which is lower-case ASCII: letter case is ignored, also for the four
// letters outside ASCII that turn into ASCII ones when their case is changed;
// underscores, hyphens and control characters are ignored too, because some
// decoders take maxTokens and max-tokens for max_tokens, and some stop at a
// NUL.
func alike(name []byte, known string) bool {
	k := 0
	for len(name) > 0 {
		r, size := utf8.DecodeRune(name)
		name = name[size:]
		r = lower(r)
		if r == '_' || r == '-' || r < ' ' {
			continue
		}
		if k < len(known) && known[k] == '_' {
			k++
		}
		if k == len(known) || r != rune(known[k]) {
			return false
		}
		k++
	}
	return k == len(known)
}

func lower(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r | 0x20
	case r == 'ſ': // LATIN SMALL LETTER LONG S, U+017F
		return 's'
	case r == '\u212a': // KELVIN SIGN
		return 'k'
	case r == 'İ' || r == 'ı': // dotted and dotless, U+0130 and U+0131
		return 'i'
	}
	return r
}
