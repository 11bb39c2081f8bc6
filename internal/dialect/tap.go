package dialect

import (
	"bytes"

	"tollgate/internal/llm"
)

// Tap watches one answer pass: it finds the usage that the provider reports,
// counts the output for the case that none comes, and takes the usage chunk
// out of a stream whose caller did not ask for it. What it tallies and relays
// does not depend on how the bytes are cut.
//
// A Tap is for one goroutine. Its bytes are those of a successful answer, not
// compressed: a JSON document or, if it streams, server-sent events. Which of
// the two the answer's Content-Type says, whatever was asked for.
type Tap struct {
	hide bool
	list bool
	f    findings

	answer *answer // of a JSON answer
	bytes  bool    // of one that is anything
	stream stream  // of a stream
}

// findings is what a Tap knows of its answer.
type findings struct {
	format  llm.Format
	answers answers
	output  bool // the route has output
	tally   llm.Tally
	failed  bool
	said    anthropicUsage // by Anthropic, in pieces

	begun, ended uint64 // Gemini's candidates, by their index

	wanted, told int64 // pictures: that were asked for, and whose usage was said
	size         int64 // bytes of an answer that is anything
}

// Shape is how an answer's bytes are laid out.
type Shape uint8

// The shapes.
const (
	Document Shape = iota // one JSON document
	Events                // server-sent events
	List                  // one JSON array, an element for each event
	Bytes                 // anything, such as sound, or text: nothing is looked for in it
)

// NewTap makes a Tap for the answer to a request on route r. hideUsage drops
// the chunk of a stream that carries nothing but the usage; other chunks are
// left as they are, also where the provider put "usage":null into them. Only
// OpenAI's format has such a chunk.
func NewTap(r *Route, s Shape, hideUsage bool) *Tap {
	t := &Tap{f: findings{format: r.Format, answers: r.answers, output: r.Output, said: unsaid}}
	switch s {
	case Document:
		t.answer = &answer{format: r.Format, answers: r.answers}
	case Bytes:
		t.bytes = true
	default:
		t.hide = hideUsage
		t.list = s == List
		t.stream.event.list = t.list
	}
	return t
}

// Write takes the next bytes of the answer and gives those that may be passed
// on now, in order: of a document all of them at once, of a stream whole events
// only, so that another event can follow wherever the stream breaks off. (An
// event of more than 16 MiB is passed on in pieces, and so is all behind it.)
// They stay valid until the next call of Write or Close, and until chunk is
// changed; it may be empty.
func (t *Tap) Write(chunk []byte) (relay []byte) {
	if t.answer != nil {
		t.answer.write(chunk, &t.f)
		return chunk
	}
	if t.bytes {
		t.f.size += int64(len(chunk))
		return chunk
	}
	return t.stream.write(chunk, t)
}

// Close takes note that the answer has ended and gives what was still held
// back, which may be a part of an event. Call it once, also when the answer
// broke off; but then drop what it gives, if an event of one's own is to follow.
func (t *Tap) Close() (relay []byte) {
	if t.answer != nil || t.bytes {
		return nil
	}
	relay = t.stream.close(t)
	if t.f.format == llm.Gemini {
		// Nothing says that a stream is through: it is when all that was begun has a
		// reason for its end, and nothing followed.
		t.f.tally.Finished = t.f.begun != 0 && t.f.begun == t.f.ended
	}
	return relay
}

// Expect says how many pictures were asked for; a stream has an event for the end of
// each.
func (t *Tap) Expect(pictures int64) { t.f.wanted = pictures }

// Ended takes note that the connection came to its proper end, which is that of an
// answer that says no end of its own.
func (t *Tap) Ended() {
	if t.bytes {
		t.f.tally.Finished = true
	}
}

// Tally is what was seen so far. A JSON answer is Finished when its document
// is complete, a stream when it said so in the way of its format: a connection
// can close cleanly behind any chunk.
func (t *Tap) Tally() llm.Tally {
	tally := t.f.tally
	if t.bytes && t.f.answers == answersTranscript {
		tally.Seen = tokensIn(t.f.size)
	}
	if t.answer != nil {
		tally.Images = t.answer.pictures
		tally.Finished = t.answer.finished
		tally.Final = tally.Reported // it is said once, at the top level
		if t.f.output {
			tally.Seen = tokensIn(t.answer.bytes)
		}
	}
	return tally
}

// Failed reports whether the provider put an error into its answer, such as a
// stream that begins well and ends with an error event.
func (t *Tap) Failed() bool { return t.f.failed }

// name notes the provider's id of the answer; the first one counts.
func (f *findings) name(raw []byte) {
	if f.tally.UpstreamID == "" && len(raw) <= 256 {
		f.tally.UpstreamID = string(decoded(raw))
	}
}

// use notes a usage; the last one that says something counts. final says that
// it is the provider's last word, if no output follows.
func (f *findings) use(raw []byte, final bool) {
	u, ok := f.parse(raw)
	f.serve(f.said.service)
	if ok {
		f.tally.Usage, f.tally.Reported, f.tally.Final = u, true, final
	}
}

func (f *findings) parse(raw []byte) (llm.Usage, bool) {
	switch f.format {
	case llm.Anthropic:
		return f.said.add(raw)
	case llm.Gemini:
		u, service, ok := parseGemini(raw, f.output)
		f.serve(service)
		return u, ok
	case llm.Cohere:
		return parseCohere(raw)
	}
	if f.answers != answersUsual {
		return f.tokenUsage(raw)
	}
	return parseOpenAI(raw, f.output)
}

// begin notes a usage that is said before the answer: what was read is known,
// what will be written is not.
func (f *findings) begin(raw []byte) {
	u, ok := f.parse(raw)
	f.serve(f.said.service)
	if ok && !f.tally.Reported {
		f.tally.Usage = u
	}
}

// count notes a piece of output of n bytes. A usage said before it was not the
// last word, and does not have that piece.
func (f *findings) count(n int64) {
	f.tally.Seen += tokensIn(n)
	f.tally.Final, f.tally.Reported = false, false
}

// fail notes an error, unless it is null.
func (f *findings) fail(raw []byte) {
	f.failed = f.failed || string(raw) != "null"
}

// event looks at one event of a stream and reports whether it is to be
// dropped.
func (t *Tap) event(e *event, data []byte) (drop bool) {
	if e.error {
		t.f.failed = true
	}
	if e.lines == 0 || t.stream.like.counts(data, &t.f) {
		return false
	}
	if t.f.answers != answersUsual {
		t.typedEvent(data)
		return false
	}
	c := chunk{format: t.f.format}
	if !c.read(data) {
		if string(bytes.TrimSpace(data)) == "[DONE]" {
			t.f.tally.Finished = true
		}
		return false
	}
	if c.id != nil {
		t.f.name(c.id)
	}
	t.f.serve(serviceWord(c.service))
	t.f.failed = t.f.failed || c.failed
	if c.texts > 0 {
		t.f.count(c.bytes)
	}
	switch c.format {
	case llm.Anthropic:
		if c.texts > 0 {
			t.stream.like.learn(data, &c)
		}
		t.f.heard(&c)
		return false
	case llm.Cohere:
		if c.texts > 0 {
			t.stream.like.learn(data, &c)
		}
		t.f.heardCohere(&c)
		return false
	case llm.Gemini: // each has the usage, so none is only looked at in one place
		t.f.heardGemini(&c)
		return false
	}
	if c.texts > 0 {
		t.stream.like.learn(data, &c)
	}
	if c.usage == nil {
		return false
	}
	t.f.use(c.usage, c.empty)
	return t.hide && c.empty && !c.failed
}
