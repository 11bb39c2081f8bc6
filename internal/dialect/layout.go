package dialect

import (
	"bytes"
	"unicode/utf8"

	"tollgate/internal/llm"
)

// layout measures how long a value can become when a chat template writes it
// anew. The widest known way is tojson(indent=4), as the templates of Llama have
// it: each member and element on a line of its own, four blanks for each level,
// letters outside ASCII and those with a meaning in HTML as escapes, and 1e15 as
// 1000000000000000.0, which is how Python writes it.
type layout struct {
	scanner
	base   int  // the depth that is level 0
	medium bool // inside a medium, whose strings are not written as text
}

// growthOutside is by how much what stands beside the texts can become longer
// than it is in the body: tools, response formats and whatever else the template
// is given.
func (c *Call) growthOutside() (n int64) {
	if !c.Templated || !c.nested {
		return 0
	}
	l := layout{scanner: scanner{b: c.body, i: c.inside - 1}}
	l.open()
	for {
		if _, ok := l.member(); !ok {
			return n
		}
		first := l.peek()
		from := l.i
		switch {
		case from == c.texts.from:
			l.i = c.texts.to
		case from == c.system.from: // growthInside has it
			l.i = c.system.to
		case first == '{' || first == '[':
			n += max(0, l.from(0)-int64(l.i-from))
		default:
			l.skip()
		}
	}
}

// growthInside is by how much what in the messages is no plain text, such as
// tool calls, can become longer than it is in the body.
func (c *Call) growthInside() (n int64) {
	if !c.Templated || !c.layered {
		return 0
	}
	if c.Route.Format == llm.Gemini {
		for _, s := range [...]span{c.system, c.texts} {
			if !s.absent() {
				l := layout{scanner: scanner{b: s.of(c.body)}}
				n += l.geminiGrowth()
			}
		}
		return n
	}
	keep := func(text []byte) int64 { return int64(len(text)) }
	if s := c.system.of(c.body); len(s) > 0 && s[0] == '[' {
		l := layout{scanner: scanner{b: s}}
		n = max(0, l.inMessage([]byte("content"), keep)-int64(len(s)))
	}
	if c.texts.absent() {
		return n
	}
	l := layout{scanner: scanner{b: c.texts.of(c.body)}}
	l.open()
	for l.element() {
		l.open()
		for {
			name, ok := l.member()
			if !ok {
				break
			}
			from := l.i
			if l.peek() == '"' && !is(name, "arguments") {
				l.text()
				continue
			}
			size := l.inMessage(name, keep)
			n += max(0, size-int64(l.i-from))
		}
	}
	return n
}

// from measures the value under the cursor, written at a level.
func (l *layout) from(level int) int64 {
	l.base = l.depth - level
	return l.written()
}

// inMessage measures a message's member that is no string. The plain texts in a
// content count what text says.
func (l *layout) inMessage(name []byte, text func(raw []byte) int64) (n int64) {
	l.base = l.depth - 1
	switch c := l.peek(); {
	case c == '"': // the arguments of a call
		return l.document()
	case c != '[' || !is(name, "content"):
		return l.written()
	}
	l.open()
	for l.element() {
		n += l.line()
		switch l.peek() {
		case '"':
			n += 2 + text(l.text())
		default:
			n += l.part(text)
		}
	}
	return n + 2 + l.line()
}

// part measures one part of a content.
func (l *layout) part(text func(raw []byte) int64) (n int64) {
	l.open()
	for {
		name, ok := l.member()
		if !ok {
			return n + 2 + l.line()
		}
		n += l.line() + 4 + literal(name)
		l.medium = isMedium(name)
		if l.peek() == '"' && is(name, "text") {
			n += 2 + text(l.text())
		} else {
			n += l.written()
		}
		l.medium = false
	}
}

// line is a new line with its blanks, and the comma before it.
func (l *layout) line() int64 { return 2 + 4*int64(l.depth-l.base) }

// written measures the value under the cursor.
func (l *layout) written() (n int64) {
	switch c := l.peek(); c {
	case '"':
		return l.quoted()
	case '[':
		l.open()
		for l.element() {
			n += l.line() + l.written()
		}
	case '{':
		l.open()
		for {
			name, ok := l.member()
			if !ok {
				break
			}
			n += l.line() + 4 + literal(name) // quotes, colon, blank
			if l.peek() == '"' && is(name, "arguments") {
				n += l.document()
			} else {
				n += l.written()
			}
		}
	default:
		return l.word(c)
	}
	if n > 0 {
		n += l.line() // before the closing bracket
	}
	return n + 2
}

// quoted measures a string.
func (l *layout) quoted() int64 {
	raw := l.text()
	if l.medium {
		return 2 + int64(len(raw))
	}
	return 2 + literal(raw)
}

// word measures a number or a literal that begins with c, also those that are
// JSON to Python only.
func (l *layout) word(c byte) int64 {
	from := l.i
	switch {
	case c == 'N':
		l.literal("NaN")
	case c == 'I':
		l.literal("Infinity")
	case bytes.HasPrefix(l.b[l.i:], []byte("-I")):
		l.literal("-Infinity")
	default:
		l.scalar(c)
		if raw := l.b[from:l.i]; c < 'A' && bytes.ContainsAny(raw, ".eE") {
			return int64(max(len(raw), 25)) // -1.2345678901234567e-308, and one more
		}
		if c == '-' {
			return int64(l.i-from) + 2 // -0 may become -0.0
		}
	}
	return int64(l.i - from)
}

// document measures a string that servers may parse as JSON before a template
// writes it.
func (l *layout) document() int64 {
	raw := l.text()
	text := decoded(raw)
	inner := layout{scanner: scanner{b: text}, base: l.base - l.depth}
	size := inner.written()
	inner.end()
	switch {
	case inner.bad == tooDeep: // each byte on a line, behind as many levels as there can be
		n := int64(len(text))
		size = min(2*n*n+25*n, maxTokens)
	case inner.bad != "":
		size = 0
	}
	return max(size, 2+literal(raw))
}

// literal is the length of a string, given as it stands between its quotes, with
// all the escapes that a template may write.
func literal(raw []byte) (n int64) {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(raw[i:])
			if i += size; r > 0xffff {
				n += int64(len(`\ud800\udc00`))
			} else {
				n += int64(len(`\uffff`))
			}
			continue
		case c < ' ', c == '<', c == '>', c == '&', c == '\'',
			c == '\\' && (raw[i+1] == 'b' || raw[i+1] == 'f'):
			n += int64(len(`\u003c`))
		default:
			n++
		}
		if i++; raw[i-1] == '\\' { // what follows belongs to it
			n++
			i++
		}
	}
	return n
}
