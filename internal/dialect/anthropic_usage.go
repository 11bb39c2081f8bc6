package dialect

import "tollgate/internal/llm"

// anthropicUsage is what Anthropic has said of the usage so far ("Messages",
// usage; "Streaming messages"). A stream says it in pieces: message_start what
// was read, message_delta the totals up to then, of which the last counts: the one
// that says why the answer ended. A field of -1 was not said.
type anthropicUsage struct {
	input, cacheRead, cacheWrite int64 // disjoint
	write5m, write1h             int64 // of cacheWrite
	output                       int64
	thinking                     int64  // of output
	searches                     int64  // of the web
	service                      string // how it was served: fast, or its service tier

	// beside is what other requests than the message itself used, such as one that
	// makes a long conversation shorter: the totals do not have it.
	beside llm.Usage
}

// unsaid is the usage of which nothing is known.
var unsaid = anthropicUsage{input: -1, cacheRead: -1, cacheWrite: -1, write5m: -1, write1h: -1, output: -1, thinking: -1, searches: -1}

// add takes what raw says, over what was said before. It is false when raw is no
// usage, or nothing in it can be true.
func (u *anthropicUsage) add(raw []byte) (llm.Usage, bool) {
	s := scanner{b: raw}
	if s.peek() != '{' {
		return llm.Usage{}, false
	}
	next := *u
	next.read(&s)
	if s.end(); s.bad != "" {
		return llm.Usage{}, false
	}
	next.grow(u)
	sum := next.classes()
	if sum.Total() == 0 {
		return llm.Usage{}, false
	}
	*u = next
	return sum, true
}

// grow lets no total be less than before: some servers say in the end that nothing
// was read.
func (u *anthropicUsage) grow(before *anthropicUsage) {
	u.input = max(u.input, before.input)
	u.cacheRead = max(u.cacheRead, before.cacheRead)
	u.cacheWrite = max(u.cacheWrite, before.cacheWrite)
	u.write5m = max(u.write5m, before.write5m)
	u.write1h = max(u.write1h, before.write1h)
	u.output = max(u.output, before.output)
	u.thinking = max(u.thinking, before.thinking)
	u.searches = max(u.searches, before.searches)
}

func (u *anthropicUsage) read(s *scanner) {
	eachMember(s, func(name []byte) {
		switch string(name) {
		case "input_tokens":
			readCount(s, &u.input)
		case "cache_read_input_tokens":
			readCount(s, &u.cacheRead)
		case "cache_creation_input_tokens":
			readCount(s, &u.cacheWrite)
		case "output_tokens":
			readCount(s, &u.output)
		case "cache_creation":
			eachMember(s, func(name []byte) {
				switch string(name) {
				case "ephemeral_5m_input_tokens":
					readCount(s, &u.write5m)
				case "ephemeral_1h_input_tokens":
					readCount(s, &u.write1h)
				default:
					s.skip()
				}
			})
		case "output_tokens_details":
			eachMember(s, func(name []byte) {
				if string(name) == "thinking_tokens" {
					readCount(s, &u.thinking)
					return
				}
				s.skip()
			})
		case "server_tool_use":
			eachMember(s, func(name []byte) {
				if string(name) == "web_search_requests" {
					readCount(s, &u.searches)
					return
				}
				s.skip()
			})
		case "service_tier":
			if word := serviceWord(s.value()); u.service != "fast" && word != "" {
				u.service = word
			}
		case "speed":
			if serviceWord(s.value()) == "fast" {
				u.service = "fast"
			}
		case "iterations":
			u.iterations(s)
		default:
			s.skip()
		}
	})
}

// iterations reads what each of the requests behind one message used. Those of
// the message itself are in its totals.
func (u *anthropicUsage) iterations(s *scanner) {
	if s.peek() != '[' {
		s.skip()
		return
	}
	u.beside = llm.Usage{}
	s.open()
	for s.element() {
		raw := s.value()
		if kind := kindOf(raw); kind == `"message"` || kind == `"fallback_message"` {
			continue
		}
		one := unsaid
		one.read(&scanner{b: raw})
		u.beside = sum(u.beside, one.classes())
	}
}

// kindOf is the type of an object, as written.
func kindOf(raw []byte) (kind string) {
	s := scanner{b: raw}
	eachMember(&s, func(name []byte) {
		if value := s.value(); string(name) == "type" {
			kind = string(value)
		}
	})
	return kind
}

// classes sorts what was said into disjoint classes.
func (u *anthropicUsage) classes() llm.Usage {
	written := max(u.cacheWrite, max(u.write5m, 0)+max(u.write1h, 0), 0)
	hour := max(u.write1h, 0)
	if u.write5m <= 0 && hour > 0 {
		hour = written // the total has grown behind the split, which knows of hours only
	}
	output := max(u.output, 0)
	return sum(u.beside, llm.Usage{
		Input:        max(u.input, 0),
		CacheRead:    max(u.cacheRead, 0),
		CacheWrite:   written - hour,
		CacheWrite1h: hour,
		Output:       output,
		Reasoning:    clamp(u.thinking, output),
		Searches:     max(u.searches, 0),
	})
}

func sum(a, b llm.Usage) llm.Usage {
	a.Input += b.Input
	a.CacheRead += b.CacheRead
	a.CacheWrite += b.CacheWrite
	a.CacheWrite1h += b.CacheWrite1h
	a.InputAudio += b.InputAudio
	a.Output += b.Output
	a.Reasoning += b.Reasoning
	a.OutputAudio += b.OutputAudio
	a.Searches += b.Searches
	return a
}

// heard takes note of an event of Anthropic's.
func (f *findings) heard(c *chunk) {
	switch string(c.kind) {
	case `"message_start"`:
		if c.usage != nil {
			f.begin(c.usage)
		}
	case `"message_delta"`:
		if c.usage != nil {
			f.use(c.usage, c.stopped)
		}
	case `"message_stop"`:
		f.tally.Finished = true
	case `"error"`:
		f.failed = true
	}
}
