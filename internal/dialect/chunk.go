package dialect

import "bytes"

// chunk is what the gate reads of one JSON answer or one chunk of a stream.
type chunk struct {
	id     []byte // raw; nil = none
	usage  []byte // the value; nil = none or null
	failed bool   // there is a top-level error that is not null
	empty  bool   // there are choices, and none in them
	bytes  int64  // of output text, escapes as written
	texts  int64  // pieces of output text that are not empty
	last   span   // the name and the opening quote of the last of them
}

// readChunk reads data; it is false when that is no JSON object.
func readChunk(data []byte) (c chunk, ok bool) {
	s := scanner{b: data}
	if s.peek() != '{' {
		return c, false
	}
	s.open()
	for {
		name, ok := s.member()
		if !ok {
			break
		}
		switch string(name) {
		case "id":
			if s.peek() == '"' {
				c.id = s.text()
				continue
			}
			s.skip()
		case "usage":
			if v := s.value(); string(v) != "null" {
				c.usage = v
			}
		case "error":
			c.failed = string(s.value()) != "null" || c.failed
		case "choices":
			c.readChoices(&s)
		default:
			s.skip()
		}
	}
	s.end()
	return c, s.bad == ""
}

func (c *chunk) readChoices(s *scanner) {
	if s.peek() != '[' {
		s.skip()
		return
	}
	s.open()
	c.empty = true
	for s.element() {
		c.empty = false
		c.walk(s)
	}
}

// walk counts the output texts in the value under the cursor.
func (c *chunk) walk(s *scanner) {
	switch s.peek() {
	case '{':
		c.object(s)
	case '[':
		s.open()
		for s.element() {
			c.walk(s)
		}
	default:
		s.skip()
	}
}

func (c *chunk) object(s *scanner) {
	s.open()
	for {
		name, ok := s.member()
		if !ok {
			return
		}
		if at := s.named; s.peek() == '"' && isOutput(name) {
			last := span{at, s.i + 1}
			if text := s.text(); len(text) > 0 {
				c.bytes += int64(len(text))
				c.texts++
				c.last = last
			}
			continue
		}
		c.walk(s)
	}
}

// isOutput reports whether a string called name, somewhere in a choice, is
// output: answers, refusals, arguments of tool calls, and the reasoning that
// some providers show.
func isOutput(name []byte) bool {
	switch string(name) {
	case "content", "text", "refusal", "arguments", "reasoning", "reasoning_content":
		return true
	}
	return false
}

// mayReport reports whether data may hold a usage that is not null. It is a
// quick look that can be wrong in that direction only.
func mayReport(data []byte) bool {
	for {
		i := bytes.Index(data, []byte(`usage"`))
		if i < 0 {
			return false
		}
		data = data[i+len(`usage"`):]
		if s := (scanner{b: data}); s.peek() == ':' {
			s.i++
			if s.peek() != 'n' {
				return true
			}
		}
	}
}

// tokensIn estimates the tokens of n bytes of output: four bytes are one, as
// for English text, and a piece that is not empty is at least one.
func tokensIn(n int64) int64 { return (n + 3) / 4 }
