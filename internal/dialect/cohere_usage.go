package dialect

import "tollgate/internal/llm"

// cohereUsage is the usage of a chat, or the meta of another answer, as Cohere's
// API reference has it: what is billed, and what the model has read and written,
// which is more by all that Cohere puts around a prompt. A field of -1 was not
// said.
type cohereUsage struct {
	billed, used struct{ input, output int64 }

	imageTokens, images, searches int64
}

// parseCohere reads a usage or a meta: what is billed, or where that is not said
// what was used. It is false when raw is neither, or says nothing.
func parseCohere(raw []byte) (llm.Usage, bool) {
	var u cohereUsage
	u.billed.input, u.billed.output = -1, -1
	s := scanner{b: raw}
	if s.peek() != '{' {
		return llm.Usage{}, false
	}
	eachMember(&s, func(name []byte) {
		switch string(name) {
		case "billed_units":
			u.readBilled(&s)
		case "tokens":
			eachMember(&s, func(name []byte) {
				switch string(name) {
				case "input_tokens":
					readCount(&s, &u.used.input)
				case "output_tokens":
					readCount(&s, &u.used.output)
				default:
					s.skip()
				}
			})
		default:
			s.skip()
		}
	})
	if s.end(); s.bad != "" {
		return llm.Usage{}, false
	}
	sum := u.classes()
	return sum, sum != llm.Usage{}
}

func (u *cohereUsage) readBilled(s *scanner) {
	eachMember(s, func(name []byte) {
		switch string(name) {
		case "input_tokens":
			readCount(s, &u.billed.input)
		case "output_tokens":
			readCount(s, &u.billed.output)
		case "image_tokens":
			readCount(s, &u.imageTokens)
		case "images":
			readCount(s, &u.images)
		case "search_units":
			readCount(s, &u.searches)
		default:
			s.skip()
		}
	})
}

func (u *cohereUsage) classes() llm.Usage {
	of := llm.Usage{Input: max(u.billed.input, 0), Output: max(u.billed.output, 0), Images: u.images, Searches: u.searches}
	if u.billed.input < 0 && u.billed.output < 0 && u.imageTokens+u.images+u.searches == 0 {
		of.Input, of.Output = u.used.input, u.used.output
	}
	of.Input += u.imageTokens
	return of
}

// cohere reads a member of an event of Cohere's.
func (c *chunk) cohere(s *scanner, name []byte) {
	switch string(name) {
	case "type":
		c.kind = s.value()
	case "id":
		c.readID(s)
	case "delta":
		eachMember(s, func(name []byte) {
			switch string(name) {
			case "usage":
				c.readUsage(s)
			case "error":
				c.failed = string(s.value()) != "null" || c.failed
			case "finish_reason":
				reason := string(s.value())
				c.failed = c.failed || reason == `"ERROR"` || reason == `"ERROR_TOXIC"` || reason == `"TIMEOUT"`
			default:
				c.walk(s)
			}
		})
	default:
		s.skip()
	}
}

// heardCohere takes note of an event of Cohere's.
func (f *findings) heardCohere(c *chunk) {
	if c.usage != nil {
		f.use(c.usage, true)
	}
	f.tally.Finished = f.tally.Finished || string(c.kind) == `"message-end"`
}

// isQuiet reports whether what a member called name holds is no output, whatever
// it is called there: what Cohere's answers cite stood in the request.
func isQuiet(f llm.Format, name []byte) bool {
	return f == llm.Cohere && string(name) == "citations"
}
