package dialect

import "bytes"

// geminiPart reads one part of a content. What its members hold counts whatever
// else it says; a member that is not known counts as something that cannot be
// measured.
func (r *reader) geminiPart() {
	r.members(func(name []byte) {
		switch {
		case string(name) == "text":
			r.skip()
		case r.null(): // the same as absent
		case is(name, "inline_data"):
			r.blob(true)
		case is(name, "file_data"):
			r.blob(false)
		case is(name, "function_response"):
			r.functionResponse()
		case isPartText(name):
			r.skip()
		default:
			r.call.Media.Others++
			r.skip()
		}
	})
}

// isPartText reports whether a member of a part is bounded by its bytes.
func isPartText(name []byte) bool {
	for _, known := range [...]string{
		"thought", "thought_signature", "function_call", "executable_code", "code_execution_result",
		"tool_call", "tool_response", "part_metadata", "media_resolution", "video_metadata",
	} {
		if is(name, known) {
			return true
		}
	}
	return false
}

// functionResponse reads what a function gave back, which may hold media.
func (r *reader) functionResponse() {
	r.members(func(name []byte) {
		if !is(name, "parts") || r.peek() != '[' {
			r.skip()
			return
		}
		r.open()
		for r.element() {
			r.geminiPart()
		}
	})
}

// blob reads a medium, in the body or by its URI.
func (r *reader) blob(inline bool) {
	var kind []byte
	var kinds int
	var size int64
	r.members(func(name []byte) {
		switch {
		case is(name, "mime_type"):
			kinds++
			kind = bytes.ToLower(textOf(r.value()))
		case inline && is(name, "data") && r.peek() == '"':
			size += int64(len(r.text()))
		default:
			r.skip()
		}
	})
	m := &r.call.Media
	is := func(prefix string) bool { return kinds == 1 && bytes.HasPrefix(kind, []byte(prefix)) }
	switch {
	case is("text/") && inline: // no more tokens than bytes
		return
	case is("image/") && inline:
		m.Images++
	case is("image/"):
		m.RemoteImages++
	case is("audio/") && inline:
		m.Audio++
	case is("application/pdf"), is("text/"):
		m.Files++
	default:
		m.Others++
	}
	m.InlineBytes += size
}

// geminiTexts walks over contents: what is called text is yielded, all else
// counts as it is, or as a template may write it.
func (t *texts) geminiTexts() {
	switch c := t.peek(); c {
	case '"':
		t.rest += t.emit(t.text())
	case '[':
		t.rest += 2
		t.open()
		for t.element() {
			t.rest++
			t.geminiTexts()
		}
	case '{':
		t.rest += 2 + overMessage
		t.open()
		for {
			name, ok := t.member()
			if !ok {
				return
			}
			t.rest += 2 + int64(len(name))
			switch {
			case string(name) == "text", is(name, "parts"), is(name, "content"):
				t.geminiTexts()
			case isMedium(name):
				t.rest += int64(len(t.value())) // less InlineBytes, in the end
			case t.templated:
				t.rest += t.from(1)
			default:
				t.walk()
			}
		}
	default:
		from := t.i
		t.scalar(c)
		t.rest += int64(t.i - from)
	}
}

// geminiGrowth is by how much what in contents is no plain text can become longer
// than it is in the body.
func (l *layout) geminiGrowth() (n int64) {
	switch l.peek() {
	case '[':
		l.open()
		for l.element() {
			n += l.geminiGrowth()
		}
	case '{':
		l.open()
		for {
			name, ok := l.member()
			if !ok {
				return n
			}
			switch {
			case string(name) == "text", isMedium(name):
				l.skip()
			case is(name, "parts"), is(name, "content"):
				n += l.geminiGrowth()
			default:
				l.peek()
				from := l.i
				n += max(0, l.from(1)-int64(l.i-from))
			}
		}
	default:
		l.skip()
	}
	return n
}
