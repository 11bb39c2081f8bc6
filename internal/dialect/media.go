package dialect

import (
	"bytes"
	"fmt"

	"tollgate/internal/llm"
)

// Media counts the parts of a request whose tokens the bytes of its texts do
// not bound. The zero value is a request of text only.
type Media struct {
	Images       int64 // images in the body, as data: URLs
	RemoteImages int64 // images by URL
	Audio        int64 // sounds in the body
	Files        int64 // files, in the body or by their ids
	Others       int64 // sound by its id, video, and parts of unknown types
	InlineBytes  int64 // of images, sounds and files in the body, as encoded there
}

// messages reads the messages of a chat: how many, and the media in them.
func (r *reader) messages() {
	if r.peek() != '[' {
		r.wrong("messages", "must be an array of messages")
		return
	}
	r.open()
	for r.element() {
		if r.peek() != '{' {
			r.wrong(fmt.Sprintf("messages[%d]", r.call.Messages), "must be an object")
			return
		}
		r.message()
		r.call.Messages++
	}
}

// message reads one message. Here and below, nested names are recognised in
// any spelling and as often as they stand: parsers may differ on them, but
// counting each can only raise the bound.
func (r *reader) message() {
	roles := 0
	r.open()
	for {
		name, ok := r.member()
		switch {
		case !ok:
			if r.call.Route.Chatbot && roles != 1 {
				r.speaker([]byte("none, or several"))
			}
			return
		case r.call.Route.Chatbot && is(name, "role"):
			roles++
			r.role()
		case is(name, "content"):
			r.content(fieldMessages)
		case is(name, "audio"): // an earlier spoken answer, by its id
			if !r.null() {
				r.call.Media.Others++
				r.skip()
			}
		default:
			if c := r.peek(); c != '"' && c != 'n' {
				r.call.layered = true
			}
			r.skip()
		}
	}
}

// role reads who speaks in a message to a chatbot.
func (r *reader) role() {
	role := r.value()
	switch string(role) {
	case `"user"`, `"assistant"`, `"tool"`, `"function"`:
	default:
		r.speaker(role)
	}
}

// speaker takes note of a role that is not plainly the caller's.
func (r *reader) speaker(role []byte) {
	if r.call.speaks == 0 {
		r.call.speaks, r.call.spoken = r.call.Messages+1, brief(role)
	}
}

// is reports whether a nested name is known, in whatever spelling.
func is(name []byte, known string) bool {
	return string(name) == known ||
		(len(name) >= len(known)-2 && alike(decoded(name), known)) // no known name has more than two underscores
}

// content reads what is said, in a message or before them: a string, or an array
// of parts.
func (r *reader) content(in field) {
	switch r.peek() {
	case '"':
		r.text()
	case 'n':
		r.literal("null")
	case '[':
		r.call.layered = true
		r.open()
		for r.element() {
			r.partOf(in)
		}
	default:
		r.wrong(r.contentName(in), "must be a string or an array of parts")
	}
}

// partOf reads one element of a content.
func (r *reader) partOf(in field) {
	switch r.peek() {
	case '"': // some servers take plain strings
		r.text()
	case '{':
		switch r.call.Route.Format {
		case llm.Anthropic:
			r.block()
		case llm.Gemini:
			r.geminiPart()
		default:
			r.part()
		}
	default:
		r.wrong(r.contentName(in), "must hold parts, which are objects")
	}
}

func (r *reader) contentName(in field) string {
	switch in {
	case fieldSystem:
		return "system"
	case fieldInstruction:
		return "systemInstruction.parts"
	case fieldContents:
		return fmt.Sprintf("contents[%d].parts", r.call.Messages)
	case fieldContent:
		return "content.parts"
	}
	return fmt.Sprintf("messages[%d].content", r.call.Messages)
}

