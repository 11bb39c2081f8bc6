package dialect

import "bytes"

// maxEventBytes bounds what one event of a stream may hold. A larger one ends
// the inspection of the stream; its bytes are relayed all the same.
const maxEventBytes = 16 << 20

// event cuts an event out of a stream of server-sent events, as the HTML
// standard describes them ("Server-sent events", parsing an event stream):
// lines end with LF, CR LF or CR, and an empty line ends the event. It keeps
// offsets only; the bytes are the caller's, who shows the same event again,
// with more behind it, for as long as its end is missing.
//
// Where an event ends never depends on how its bytes come: a CR that is the
// last byte there is waits for the next, since that may be its LF.
type event struct {
	list  bool // it is an element of an array, not a server-sent event
	line  int  // where the current line begins
	from  int  // what is before it has been searched for a line's end
	lf    int  // the first LF at or behind from, or how far there is none
	data  span // the value of the first data line
	lines int  // data lines
	error bool // an "event: error" line was seen

	depth  int  // of an element: its open objects and arrays
	quoted bool // the cursor is in a string of it
}

// scan gives the length of the event that b begins with, with the empty line
// that ends it; 0 = its end has not come. closed says that nothing will follow
// b, so what there is ends there.
func (e *event) scan(b []byte, closed bool) int {
	if e.list {
		return e.element(b, closed)
	}
	for {
		at := e.lineEnd(b)
		if at < 0 && !closed {
			return 0
		}
		next := at + 1
		switch {
		case at < 0:
			at, next = len(b), len(b)
		case b[at] == '\n':
		case next < len(b):
			if b[next] == '\n' {
				next++
			}
		case !closed:
			return 0
		}
		line := span{e.line, at}
		e.line, e.from = next, next
		if line.from == line.to {
			return next
		}
		e.field(b, line)
		if next == len(b) && closed {
			return next
		}
	}
}

// lineEnd is the offset of the CR or LF that ends the current line, -1 if it
// has not come. Each byte is searched once for either, however the calls come.
func (e *event) lineEnd(b []byte) int {
	if e.lf < e.from {
		e.lf = e.from
	}
	if e.lf == len(b) || b[e.lf] != '\n' {
		if i := bytes.IndexByte(b[e.lf:], '\n'); i >= 0 {
			e.lf += i
		} else {
			e.lf = len(b)
		}
	}
	if i := bytes.IndexByte(b[e.from:e.lf], '\r'); i >= 0 {
		e.from += i
		return e.from
	}
	e.from = e.lf
	if e.lf == len(b) {
		return -1
	}
	return e.lf
}

// field takes note of one line that is not empty.
func (e *event) field(b []byte, line span) {
	text := line.of(b)
	if line.from == 0 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // of the stream's first event
	}
	switch {
	case bytes.HasPrefix(text, []byte("data:")):
		text = text[len("data:"):]
	case string(text) == "data":
		text = text[len("data"):]
	default:
		e.error = e.error || string(text) == "event: error" || string(text) == "event:error"
		return
	}
	if len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	if e.lines++; e.lines == 1 {
		e.data = span{line.to - len(text), line.to}
	}
}

// joined is the data of an event with several data lines: their values with
// LF between them, appended to dst.
func joined(dst, b []byte) []byte {
	var e event
	for e.line < len(b) {
		at := e.lineEnd(b)
		if at < 0 {
			at = len(b)
		}
		line := span{e.line, at}
		e.line, e.from = at+1, at+1
		before := e.lines
		e.lines = 0
		e.field(b, line)
		if e.lines == 1 {
			if before > 0 {
				dst = append(dst, '\n')
			}
			dst = append(dst, e.data.of(b)...)
		}
		e.lines += before
	}
	return dst
}
