package tokens

import (
	"unicode"
	"unicode/utf8"
)

// class is what a character is to the expressions that cut a text into words
// before it is encoded (pat_str in tiktoken_ext/openai_public.py).
type class uint8

const (
	other   class = iota // punctuation, symbols, controls
	letter               // \p{L}
	mark                 // \p{M}
	number               // \p{N}
	space                // \s but newline
	newline              // \r, \n
	strange              // not known for certain
)

// maxRun is the longest run that is tokenised; in bytes. Prose, code and data
// have runs of some ten bytes, languages without spaces of some hundred.
const maxRun = 1 << 10

// run is the end of the run of text that begins at at, and whether the library
// counts it rightly.
//
// A run ends behind a letter or number where the next character can belong to no
// word with it. Neither expression then has a match across that place, and since
// they do not look behind either, the text after it is cut as if it began there.
// Marks are no ends: they can belong to words and to punctuation.
func run(text []byte, at int) (end int, certain bool) {
	certain = true
	last, breaks := strange, 0 // strange: no end before the first character
	i := at
	for i < len(text) {
		c, size := classAt(text, i)
		if ends(last, c, text[i]) {
			break
		}
		switch c {
		case strange:
			certain = false
		case newline:
			if last != newline {
				breaks++
			}
			// The library cuts white space at its first line break, where OpenAI
			// cuts at its last.
			certain = certain && breaks < 2
		case space:
		default:
			breaks = 0
		}
		last = c
		i += size
	}
	return i, certain && i-at <= maxRun
}

// ends reports whether no match goes on from a character of class last to one of
// class next, whose first byte is b.
func ends(last, next class, b byte) bool {
	switch last {
	case letter: // letters go on with letters, marks, and the 's of it's
		return next != letter && next != mark && next != strange && b != '\''
	case number:
		return next != number && next != strange
	}
	return false
}

// classAt is the class and size in bytes of the character at i.
func classAt(text []byte, i int) (class, int) {
	b := text[i]
	if b < utf8.RuneSelf {
		return asciiClass(b), 1
	}
	r, size := utf8.DecodeRune(text[i:])
	if r == utf8.RuneError && size == 1 {
		return strange, 1
	}
	return runeClass(r), size
}

func asciiClass(b byte) class {
	switch {
	case 'a' <= b|0x20 && b|0x20 <= 'z':
		return letter
	case '0' <= b && b <= '9':
		return number
	case b == '\n' || b == '\r':
		return newline
	case b == ' ' || ('\t' <= b && b <= '\f'):
		return space
	case b == 0x7f: // DEL; the library's tables have no class for it and it is lost
		return strange
	}
	return other
}

// runeClass is the class of a character outside ASCII. One without a class in
// Go's tables may have got one since.
func runeClass(r rune) class {
	switch {
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.M, r):
		return mark
	case unicode.Is(unicode.N, r):
		return number
	case unicode.IsSpace(r):
		return space
	case unicode.In(r, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf, unicode.Co):
		return other
	}
	return strange
}
