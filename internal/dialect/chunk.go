package dialect

import (
	"bytes"

	"tollgate/internal/llm"
)

// chunk is what the gate reads of one event of a stream.
type chunk struct {
	format  llm.Format
	kind    []byte // Anthropic's or Cohere's type of the event, as written
	stopped bool   // Anthropic says why the answer ended
	begun   uint64 // Gemini's candidates that it has something of, by their index
	ended   uint64 // those that it ends
	denied  bool   // Gemini answers nothing to this prompt
	id      []byte // raw; nil = none
	usage   []byte // the value; nil = none or null
	service []byte // OpenAI's service_tier; nil = none
	failed  bool   // there is a top-level error that is not null
	empty   bool   // there are choices, and none in them
	bytes   int64  // of output text, escapes as written
	texts   int64  // pieces of output text that are not empty
	last    span   // the name and the opening quote of the last of them
}

// read reads data; it is false when that is no JSON object.
func (c *chunk) read(data []byte) bool {
	s := scanner{b: data}
	if s.peek() != '{' {
		return false
	}
	s.open()
	for {
		name, ok := s.member()
		if !ok {
			break
		}
		switch {
		case string(name) == "error":
			c.failed = string(s.value()) != "null" || c.failed
		case c.format == llm.Anthropic:
			c.anthropic(&s, name)
		case c.format == llm.Gemini:
			c.gemini(&s, name)
		case c.format == llm.Cohere:
			c.cohere(&s, name)
		default:
			c.openAI(&s, name)
		}
	}
	s.end()
	return s.bad == ""
}

// openAI reads a member of a chunk of OpenAI's.
func (c *chunk) openAI(s *scanner, name []byte) {
	switch string(name) {
	case "id":
		c.readID(s)
	case "usage":
		c.readUsage(s)
	case "service_tier":
		c.service = s.value()
	case "choices":
		c.readChoices(s)
	default:
		s.skip()
	}
}

// anthropic reads a member of an event of Anthropic's: of the message that it
// starts, or of what it adds.
func (c *chunk) anthropic(s *scanner, name []byte) {
	switch string(name) {
	case "type":
		c.kind = s.value()
	case "message":
		eachMember(s, func(name []byte) {
			switch string(name) {
			case "id":
				c.readID(s)
			case "usage":
				c.readUsage(s)
			default:
				s.skip()
			}
		})
	case "usage":
		c.readUsage(s)
	case "delta", "content_block":
		at := s.i
		c.walk(s)
		c.stopped = c.stopped || s.bad == "" && stops(s.b[at:s.i])
	default:
		s.skip()
	}
}

// stops reports whether a delta says why the message ended.
func stops(delta []byte) (stopped bool) {
	s := scanner{b: delta}
	eachMember(&s, func(name []byte) {
		if value := s.value(); string(name) == "stop_reason" {
			stopped = string(value) != "null"
		}
	})
	return stopped
}

func (c *chunk) readID(s *scanner) {
	if s.peek() == '"' {
		c.id = s.text()
		return
	}
	s.skip()
}

func (c *chunk) readUsage(s *scanner) {
	if v := s.value(); string(v) != "null" {
		c.usage = v
	}
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
		if at := s.named; s.peek() == '"' && isOutput(c.format, name) {
			last := span{at, s.i + 1}
			if text := s.text(); len(text) > 0 {
				c.bytes += int64(len(text))
				c.texts++
				c.last = last
			}
			continue
		}
		if isOutputObject(c.format, name) {
			c.addObject(s)
			continue
		}
		if isQuiet(c.format, name) {
			s.skip()
			continue
		}
		c.walk(s)
	}
}

// addObject counts an object that is all output, such as the arguments of a call.
func (c *chunk) addObject(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	if n := len(s.value()); n > len("{}") {
		c.bytes += int64(n)
		c.texts += 2 // not to be looked for at one place
	}
}

// isOutput reports whether a string called name, somewhere in a choice or in a
// block, is output: answers, refusals, arguments of tool calls, and the reasoning
// that some providers show.
func isOutput(f llm.Format, name []byte) bool {
	switch string(name) {
	case "text":
		return true
	case "arguments":
		return f == llm.OpenAI || f == llm.Cohere
	case "content", "refusal", "reasoning", "reasoning_content":
		return f == llm.OpenAI
	case "thinking":
		return f == llm.Anthropic || f == llm.Cohere
	case "partial_json":
		return f == llm.Anthropic
	case "tool_plan":
		return f == llm.Cohere
	case "code":
		return f == llm.Gemini
	}
	return false
}

// isOutputObject reports whether all the strings in an object called name are
// output.
func isOutputObject(f llm.Format, name []byte) bool {
	return f == llm.Anthropic && string(name) == "input" || f == llm.Gemini && string(name) == "args"
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
