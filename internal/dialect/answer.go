package dialect

import (
	"bytes"

	"tollgate/internal/llm"
)

const (
	maxUsageBytes = 64 << 10 // of a usage object; a larger one is not read
	maxNameBytes  = 24       // of a member's name; no longer one is looked for
)

// answer watches a JSON answer pass in pieces. It follows strings and brackets
// only, keeps the few top-level values it looks for, and never holds more of
// the answer than those. It does not validate: the answer is the provider's.
type answer struct {
	format   llm.Format
	answers  answers
	depth    int
	begun    bool // it begins as an object does
	done     bool // the top-level object was closed, or there never was one
	finished bool // it was closed

	inString bool
	escaped  bool // the next byte belongs to an escape
	counting bool // the string is output
	name     [maxNameBytes]byte
	nameLen  int  // of the latest string; maxNameBytes+1 when it is longer
	output   bool // the latest name is that of an output string, whose value is due
	object   bool // the latest name is that of an object full of output, whose value is due
	within   int  // the depth of such an object; 0 = in none
	echo     bool // the top-level member is no output, whatever is in it
	quiet    bool // the latest name is that of a value without output, which is due
	quietIn  int  // the depth of such a value; 0 = in none
	gallery  bool // the top-level member is a list of pictures
	pictures int64

	keeping kept   // the top-level value that is being kept
	kept    []byte // its bytes so far
	bytes   int64  // of output text
}

// kept is a top-level value of an answer that is looked for.
type kept uint8

const (
	keptNothing kept = iota
	keptID
	keptUsage
	keptService
	keptError
	keptDuration
)

// structure marks the bytes that mean something outside strings. A comma does
// so only at the top level and where an output string is due.
var structure = [256]byte{'"': 1, '{': 1, '}': 1, '[': 1, ']': 1, ':': 1, ',': 2}

// write takes the next piece, and notes in f what it completes.
func (a *answer) write(b []byte, f *findings) {
	from := 0 // of the value being kept, in this piece
	for i := 0; i < len(b) && !a.done; {
		if a.inString {
			i = a.inside(b, i)
			continue
		}
		if !a.begun {
			if i = a.begin(b, i); i == len(b) {
				return
			}
			continue
		}
		if i = a.next(b, i); i == len(b) {
			break
		}
		if a.depth == 1 && (b[i] == ',' || b[i] == '}') {
			a.keep(b[from:i])
			a.report(f)
		}
		if a.mark(b[i]) {
			from = i + 1
		}
		i++
	}
	if !a.done {
		a.keep(b[from:])
	}
}

// begin steps over white space to the brace that opens the object, and then to
// the name or the brace that must follow.
func (a *answer) begin(b []byte, i int) int {
	s := scanner{b: b, i: i}
	c := s.peek()
	switch {
	case s.i == len(b):
	case a.depth == 0 && c == '{':
		a.depth = 1
		s.i++
	case a.depth == 1 && (c == '"' || c == '}'):
		a.begun = true
	default:
		a.done = true
	}
	return s.i
}

// next is the offset of the next byte with a meaning.
func (a *answer) next(b []byte, i int) int {
	mask := byte(1)
	if a.depth == 1 || a.output || a.object {
		mask = 3
	}
	for i < len(b) && structure[b[i]]&mask == 0 {
		i++
	}
	return i
}