// part reads one part of a content. What its members hold counts whatever its
// type says. Each member that is not known counts as something that cannot be
// measured, and so does a part whose type is missing, not known, or of another
// medium than it holds: a server may see in it what is not seen here.
func (r *reader) part() {
	m := &r.call.Media
	others := m.Others
	var p partKind
	cohere := r.call.Route.Format == llm.Cohere // whose parts may be documents and thoughts
	r.open()
	for {
		name, ok := r.member()
		if !ok {
			break
		}
		switch {
		case string(name) == "text" || string(name) == "refusal":
			r.skip()
		case r.null(): // the same as absent
		case is(name, "type"):
			p.types++
			p.is = r.value()
		case is(name, "image_url"):
			p.holds("image_url")
			r.image()
		case is(name, "input_audio"):
			p.holds("input_audio")
			r.audio()
		case is(name, "file"):
			p.holds("file")
			r.file()
		case is(name, "cache_control"), cohere && (is(name, "thinking") || is(name, "document")):
			r.skip()
		default:
			m.Others++
			r.skip()
		}
	}
	if m.Others == others && !p.consistent(cohere) {
		m.Others++
	}
}

// partKind is what a part says to be, and what it holds.
type partKind struct {
	types  int    // members that say the type
	is     []byte // the latest of them, as written
	medium string // the member with the medium; "" = none
	mixed  bool   // there are media of several kinds
}

func (p *partKind) holds(medium string) {
	p.mixed = p.mixed || (p.medium != "" && p.medium != medium)
	p.medium = medium
}

// consistent reports whether a part says one thing and is that.
func (p *partKind) consistent(cohere bool) bool {
	if p.types != 1 || p.mixed {
		return false
	}
	switch string(p.is) {
	case `"text"`, `"refusal"`:
		return p.medium == ""
	case `"thinking"`, `"document"`:
		return cohere && p.medium == ""
	case `"image_url"`, `"input_audio"`, `"file"`:
		return p.medium == string(p.is[1:len(p.is)-1])
	}
	return false
}

// image reads the value of an image_url: an object with a url, or the URL.
func (r *reader) image() {
	if r.peek() == '"' {
		r.imageURL()
		return
	}
	m := &r.call.Media
	before := *m
	r.members(func(name []byte) {
		if is(name, "url") && r.peek() == '"' {
			r.imageURL()
			return
		}
		r.skip()
	})
	if *m == before {
		m.RemoteImages++
	}
}

// imageURL reads the URL of an image. A data: URL that says to be no image is
// a file: some servers take documents there.
func (r *reader) imageURL() {
	m := &r.call.Media
	url := r.text()
	switch {
	case bytes.HasPrefix(url, []byte("data:image/")):
		m.Images++
		m.InlineBytes += int64(len(url))
	case bytes.HasPrefix(url, []byte("data:")):
		m.Files++
		m.InlineBytes += int64(len(url))
	default:
		m.RemoteImages++
	}
}

// audio reads the value of an input_audio.
func (r *reader) audio() {
	r.call.Media.Audio++
	r.members(func(name []byte) { r.inline(name, "data") })
}

// file reads the value of a file part: its data, or the id of an uploaded one.
func (r *reader) file() {
	r.call.Media.Files++
	r.members(func(name []byte) { r.inline(name, "file_data") })
}

// inline reads the value of the member called name, which holds a medium if
// that is known, and is text if it is no string.
func (r *reader) inline(name []byte, known string) {
	if r.peek() == '"' && is(name, known) {
		r.call.Media.InlineBytes += int64(len(r.text()))
		return
	}
	r.skip()
}

// members calls member for each member of the object under the cursor, which
// must read or skip the value. Anything else than an object is skipped.
func (r *reader) members(member func(name []byte)) { eachMember(&r.scanner, member) }

// inputs reads a prompt or input and gives the number of separate texts in it:
// a string is one, an array of numbers (tokens) is one, an array of strings or
// of such arrays is as many as it has elements.
func (r *reader) inputs(param string) (n int64) {
	switch r.peek() {
	case '"':
		r.text()
		n = 1
	case 'n':
		r.literal("null")
	case '[':
		n = r.inputList()
	default:
		r.wrong(param, "must be a string or an array")
	}
	r.call.Messages += n
	return n
}

func (r *reader) inputList() (n int64) {
	tokens := int64(0)
	r.open()
	for r.element() {
		switch c := r.peek(); c {
		case '"':
			r.text()
			n++
		case '[':
			r.skip()
			n++
		case '{': // an image or the like, for models that embed those
			r.call.Media.Others++
			r.skip()
			n++
		default:
			r.scalar(c)
			tokens = 1
		}
	}
	return n + tokens
}
