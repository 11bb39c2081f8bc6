package dialect

import (
	"bytes"

	"tollgate/internal/llm"
)

// Texts calls yield with each text that the model reads, decoded, in the order
// of the body, for a tokeniser to count. The slice is only lent until yield
// returns. What it returns bounds all other text tokens of the request: the
// templates, what stands between the texts, and everything outside messages,
// prompt and input (tools, response formats, …) by its bytes, or by those that
// a template makes of it (Templated: then tool calls and the like are not
// yielded, but counted so too). Media are MediaBound's. The sum of the three is
// a bound, and with text only an almost exact one.
func (c *Call) Texts(yield func(text []byte)) (rest int64) {
	if c.texts.absent() {
		return c.bytes()
	}
	t := texts{yield: yield, templated: c.Templated}
	outside := len(c.body)
	t.prompt(c.fixed)
	for _, s := range [...]span{c.system, c.texts} {
		if s.absent() {
			continue
		}
		outside -= s.to - s.from
		t.layout = layout{scanner: scanner{b: s.of(c.body)}}
		switch {
		case c.Route.Format == llm.Gemini:
			t.geminiTexts()
		case s == c.system:
			t.content([]byte("content"))
		case c.Route.reads.has(fieldMessages), c.Route.reads.has(fieldItems) && t.b[0] == '[':
			t.messages()
		default:
			t.inputs()
		}
	}
	return int64(outside) + c.growthOutside() + c.overhead() + t.rest - c.Media.InlineBytes
}

// texts walks over messages, a prompt or an input, and yields the strings.
type texts struct {
	layout
	yield     func(text []byte)
	templated bool
	buf       []byte // a decoded text
	rest      int64  // all that is not yielded
}

// inputs walks over a prompt or an input. A number in an array is a token id,
// which is one token, with its comma.
func (t *texts) inputs() {
	if t.peek() != '[' {
		t.walk()
		return
	}
	t.rest += 2
	t.open()
	for t.element() {
		t.rest++
		switch c := t.peek(); {
		case c == '[':
			t.inputs()
		case c < '0' || c > '9':
			t.walk()
		default:
			if id := t.number(); len(id) > len("1000000000") {
				t.rest += int64(len(id))
			}
		}
	}
}

// messages walks over the messages. For the usual names in one, and what a
// template puts around it, there is room in the overhead.
func (t *texts) messages() {
	t.rest += 2
	t.open()
	for t.element() {
		t.rest += 3
		t.open()
		for {
			name, ok := t.member()
			if !ok {
				break
			}
			t.rest += 2
			if string(name) != "role" && string(name) != "content" {
				t.rest += int64(len(name))
			}
			t.content(name)
		}
	}
}

// content walks over a message's member.
func (t *texts) content(name []byte) {
	switch {
	case t.templated && t.peek() != '"':
		t.rest += t.inMessage(name, t.emit)
	case t.templated && is(name, "arguments"):
		t.rest += t.document()
	default:
		t.walk()
	}
}

// walk yields the strings in the value under the cursor and counts the bytes of
// all else.
func (t *texts) walk() {
	switch c := t.peek(); c {
	case '"':
		t.rest += t.emit(t.text())
	case '[':
		t.rest += 2
		t.open()
		for t.element() {
			t.rest++
			t.walk()
		}
	case '{':
		t.object()
	default:
		from := t.i
		t.scalar(c)
		t.rest += int64(t.i - from)
	}
}

// object walks over what lies in a message: a part, a tool call.
func (t *texts) object() {
	t.rest += 2 + overMessage
	t.open()
	for {
		name, ok := t.member()
		if !ok {
			return
		}
		t.rest += 2 + int64(len(name))
		if isMedium(name) {
			t.rest += int64(len(t.value())) // less InlineBytes, in the end
			continue
		}
		t.walk()
	}
}

// isMedium reports whether a member called name may hold a medium.
func isMedium(name []byte) bool {
	return is(name, "image_url") || is(name, "input_audio") || is(name, "file") || is(name, "source") ||
		is(name, "inline_data") || is(name, "file_data")
}

// emit yields the text that raw stands for, and gives what that leaves out: some
// templates write the texts of tools with their escapes.
func (t *texts) emit(raw []byte) (more int64) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		t.buf = appendText(t.buf[:0], raw)
		raw = t.buf
		if t.templated {
			more = quoted(raw) - int64(len(raw))
		}
	}
	if len(raw) > 0 {
		t.yield(raw)
	}
	return more
}

// quoted is the length of text with the escapes that JSON cannot do without.
func quoted(text []byte) int64 {
	n := len(text)
	for _, c := range text {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		}
	}
	return int64(n)
}
