package dialect

import "bytes"

// typed is what the gate reads of an event of OpenAI's that says its type: of a
// Response, and of images, speech and transcriptions.
type typed struct {
	kind   []byte // as written
	id     []byte // raw; nil = none
	usage  []byte // the value; nil = none or null
	tier   []byte // the service tier; nil = none
	failed bool   // there is an error that is not null
	size   int64  // of its piece of output
	last   span   // the name and the opening quote of that
}

// read reads data; it is false when that is no JSON object.
func (c *typed) read(data []byte) bool {
	s := scanner{b: data}
	if s.peek() != '{' {
		return false
	}
	eachMember(&s, func(name []byte) {
		switch string(name) {
		case "type":
			c.kind = s.value()
		case "delta":
			at := s.named
			if s.peek() != '"' {
				s.skip()
				return
			}
			c.last = span{at, s.i + 1}
			c.size = int64(len(s.text()))
		case "usage":
			c.usage = notNull(s.value())
		case "error":
			c.failed = notNull(s.value()) != nil || c.failed
		case "response":
			c.response(&s)
		default:
			s.skip()
		}
	})
	s.end()
	return s.bad == ""
}

// response reads the Response that an event carries.
func (c *typed) response(s *scanner) {
	eachMember(s, func(name []byte) {
		switch string(name) {
		case "id":
			if s.peek() == '"' {
				c.id = s.text()
				return
			}
			s.skip()
		case "usage":
			c.usage = notNull(s.value())
		case "service_tier":
			c.tier = s.value()
		case "error":
			c.failed = notNull(s.value()) != nil || c.failed
		default:
			s.skip()
		}
	})
}

// notNull is value; nil for null.
func notNull(value []byte) []byte {
	if string(value) == "null" {
		return nil
	}
	return value
}

// typedEvent looks at one event of a stream whose events say their types.
func (t *Tap) typedEvent(data []byte) {
	var c typed
	if !c.read(data) {
		t.f.tally.Finished = t.f.tally.Finished || string(bytes.TrimSpace(data)) == "[DONE]"
		return
	}
	if c.id != nil {
		t.f.name(c.id)
	}
	t.f.serve(serviceWord(c.tier))
	t.f.failed = t.f.failed || c.failed
	if c.size > 0 && bytes.HasSuffix(c.kind, []byte(`delta"`)) {
		t.f.count(c.size)
		t.stream.like.learnAt(data, c.last)
	}
	last := false
	switch string(c.kind) {
	case `"error"`:
		t.f.failed = true
	case `"response.failed"`:
		last, t.f.failed = true, true
	case `"response.completed"`, `"response.incomplete"`, `"speech.audio.done"`, `"transcript.text.done"`:
		last = true
	case `"image_generation.completed"`, `"image_edit.completed"`: // each is one picture of those that were asked for
		t.f.picture(c.usage)
		return
	}
	if c.usage != nil {
		t.f.use(c.usage, last)
	}
	t.f.tally.Finished = t.f.tally.Finished || last
}

// picture notes that one more picture is there, and what it used.
func (f *findings) picture(usage []byte) {
	f.tally.Images++
	if u, ok := f.parse(usage); ok {
		f.tally.Usage = sum(f.tally.Usage, u)
		f.told++
	}
	f.tally.Finished = f.tally.Images >= f.wanted
	f.tally.Reported = f.told == f.tally.Images
	f.tally.Final = f.tally.Reported && f.tally.Finished
}
