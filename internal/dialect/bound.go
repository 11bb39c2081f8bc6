package dialect

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

	// AudioBytesPerSecond is how few bytes a second of sound takes at least, where
	// its seconds are billed; 0 = 500, which is 4 kbit/s.
	AudioBytesPerSecond int64
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

	// overBuiltin is the description of a tool that the provider knows and the
	// caller runs: 735 tokens for computer use, 700 for the text editor (Anthropic,
	// "Tool use", pricing). A set of them counts as several.
	overBuiltin    = 1_024
	overBuiltinSet = 8 * overBuiltin

	// overTool is what servers add to each description of a tool before a
	// template writes it: the members that the caller left out, as null.
	overTool = 128
)

// InputBound is a number of input tokens that no provider's count passes. It
// costs next to nothing: each byte of the body is taken for a token, which
// bounds the texts from above since a token of any tokeniser in use stands for
// at least a byte, and escapes only make the body longer. Where a template may
// write parts of it anew (Templated), those count as long as they can become.
// context is the model's context window in tokens; 0 means unknown.
func (c *Call) InputBound(f Figures, context int64) int64 {
	return c.bytes() + c.MediaBound(f, context)
}

// bytes is a bound as InputBound is, in which media count by their bytes only.
func (c *Call) bytes() int64 {
	return int64(len(c.body)) - c.uploaded + c.promptBytes() + c.growthOutside() + c.growthInside() + c.overhead()
}

// TextBound is a bound as InputBound is, without the media: neither their
// tokens nor the bytes that they take up in the body.
func (c *Call) TextBound() int64 {
	return c.bytes() - c.Media.InlineBytes
}

// overhead is what is added around the texts.
func (c *Call) overhead() int64 {
	n := overCall + overMessage*c.Messages + c.builtin
	if c.Tools || c.WebSearch {
		n += overTools
	}
	n += c.refers * c.largest
	if c.Templated {
		n += overTool * c.listed
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
