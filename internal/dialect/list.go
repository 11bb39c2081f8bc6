package dialect

import "bytes"

// element cuts an element, an object, out of a stream that is one JSON array. It
// is what scan is for server-sent events: it gives the length of what b begins
// with up to the element's end, with the brackets and commas before it; 0 = its
// end has not come. Strings and brackets are followed, and nothing is validated.
func (e *event) element(b []byte, closed bool) int {
	for e.from < len(b) {
		if e.quoted {
			e.from = e.unquote(b)
			continue
		}
		switch b[e.from] {
		case '"':
			e.quoted = e.depth > 0
		case '{', '[':
			if e.depth == 0 && b[e.from] == '[' {
				break // the array's own
			}
			if e.depth == 0 {
				e.data.from = e.from
			}
			e.depth++
		case '}', ']':
			if e.depth == 0 {
				break
			}
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

// unquote is the offset behind the string that the cursor is in. It is behind b
// where an escape is cut in two.
func (e *event) unquote(b []byte) int {
	at := e.from
	quote := indexFrom(b, at, '"')
	for {
		end := quote
		if end < 0 {
			end = len(b)
		}
		escape := bytes.IndexByte(b[at:end], '\\')
		if escape < 0 {
			if quote < 0 {
				return len(b)
			}
			e.quoted = false
			return quote + 1
		}
		if at += escape + 2; at >= len(b) {
			return at
		}
		if at > quote && quote >= 0 {
			quote = indexFrom(b, at, '"')
		}
	}
}
