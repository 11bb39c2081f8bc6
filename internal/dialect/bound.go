package dialect

import "bytes"

// Figures are the tokens that count for each medium of a request, which cannot
// be measured without opening it: a few bytes may stand for hours of silence,
// or for a book in a compressed document. A zero figure means the model's
// context window, once for all media of the request that have no figure,
// because together they cannot be more than that.
type Figures struct {
	// Image is for an image in the body. The dearest known is one of 768×2048
	// pixels sent to gpt-4o-mini: 2833 + 8 tiles × 5667 = 48,169 tokens (OpenAI,
	// "Images and vision", calculating costs).
	Image       int64
	RemoteImage int64 // for an image by URL
	Audio       int64 // for a sound in the body
	File        int64 // for a file, in the body or by its id
	Other       int64 // for sound by its id, video, and parts of unknown types
}

const (
	// unknownContext stands for the context window of a model of which nothing is
	// known: none on sale has a larger one.
	unknownContext = 2 << 20

	// What templates put around the texts: role markers and separators around
	// each message, and what begins the answer. OpenAI states 3 tokens for each
	// message, 1 for a name and 3 at the end; templates of open models stay below
	// 10, and the date and knowledge lines some of them begin with below 100.
	overCall    = 256
	overMessage = 16

	// overTools is what is put before descriptions of tools: up to 530 tokens
	// with Anthropic ("Tool use", pricing).
	overTools = 1_024
)

// InputBound is a number of input tokens that no provider's count passes. It
// costs next to nothing: each byte of the body is taken for a token, which
// bounds the texts from above since a token of any tokeniser in use stands for
// at least a byte, and escapes only make the body longer. context is the
// model's context window in tokens; 0 means unknown.
func (c *Call) InputBound(f Figures, context int64) int64 {
	return int64(len(c.body)) + c.overhead() + c.MediaBound(f, context)
}

// TextBound is a bound as InputBound is, without the media: neither their
// tokens nor the bytes that they take up in the body.
func (c *Call) TextBound() int64 {
	return int64(len(c.body)) - c.Media.InlineBytes + c.overhead()
}

// overhead is what is added around the texts.
func (c *Call) overhead() int64 {
	n := overCall + overMessage*c.Messages
	if c.Tools || c.WebSearch {
		n += overTools
	}
	return n
}

// MediaBound is what the media of the request count at most, in tokens; 0 for
// a request of text only. context is the model's context window in tokens; 0
// means unknown.
func (c *Call) MediaBound(f Figures, context int64) int64 {
	m := &c.Media
	if *m == (Media{}) {
		return 0
	}
	var n int64
	open := false
	for _, of := range [...]struct{ count, figure int64 }{
		{m.Images, f.Image}, {m.RemoteImages, f.RemoteImage}, {m.Audio, f.Audio}, {m.Files, f.File}, {m.Others, f.Other},
	} {
		n += of.count * of.figure
		open = open || (of.count > 0 && of.figure == 0)
	}
	switch {
	case !open:
		return n
	case context == 0:
		return n + unknownContext
	}
	return n + context
}

// Texts calls yield with each text that the model reads, decoded, in the order
// of the body, for a tokeniser to count. The slice is only lent until yield
// returns. What it returns bounds all other text tokens of the request: the
// templates, the numbers among the texts, and everything outside messages,
// prompt and input (tools, response formats, …) by its bytes. Media are
// MediaBound's. The sum of the three is a bound, and with text only an almost
// exact one.
func (c *Call) Texts(yield func(text []byte)) (rest int64) {
	if c.texts.absent() {
		return int64(len(c.body)) + c.overhead()
	}
	t := texts{scanner: scanner{b: c.texts.of(c.body)}, yield: yield}
	t.walk()
	outside := len(c.body) - (c.texts.to - c.texts.from)
	return int64(outside) + c.overhead() + t.rest - c.Media.InlineBytes
}

// texts walks over a value and yields its strings.
type texts struct {
	scanner
	yield func(text []byte)
	buf   []byte // a decoded text
	rest  int64
}

func (t *texts) walk() {
	switch c := t.peek(); c {
	case '"':
		t.emit(t.text())
	case '[':
		t.open()
		for t.element() {
			t.walk()
		}
	case '{':
		t.object()
	default:
		t.scalar(c)
		t.rest++ // a token id, or a word such as null
	}
}

// object walks over a message, which is in the overhead already, or over what
// lies in one: a part, a tool call. The overhead has room for the usual names;
// longer ones may be shown to the model as well.
func (t *texts) object() {
	t.open()
	if t.depth > 2 {
		t.rest += overMessage
	}
	for {
		name, ok := t.member()
		if !ok {
			return
		}
		if len(name) > overMessage {
			t.rest += int64(len(name))
		}
		if isMedium(name) {
			t.rest += int64(len(t.value())) // less InlineBytes, in the end
			continue
		}
		t.walk()
	}
}

// isMedium reports whether a member called name may hold a medium.
func isMedium(name []byte) bool {
	return is(name, "image_url") || is(name, "input_audio") || is(name, "file")
}

// emit yields the text that raw stands for.
func (t *texts) emit(raw []byte) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		t.buf = appendText(t.buf[:0], raw)
		raw = t.buf
	}
	if len(raw) > 0 {
		t.yield(raw)
	}
}
