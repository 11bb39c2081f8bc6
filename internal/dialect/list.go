package dialect

// element cuts an element, an object, out of a stream that is one JSON array. It
// is what scan is for server-sent events: it gives the length of what b begins
// with up to the element's end, with the brackets and commas before it; 0 = its
// end has not come. Strings and brackets are followed, and nothing is validated.
func (e *event) element(b []byte, closed bool) int {
	for e.from < len(b) {
		if e.quoted {
			e.unquote(b)
			continue
		}
		switch c := b[e.from]; {
		case structure[c]&1 == 0:
		case c == '"':
			e.quoted = e.depth > 0
		case c == '{' || c == '[' && e.depth > 0: // else it is the array's own
			if e.depth == 0 {
				e.data.from = e.from
			}
			e.depth++
		case (c == '}' || c == ']') && e.depth > 0:
			if e.depth--; e.depth == 0 {
				e.data.to, e.lines = e.from+1, 1
				return e.from + 1
			}
		}
		e.from++
	}
	if closed {
		e.data = span{} // the array's end, or what is left of a broken one
		return len(b)
	}
	return 0
}

// unquote steps behind the string that the cursor is in, as far as it is there.
// An escape that is cut in two takes the cursor behind b.
func (e *event) unquote(b []byte) {
	at := e.from
	for at < len(b) && b[at] != '"' {
		if b[at] == '\\' {
			at++
		}
		at++
	}
	if at < len(b) {
		e.quoted = false
		at++
	}
	e.from = at
}
