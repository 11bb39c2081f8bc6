package dialect

import (
	"slices"
	"strconv"

	"tollgate/internal/llm"
)

// Edit is what must be different in the request that is forwarded. Zero fields
// change nothing.
type Edit struct {
	// Model replaces the model's name.
	Model string
	// MaxOutput is written over each cap that the caller set, and added as
	// CapField says. Routes without output ignore it.
	MaxOutput int64
	// CapField is the field that the provider goes by. With "max_tokens", which
	// any other word stands for too, that field is always in what is forwarded,
	// also beside the caller's max_completion_tokens, which some servers ignore.
	// With "max_completion_tokens" the field is added only where the caller sent
	// no cap at all: OpenAI refuses both together. Text completions know
	// max_tokens only, and Responses max_output_tokens, whatever this says.
	CapField string
	// IncludeUsage asks for the usage chunk of a stream. Requests that do not
	// stream ignore it.
	IncludeUsage bool
}

// Rewrite is the body with e applied, in memory of its own; the body itself
// when nothing changes. Every byte that e does not name stays as it is.
func (c *Call) Rewrite(e Edit) []byte {
	var store [2*maxSplices + 1][]byte
	parts := c.Segments(e, store[:0])
	if len(parts) == 1 {
		return c.body
	}
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	body := make([]byte, 0, n)
	for _, p := range parts {
		body = append(body, p...)
	}
	return body
}

// Segments appends to dst the body with e applied, in pieces: long stretches
// of the caller's body, not copied, and the new values between them. It is
// Rewrite for those who can send pieces.
func (c *Call) Segments(e Edit, dst [][]byte) [][]byte {
	var edits splices
	if c.fixed != nil && c.fixed.MaxOutput > 0 && e.MaxOutput == 0 {
		e.MaxOutput = c.MaxOutput // where no limit wants a cap, the chatbot does
	}
	switch c.Route.Format {
	case llm.Anthropic, llm.Cohere:
		c.editMaxTokens(&edits, e)
	case llm.Gemini:
		c.editGemini(&edits, e)
	default:
		c.editCap(&edits, e)
		c.editOptions(&edits, e)
	}
	c.editModel(&edits, e.Model)
	c.editFixed(&edits)
	at := 0
	for _, s := range edits.sorted() {
		if s.at.from > at {
			dst = append(dst, c.body[at:s.at.from])
		}
		dst = append(dst, s.text)
		at = s.at.to
	}
	return append(dst, c.body[at:])
}

// maxSplices is the model, two caps and the stream options. Where there are more,
// they cost an allocation.
const maxSplices = 4

// splice is a new text for a part of the body, which is empty where something
// is added.
type splice struct {
	at   span
	text []byte
}

// splices do not overlap. Those in list are in the order of their places.
type splices struct {
	list [maxSplices]splice
	n    int
	more []splice
}

// replace adds a splice. One for the same place goes behind.
func (s *splices) replace(at span, text []byte) {
	if s.n == maxSplices {
		s.more = append(s.more, splice{at, text})
		return
	}
	i := s.n
	for ; i > 0 && s.list[i-1].at.from > at.from; i-- {
		s.list[i] = s.list[i-1]
	}
	s.list[i] = splice{at, text}
	s.n++
}

// sorted are all splices in the order of their places.
func (s *splices) sorted() []splice {
	if s.more == nil {
		return s.list[:s.n]
	}
	all := slices.Concat(s.list[:s.n], s.more)
	slices.SortStableFunc(all, func(a, b splice) int { return a.at.from - b.at.from })
	return all
}

// editCap writes the output cap: over the caller's own, which stand in one or
// both of the fields, and over the null or in the place of the missing one that
// the provider goes by.
func (c *Call) editCap(s *splices, e Edit) {
	if e.MaxOutput <= 0 || !c.Route.Output || c.Route.Open {
		return
	}
	name, at, add := c.Route.capField("max_tokens"), c.caps[0].at, !c.caps[0].set
	if e.CapField == "max_completion_tokens" && c.Route.reads.has(fieldMaxCompletionTokens) && !c.Route.reads.has(fieldPrompt) {
		name, at, add = e.CapField, c.caps[1].at, c.written == 0
	}
	if !add && e.MaxOutput == c.written {
		return
	}
	value := strconv.AppendInt(nil, e.MaxOutput, 10)
	for _, cap := range c.caps {
		if cap.set && e.MaxOutput != c.written {
			s.replace(cap.at, value)
		}
	}
	switch {
	case !add:
	case at.absent():
		s.replace(span{c.inside, c.inside}, []byte(`"`+name+`":`+string(value)+`,`))
	default:
		s.replace(at, value)
	}
}

// editOptions asks for the usage chunk. A member is added at the beginning of
// an object: of the body, where another always follows, since a body names its
// model, or, to a chatbot, has messages.
func (c *Call) editOptions(s *splices, e Edit) {
	if !e.IncludeUsage || c.IncludeUsage || !c.Stream || !c.Route.reads.has(fieldStreamOptions) {
		return
	}
	o := &c.options
	switch {
	case o.at.absent():
		s.replace(span{c.inside, c.inside}, []byte(`"stream_options":{"include_usage":true},`))
	case o.null:
		s.replace(o.at, []byte(`{"include_usage":true}`))
	case !o.include.absent():
		s.replace(o.include, []byte(`true`))
	case o.filled:
		s.replace(span{o.inside, o.inside}, []byte(`"include_usage":true,`))
	default:
		s.replace(span{o.inside, o.inside}, []byte(`"include_usage":true`))
	}
}
