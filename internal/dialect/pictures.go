package dialect

import (
	"strconv"
	"unicode/utf8"
)

// media reads the value of a field that only OpenAI's routes for pictures and for
// sound have.
func (r *reader) media(f field) {
	c := r.call
	at := r.i
	switch f {
	case fieldSize:
		c.Size = r.word("size")
	case fieldQuality:
		c.Quality = r.word("quality")
	case fieldSpoken:
		if r.peek() != '"' {
			r.wrong("input", "must be a string")
			return
		}
		c.Characters = int64(utf8.RuneCount(decoded(r.text())))
		c.texts = r.since(at)
	case fieldOutputFormat:
		c.outputFormat(r.word("output_format"))
	case fieldSVG:
		if !r.null() {
			r.wrong("svg", "names a model that would answer without being asked for here, so without its rules and prices: leave it out")
		}
	case fieldStreamFormat:
		c.Stream = r.word("stream_format") == "sse"
	}
}

// outputFormat notes a format of pictures that costs more than the picture: another
// model writes SVG, and each frame of a GIF is a picture.
func (c *Call) outputFormat(format string) {
	if format != "svg" && format != "gif" {
		return
	}
	c.Extra = "The output format " + strconv.Quote(format)
	if c.Override == "" {
		c.Override = "output_format"
	}
}

// word reads a string of a few characters; null is "".
func (r *reader) word(param string) string {
	if r.null() {
		return ""
	}
	if r.peek() != '"' {
		r.wrong(param, "must be a string")
		return ""
	}
	return brief(decoded(r.text()))
}

// ownWords is the vocabulary of a route whose answers are not its format's usual.
func (r *Route) ownWords() *vocabulary {
	switch r.answers {
	case answersImages:
		if r.Form {
			return &editWords[0]
		}
		return &imageWords[0]
	case answersSpeech:
		return &speechWords[0]
	case answersTranscript:
		return &transcriptWords[0]
	}
	return &responseWords[0]
}

// The vocabularies of pictures and of sound. All other names may be an override, as
// with Responses.
var (
	imageWords = [...]vocabulary{{
		fields: []named{
			{fieldModel, "model"},
			{fieldPrompt, "prompt"},
			{fieldN, "n"},
			{fieldSize, "size"},
			{fieldQuality, "quality"},
			{fieldStream, "stream"},
			{fieldOutputFormat, "output_format"},
			{fieldSVG, "svg"},
		},
		harmless: []string{
			"background", "moderation", "output_compression", "partial_images", "response_format", "style", "user", "safety_identifier",
		},
	}}
	editWords = [...]vocabulary{{
		fields: []named{
			{fieldModel, "model"},
			{fieldN, "n"},
			{fieldSize, "size"},
			{fieldQuality, "quality"},
			{fieldStream, "stream"},
			{fieldOutputFormat, "output_format"},
			{fieldUpload, "image"},
			{fieldUpload, "image[]"},
			{fieldUpload, "mask"},
		},
		harmless: []string{
			"prompt", "background", "input_fidelity", "moderation", "output_compression", "partial_images", "response_format", "user",
			"safety_identifier",
		},
	}}
	speechWords = [...]vocabulary{{
		fields: []named{
			{fieldModel, "model"},
			{fieldSpoken, "input"},
			{fieldStreamFormat, "stream_format"},
		},
		harmless: []string{"voice", "instructions", "response_format", "speed"},
	}}
	transcriptWords = [...]vocabulary{{
		fields: []named{
			{fieldModel, "model"},
			{fieldStream, "stream"},
			{fieldUpload, "file"},
		},
		harmless: []string{
			"language", "prompt", "response_format", "temperature", "timestamp_granularities", "include",
			"chunking_strategy", "known_speaker_names", "languages", "keywords",
		},
	}}
)
