package dialect

import "tollgate/internal/llm"

// visible is what a lowered cap leaves for the answer itself behind the thinking,
// if the caller left as much.
const visible = 64

// thinkingUnder is the cap on thinking that goes with an output cap: the
// caller's own, or as much less as leaves room for the answer.
func (c *Call) thinkingUnder(output int64) int64 {
	room := int64(visible)
	if c.MaxOutput > 0 {
		room = min(room, c.MaxOutput-c.Thinking)
	}
	if room <= 0 { // as the caller wants it
		return c.Thinking
	}
	return min(c.Thinking, max(c.leastThinking(), output-room))
}

// leastThinking is the lowest cap on thinking that the provider takes.
func (c *Call) leastThinking() int64 {
	switch c.Route.Format {
	case llm.Gemini:
		return leastGeminiThinking
	case llm.Cohere:
		return 1
	}
	return leastAnthropicThinking
}

// LeastOutput is the lowest output cap that the request may be given in place of
// the one wanted, where least is as little as is worth asking for. Thinking has
// a least budget, which must stay below the cap; a request that cannot keep that
// is not to be shortened.
func (c *Call) LeastOutput(wanted, least int64) int64 {
	least = min(wanted, least)
	switch {
	case c.Thinking == 0:
		return least
	case c.MaxOutput > 0 && c.MaxOutput <= c.Thinking:
		if c.Route.Format == llm.Anthropic { // who takes that with interleaved thinking only
			return wanted
		}
		return least
	case c.MaxOutput > 0:
		least = min(least, c.MaxOutput-c.Thinking)
	}
	return min(wanted, min(c.leastThinking(), c.Thinking)+least)
}
