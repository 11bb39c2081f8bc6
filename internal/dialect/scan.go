package dialect

import "bytes"

// maxDepth is how deep a body may nest. Nothing that a model is asked comes
// near it, and the walkers recurse.
const (
	maxDepth = 512
	tooDeep  = "nested deeper than 512 levels"
)

// scanner is a strict JSON cursor over b: it enforces the whole grammar of
// RFC 8259 in one pass, decodes nothing and allocates nothing. Two things are
// let through because no structure depends on them and refusing them would
// cost a look at each byte: raw control characters and invalid UTF-8 inside
// strings.
//
// The first trouble sticks. From then on the cursor stands at the end, so that
// every loop over members and elements ends by itself and callers look at bad
// once, when they are through.
type scanner struct {
	b     []byte
	i     int    // the next byte
	depth int    // open objects and arrays
	named int    // where the latest member's name stands
	fresh bool   // just behind an opening bracket: no comma is due
	bad   string // what is wrong, "" while all is well
	at    int    // where it is wrong
}

// fail notes the first trouble, at offset at.
func (s *scanner) fail(at int, problem string) {
	if s.bad == "" {
		s.bad, s.at = problem, at
	}
	s.i = len(s.b)
}

// unexpected fails at the cursor, with what the grammar wanted there.
func (s *scanner) unexpected(wanted string) {
	if s.i >= len(s.b) {
		wanted = "the body ends too early"
	}
	s.fail(s.i, wanted)
}

// peek is the next byte that is not white space, with the cursor on it; 0 at
// the end of the input.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i]
	}
	return s.peekFar()
}

func (s *scanner) peekFar() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// open steps over the bracket under the cursor. Members or elements follow.
func (s *scanner) open() {
	if s.depth == maxDepth {
		s.fail(s.i, tooDeep)
		return
	}
	s.depth++
	s.i++
	s.fresh = true
}

// more steps to the next member or element of what was opened, over its comma,
// and reports false, over the bracket, when close ends it.
func (s *scanner) more(close byte) bool {
	c := s.peek()
	switch {
	case c == close:
		s.i++
		s.depth--
		s.fresh = false
		return false
	case s.fresh:
		s.fresh = false
		return s.bad == ""
	case c != ',':
		s.unexpected("a comma or the end of the " + bracketed(close) + " is missing")
		return false
	}
	s.i++
	if s.peek() == close {
		s.unexpected("a comma without anything behind it")
		return false
	}
	return s.bad == ""
}

func bracketed(close byte) string {
	if close == '}' {
		return "object"
	}
	return "array"
}

// element reports whether another element of the open array follows; the
// cursor is then before its value, which the caller must read or skip.
func (s *scanner) element() bool { return s.more(']') }

// member gives the name of the next member of the open object as it stands
// between the quotes; the cursor is then before its value, which the caller
// must read or skip. It is false at the object's end.
func (s *scanner) member() (name []byte, ok bool) {
	if !s.more('}') {
		return nil, false
	}
	if s.peek() != '"' {
		s.unexpected("a name in quotes is missing")
		return nil, false
	}
	s.named = s.i
	name = s.text()
	if s.peek() != ':' {
		s.unexpected("a colon is missing behind the name")
		return nil, false
	}
	s.i++
	return name, true
}

// eachMember calls member for each member of the object under the cursor, which
// must read or skip the value. Anything else than an object is skipped.
func eachMember(s *scanner, member func(name []byte)) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.open()
	for {
		name, ok := s.member()
		if !ok {
			return
		}
		member(name)
	}
}

// text steps over the string under the cursor and gives what stands between
// its quotes, escapes as written.
//
// It looks for quotes and backslashes with the vector instructions behind
// IndexByte, each byte once for either, so a long prompt costs next to nothing.
func (s *scanner) text() []byte {
	start := s.i + 1
	quote := indexFrom(s.b, start, '"')
	for p := start; quote >= 0; {
		e := bytes.IndexByte(s.b[p:quote], '\\')
		if e < 0 {
			s.i = quote + 1
			return s.b[start:quote]
		}
		p += e
		for p < len(s.b) && s.b[p] == '\\' { // escapes like company
			n := escapeLen(s.b[p:])
			if n == 0 {
				s.fail(p, "an escape that JSON does not have")
				return nil
			}
			p += n
		}
		if p > quote {
			quote = indexFrom(s.b, p, '"')
		}
	}
	s.fail(start-1, "a string without an end")
	return nil
}

func indexFrom(b []byte, from int, c byte) int {
	if i := bytes.IndexByte(b[from:], c); i >= 0 {
		return from + i
	}
	return -1
}

// escapeLen is the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// number steps over the number under the cursor and gives it as written.
func (s *scanner) number() []byte {
	start := s.i
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return nil
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return nil
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return nil
		}
	}
	return s.b[start:s.i]
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	if s.i == start {
		s.unexpected("a digit is missing")
		return false
	}
	return true
}

// literal steps over word, one of true, false and null.
func (s *scanner) literal(word string) {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		s.unexpected("a value is missing")
		return
	}
	s.i += len(word)
}

// skip steps over the next value, whatever it is.
func (s *scanner) skip() {
	switch c := s.peek(); c {
	case '"':
		s.text()
	case '{':
		s.open()
		for {
			if _, ok := s.member(); !ok {
				return
			}
			s.skip()
		}
	case '[':
		s.open()
		for s.element() {
			s.skip()
		}
	default:
		s.scalar(c)
	}
}

// scalar steps over the number or literal that begins with c.
func (s *scanner) scalar(c byte) {
	switch {
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	default:
		s.unexpected("a value is missing")
	}
}

// value steps over the next value and gives it as written, without the white
// space around it.
func (s *scanner) value() []byte {
	s.peek()
	start := s.i
	s.skip()
	if s.bad != "" {
		return nil
	}
	return s.b[start:s.i]
}

// null steps over a null and reports whether there was one.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

// end fails when anything but white space follows.
func (s *scanner) end() {
	if s.peek(); s.i < len(s.b) {
		s.fail(s.i, "something follows the end of the object")
	}
}
