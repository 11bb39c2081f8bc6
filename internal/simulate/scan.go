package simulate

import "bytes"

// scanner walks JSON without building anything. Its errors stick: once bad, it
// yields nothing more.
type scanner struct {
	b     []byte
	i     int
	depth int
	first bool // the next element is its container's first
	bad   bool
}

const maxDepth = 256

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// peek is the next byte that is not white space; 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or array.
func (s *scanner) open(c byte) bool {
	if s.peek() != c || s.depth == maxDepth {
		s.fail()
		return false
	}
	s.i++
	s.depth++
	s.first = true
	return true
}

// more reports whether the container that end closes has another element, and
// leaves it when it has not.
func (s *scanner) more(end byte) bool {
	c := s.peek()
	switch {
	case s.bad:
		return false
	case c == end:
		s.i++
		s.depth--
		s.first = false
		return false
	case s.first:
		s.first = false
		return true
	case c == ',':
		s.i++
		if s.peek() == end {
			s.fail()
			return false
		}
		return true
	}
	s.fail()
	return false
}

// name reads a member's name and its colon. Escapes in it are left as they are:
// no name that matters has any.
func (s *scanner) name() []byte {
	raw, _ := s.text()
	if s.peek() != ':' {
		s.fail()
		return nil
	}
	s.i++
	return raw
}

// text reads a string: its bytes as they stand, and how long it is decoded.
func (s *scanner) text() (raw []byte, decoded int) {
	if s.peek() != '"' {
		s.fail()
		return nil, 0
	}
	start := s.i + 1
	at, quote := start, -1
	for {
		if quote < at { // an escape may have passed over the last one
			n := bytes.IndexByte(s.b[at:], '"')
			if n < 0 {
				s.fail()
				return nil, 0
			}
			quote = at + n
		}
		slash := bytes.IndexByte(s.b[at:quote], '\\')
		if slash < 0 {
			s.i = quote + 1
			return s.b[start:quote], decoded + quote - at
		}
		used, gives := escape(s.b[at+slash:])
		if used == 0 {
			s.fail()
			return nil, 0
		}
		decoded += slash + gives
		at += slash + used
	}
}

// escape measures the escape that b begins with, written and decoded; 0 when it
// is none. A surrogate counts two bytes, so that a pair counts four.
func escape(b []byte) (used, gives int) {
	if len(b) < 2 {
		return 0, 0
	}
	if b[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) < 0 {
			return 0, 0
		}
		return 2, 1
	}
	if len(b) < 6 {
		return 0, 0
	}
	n := 0
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, 0
		}
	}
	switch {
	case n < 0x80:
		return 6, 1
	case n < 0x800, n >= 0xd800 && n < 0xe000:
		return 6, 2
	}
	return 6, 3
}

// word reads a number, true, false or null.
func (s *scanner) word() []byte {
	s.peek()
	start := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '-' || c == '+' || c == '.' {
			s.i++
			continue
		}
		break
	}
	w := s.b[start:s.i]
	if len(w) == 0 || (w[0] >= 'a' && string(w) != "true" && string(w) != "false" && string(w) != "null") || w[0] == '+' || w[0] == '.' || w[0] == 'E' {
		s.fail()
		return nil
	}
	return w
}

// skip passes over any value.
func (s *scanner) skip() {
	switch s.peek() {
	case '"':
		s.text()
	case '{':
		for ok := s.open('{'); ok && s.more('}'); {
			s.name()
			s.skip()
		}
	case '[':
		for ok := s.open('['); ok && s.more(']'); {
			s.skip()
		}
	default:
		s.word()
	}
}

// end reports whether everything was read and was well-formed.
func (s *scanner) end() bool { return s.peek() == 0 && !s.bad && s.i >= len(s.b) }

// mediaTokens is what a picture, a sound or a file costs, however large: the
// figure that OpenAI gives for a picture of low detail.
const mediaTokens = 85

// weigh counts the tokens of a value: one for each four bytes of each text in
// it, rounded up. Labels are not counted, a medium counts mediaTokens, or less
// when it has not even that many bytes.
func (s *scanner) weigh() int64 {
	var n int64
	switch s.peek() {
	case '"':
		_, decoded := s.text()
		n = int64(decoded+3) / 4
	case '{':
		for ok := s.open('{'); ok && s.more('}'); {
			n += s.weighMember()
		}
	case '[':
		for ok := s.open('['); ok && s.more(']'); {
			n += s.weigh()
		}
	default:
		s.word()
	}
	return n
}

func (s *scanner) weighMember() int64 {
	switch name := s.name(); string(name) {
	case "type", "role", "id", "tool_call_id", "tool_use_id", "detail", "cache_control":
		s.skip()
		return 0
	case "image_url", "input_audio", "source", "file", "inlineData", "inline_data", "fileData", "file_data":
		start := s.i
		s.skip()
		return min(int64(s.i-start)/4, mediaTokens)
	}
	return s.weigh()
}

// weighAny is weigh for the inputs that may also be tokens already: a number
// counts one. It also counts the separate inputs: a text, or a list of tokens.
func (s *scanner) weighAny() (tokens, inputs int64) {
	if s.peek() != '[' {
		return s.weigh(), 1
	}
	var numbers int64
	for ok := s.open('['); ok && s.more(']'); {
		switch s.peek() {
		case '[', '"':
			n, _ := s.weighAny()
			tokens += n
			inputs++
		default:
			s.word()
			numbers++
		}
	}
	if numbers > 0 {
		inputs++
	}
	return tokens + numbers, max(inputs, 1)
}
