package dialect

import (
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
	case fieldStreamFormat:
		c.Stream = r.word("stream_format") == "sse"
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
		},
		harmless: []string{
			"background", "moderation", "output_compression", "output_format", "partial_images", "response_format", "style", "user",
		},
	}}
	editWords = [...]vocabulary{{
		fields: []named{
			{fieldModel, "model"},
			{fieldN, "n"},
			{fieldSize, "size"},
			{fieldQuality, "quality"},
			{fieldStream, "stream"},
			{fieldUpload, "image"},
			{fieldUpload, "image[]"},
			{fieldUpload, "mask"},
		},
		harmless: []string{
			"prompt", "background", "input_fidelity", "moderation", "output_compression", "output_format", "partial_images",
			"response_format", "user",
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
			"chunking_strategy", "known_speaker_names", "known_speaker_references",
		},
	}}
)