// mark takes one byte of structure. It is true when the value behind it is to
// be kept.
func (a *answer) mark(c byte) bool {
	switch c {
	case '"':
		a.inString, a.nameLen = true, 0
		a.counting = (a.output || a.within > 0) && a.quietIn == 0
		a.output, a.object, a.quiet = false, false, false
	case '{', '[':
		a.depth++
		if a.gallery && a.depth == 3 && c == '{' {
			a.pictures++
		}
		if a.object && a.within == 0 {
			a.within = a.depth
		}
		if a.quiet && a.quietIn == 0 {
			a.quietIn = a.depth
		}
		a.output, a.object, a.quiet = false, false, false
	case '}', ']':
		a.depth--
		if a.depth < a.within {
			a.within = 0
		}
		if a.depth < a.quietIn {
			a.quietIn = 0
		}
		a.output, a.object, a.quiet = false, false, false
		a.finished = a.depth == 0 && c == '}'
		a.done = a.depth <= 0
	case ',':
		a.output, a.object = false, false
	case ':':
		if a.nameLen > maxNameBytes {
			return false
		}
		name := a.name[:a.nameLen]
		a.output = a.depth > 1 && !a.echo && isOutput(a.format, name)
		a.object = a.depth > 1 && isOutputObject(a.format, name)
		a.quiet = a.depth > 1 && isQuiet(a.format, name)
		if a.depth == 1 {
			a.keeping, a.kept = keptAs(a.format, name), a.kept[:0] // an answer that is no JSON may have two colons in a row
			if a.answers != answersUsual {
				a.member(name)
			}
			return a.keeping != keptNothing
		}
	}
	return false
}

// member takes note of which top-level member follows, in an answer that is not the
// format's usual.
func (a *answer) member(name []byte) {
	a.echo, a.gallery = true, false
	switch a.answers {
	case answersResponse:
		a.echo = string(name) != "output"
	case answersImages:
		a.gallery = string(name) == "data"
	case answersTranscript:
		a.output = string(name) == "text"
		if string(name) == "duration" {
			a.keeping = keptDuration
		}
	}
}

// keptAs is what the top-level member called name is looked for as.
func keptAs(f llm.Format, name []byte) kept {
	switch string(name) {
	case "error":
		return keptError
	case "id":
		if f != llm.Gemini {
			return keptID
		}
	case "usage":
		if f != llm.Gemini {
			return keptUsage
		}
	case "service_tier":
		if f == llm.OpenAI {
			return keptService
		}
	case "responseId":
		if f == llm.Gemini {
			return keptID
		}
	case "meta":
		if f == llm.Cohere {
			return keptUsage
		}
	case "usageMetadata":
		if f == llm.Gemini {
			return keptUsage
		}
	}
	return keptNothing
}

// keep appends to the value being kept, if one is, up to one byte more than is
// of use.
func (a *answer) keep(piece []byte) {
	if a.keeping != keptNothing {
		a.kept = append(a.kept, piece[:min(len(piece), maxUsageBytes+1-len(a.kept))]...)
	}
}

// report notes the value that was kept, now that it is whole.
func (a *answer) report(f *findings) {
	value := bytes.TrimSpace(a.kept)
	switch {
	case a.keeping == keptError:
		f.fail(value)
	case len(a.kept) > maxUsageBytes:
	case a.keeping == keptUsage:
		f.use(value, true)
	case a.keeping == keptDuration:
		readSeconds(&scanner{b: value}, &f.tally.Seconds)
	case a.keeping == keptService:
		f.serve(serviceWord(value))
	case a.keeping == keptID && len(value) > 0 && value[0] == '"':
		s := scanner{b: value}
		if id := s.text(); s.bad == "" { // its escapes are right
			f.name(id)
		}
	}
	a.keeping, a.kept = keptNothing, a.kept[:0]
}

// inside goes on in a string, which may have begun in an earlier piece, and
// gives the offset behind it, or len(b) when it does not end here.
func (a *answer) inside(b []byte, i int) int {
	start := i
	if a.escaped {
		a.escaped = false
		i++
	}
	end := len(b)
	quote := -1
	for i < len(b) {
		if quote < i {
			if quote = bytes.IndexByte(b[i:], '"'); quote < 0 {
				quote = len(b)
			} else {
				quote += i
			}
		}
		e := bytes.IndexByte(b[i:quote], '\\')
		if e < 0 {
			end = quote
			break
		}
		i += e + 2
		a.escaped = i > len(b)
	}
	a.take(b[start:end])
	if end == len(b) {
		return end
	}
	a.inString = false
	return end + 1
}

// take notes a piece of the string, up to its end.
func (a *answer) take(piece []byte) {
	if a.counting {
		a.bytes += int64(len(piece))
	}
	if a.nameLen+len(piece) > maxNameBytes {
		a.nameLen = maxNameBytes + 1
		return
	}
	a.nameLen += copy(a.name[a.nameLen:], piece)
}
