package simulate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mediaAsk is what a request for pictures, for sound or about either asks for.
type mediaAsk struct {
	Model          string          `json:"model"`
	Input          json.RawMessage `json:"input"`
	Prompt         string          `json:"prompt"`
	N              *int64          `json:"n"`
	Stream         bool            `json:"stream"`
	StreamFormat   string          `json:"stream_format"`
	ResponseFormat string          `json:"response_format"`
	files          int
}

// readMedia reads the body of a request at a location.
func readMedia(body []byte, contentType string, at location) (ask, error) {
	var in mediaAsk
	var err error
	if at.form {
		err = in.readForm(body, contentType)
	} else if err = json.Unmarshal(body, &in); err != nil {
		err = wrong("", "We could not parse the JSON body of your request.")
	}
	if at.model != "" { // which counts, whatever the body says
		in.Model = at.model
	}
	a := ask{model: in.Model, stream: in.Stream, choices: 1, charged: 1, prompts: 1, format: in.ResponseFormat}
	if err != nil {
		return a, err
	}
	if in.N != nil {
		if a.choices = *in.N; a.choices < 1 || a.choices > 10 {
			return a, wrong("n", "Invalid 'n': expected a value from 1 to 10.")
		}
		a.charged = a.choices
	}
	s := scanner{b: in.Input}
	a.byUnit = strings.HasPrefix(in.Model, "dall-e") || strings.HasPrefix(in.Model, "tts-1") || strings.HasPrefix(in.Model, "whisper")
	switch {
	case in.Model == "" && at.op == moderate:
		return a, wrong("model", "The model was left out by whoever stands between.")
	case in.Model == "":
		return a, wrong("model", "you must provide a model parameter")
	case at.form && in.files == 0:
		return a, wrong("file", "Missing required parameter: 'file'.")
	case at.op == draw && in.Prompt == "" && !at.form:
		return a, wrong("prompt", "Missing required parameter: 'prompt'.")
	case (at.op == speak || at.op == moderate) && in.Input == nil:
		return a, wrong("input", "Missing required parameter: 'input'.")
	case at.op == moderate:
		var list []json.RawMessage
		if json.Unmarshal(in.Input, &list) == nil && len(list) > 0 && list[0][0] == '"' { // else it is one, in parts
			a.prompts = int64(len(list))
		}
	case at.op == speak:
		var text string
		if json.Unmarshal(in.Input, &text) != nil {
			return a, wrong("input", "Invalid type for 'input': expected a string.")
		}
		a.characters, a.input, a.stream = int64(utf8.RuneCountInString(text)), s.weigh(), in.StreamFormat == "sse"
	default:
		a.input = int64(len(in.Prompt)+3) / 4
	}
	return a, nil
}

// readForm reads a form, with the library of Go: the gate has a reader of its own,
// and the two must find the same.
func (in *mediaAsk) readForm(body []byte, contentType string) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return wrong("", "Expected multipart/form-data.")
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return wrong("", "We could not parse the form of your request.")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return wrong("", "We could not parse the form of your request.")
		}
		switch text := string(value); part.FormName() {
		case "model":
			in.Model = text
		case "prompt":
			in.Prompt = text
		case "stream":
			in.Stream = text == "true"
		case "response_format":
			in.ResponseFormat = text
		case "n":
			n, _ := strconv.ParseInt(text, 10, 64)
			in.N = &n
		case "file", "image", "image[]":
			in.files++
		}
	}
}

// plain reports whether what was heard is to be told as text.
func (a *ask) plain() bool {
	return a.format == "text" || a.format == "srt" || a.format == "vtt"
}

// What is made or heard when a request's headers do not say.
const (
	defaultPicture = 1_056 // tokens of a picture of medium quality
	defaultSpeech  = 64    // tokens of sound
	defaultSeconds = 9
	tokensASecond  = 10 // of sound that is heard
)

// medium decides about an answer to a request for pictures, or for sound, or about
// it.
func (p *plan) medium(a *ask, op operation) {
	b := &p.Behaviour
	p.Tool = ""
	p.perChoice = b.OutputTokens
	seconds := b.Seconds
	if seconds == 0 {
		seconds = defaultSeconds
	}
	p.chunks = b.Chunks
	switch op {
	case draw:
		if p.perChoice == 0 {
			p.perChoice = defaultPicture
		}
		p.pictures = a.choices
	case speak:
		if p.perChoice == 0 {
			p.perChoice = defaultSpeech
		}
		if p.chunks == 0 {
			p.chunks = 4
		}
		p.characters = a.characters
	default:
		if p.perChoice == 0 {
			p.perChoice = defaultOutput
		}
		if p.chunks == 0 {
			p.chunks = 4
		}
		p.chunks = min(p.chunks, p.perChoice)
		if b.InputTokens == 0 {
			p.input += tokensASecond * seconds
			p.InputAudioTokens = tokensASecond * seconds
		}
		p.heard = seconds
	}
	if a.byUnit {
		p.input, p.InputAudioTokens, p.charged = 0, 0, 0 // no token is billed
	}
}

// drawing is OpenAI's format of pictures. See
// platform.openai.com/docs/api-reference/images and …/images-streaming.
type drawing struct{ chat }

func (w drawing) whole(dst []byte, a *answer) []byte {
	dst = itoa(append(dst, `{"created":`...), a.created)
	dst = append(dst, `,"data":[`...)
	for i := range a.choices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"b64_json":"`+picture+`"}`...)
	}
	dst = append(dst, ']')
	return append(w.usage(dst, a, a.input, a.output()), '}')
}

const picture = "iVBORw0KGgo="

func (drawing) usage(dst []byte, a *answer, input, output int64) []byte {
	if a.ask.byUnit || a.fault == noUsage {
		return dst
	}
	for _, part := range a.parts() {
		dst = itoa(append(dst, `,"usage":{"input_tokens":`...), input/part)
		dst = itoa(append(dst, `,"input_tokens_details":{"text_tokens":`...), (input-a.InputAudioTokens)/part)
		dst = itoa(append(dst, `,"image_tokens":`...), a.InputAudioTokens/part)
		dst = itoa(append(dst, `},"output_tokens":`...), output/part)
		dst = itoa(append(dst, `,"total_tokens":`...), (input+output)/part)
		dst = append(dst, '}')
	}
	return dst
}

// parts are what the usages of an answer are divided by.
func (a *answer) parts() []int64 {
	if a.fault == usageTwice {
		return []int64{2, 1}
	}
	return []int64{1}
}

// event begins an event of a type.
func mediaEvent(dst []byte, kind string) []byte {
	return append(append(append(append(append(dst, "event: "...), kind...), "\ndata: {\"type\":\""...), kind...), '"')
}

func (drawing) open(dst []byte, _ *answer) []byte { return dst }

func (drawing) piece(dst []byte, _ *answer, _, i int64) []byte {
	dst = mediaEvent(dst, "image_generation.partial_image")
	dst = itoa(append(dst, `,"b64_json":"`+picture+`","partial_image_index":`...), i)
	return append(dst, "}\n\n"...)
}

func (drawing) middle(dst []byte, a *answer) []byte {
	if a.fault == errorMid {
		return append(dst, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"server_error\",\"code\":null,\"message\":\"The server had an error while processing your request.\",\"param\":null}}\n\n"...)
	}
	return append(mediaEvent(append(dst, ": a comment\n\n"...), "novelty"), ",\"novelty\":{\"usage\":{\"input_tokens\":5}}}\n\n"...)
}

func (w drawing) end(dst []byte, a *answer) []byte {
	for range a.choices {
		dst = append(mediaEvent(dst, "image_generation.completed"), `,"b64_json":"`+picture+`"`...)
		dst = append(w.usage(dst, a, a.input/a.choices, a.perChoice), "}\n\n"...)
	}
	return dst
}

// speaking is OpenAI's format of speech: bytes, or events with them. See
// platform.openai.com/docs/api-reference/audio/createSpeech.
type speaking struct{ drawing }

func (speaking) whole(dst []byte, _ *answer) []byte { return dst }

func (speaking) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := i*a.ask.characters/a.chunks, (i+1)*a.ask.characters/a.chunks
	sound := appendWords(nil, 100*from, 100*to)
	if !a.ask.stream {
		return append(dst, sound...)
	}
	dst = append(mediaEvent(dst, "speech.audio.delta"), `,"audio":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, sound), "\"}\n\n"...)
}

func (w speaking) end(dst []byte, a *answer) []byte {
	if !a.ask.stream {
		return dst
	}
	dst = mediaEvent(dst, "speech.audio.done")
	if a.fault != noUsage && !a.ask.byUnit {
		for _, part := range a.parts() {
			dst = itoa(append(dst, `,"usage":{"input_tokens":`...), a.input/part)
			dst = itoa(append(dst, `,"output_tokens":`...), a.output()/part)
			dst = append(itoa(append(dst, `,"total_tokens":`...), (a.input+a.output())/part), '}')
		}
	}
	return append(dst, "}\n\n"...)
}

// hearing is OpenAI's format of transcriptions. See
// platform.openai.com/docs/api-reference/audio/createTranscription.
type hearing struct{ drawing }

func (w hearing) whole(dst []byte, a *answer) []byte {
	switch a.ask.format {
	case "text":
		return append(appendWords(dst, 0, a.perChoice), '\n')
	case "srt":
		return append(appendWords(append(dst, "1\n00:00:00,000 --> 00:00:09,000\n"...), 0, a.perChoice), "\n\n"...)
	case "vtt":
		return append(appendWords(append(dst, "WEBVTT\n\n00:00:00.000 --> 00:00:09.000\n"...), 0, a.perChoice), "\n\n"...)
	case "verbose_json":
		dst = itoa(append(dst, `{"task":"transcribe","language":"english","duration":`...), a.heard-1)
		dst = appendWords(append(dst, `.47,"segments":[],"text":"`...), 0, a.perChoice)
	default:
		dst = appendWords(append(dst, `{"text":"`...), 0, a.perChoice)
	}
	return append(w.usage(append(dst, '"'), a), '}')
}

func (hearing) usage(dst []byte, a *answer) []byte {
	if a.fault == noUsage {
		return dst
	}
	for _, part := range a.parts() {
		if a.ask.byUnit {
			dst = append(itoa(append(dst, `,"usage":{"type":"duration","seconds":`...), a.heard/part), '}')
			continue
		}
		dst = itoa(append(dst, `,"usage":{"type":"tokens","input_tokens":`...), a.input/part)
		dst = itoa(append(dst, `,"input_token_details":{"text_tokens":`...), (a.input-a.InputAudioTokens)/part)
		dst = itoa(append(dst, `,"audio_tokens":`...), a.InputAudioTokens/part)
		dst = itoa(append(dst, `},"output_tokens":`...), a.output()/part)
		dst = append(itoa(append(dst, `,"total_tokens":`...), (a.input+a.output())/part), '}')
	}
	return dst
}

func (hearing) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := a.span(i)
	dst = appendWords(append(mediaEvent(dst, "transcript.text.delta"), `,"delta":"`...), from, to)
	return append(dst, "\"}\n\n"...)
}

func (w hearing) end(dst []byte, a *answer) []byte {
	dst = appendWords(append(mediaEvent(dst, "transcript.text.done"), `,"text":"`...), 0, a.perChoice)
	return append(w.usage(append(dst, '"'), a), "}\n\n"...)
}

// moderation answers that nothing is wrong with what was sent. See
// platform.openai.com/docs/api-reference/moderations.
func moderation(dst []byte, a *answer) []byte {
	dst = append(append(dst, `{"id":"modr-`...), a.id...)
	dst = append(append(dst, `","model":"`...), a.ask.model...)
	dst = append(dst, `","results":[`...)
	for i := range a.ask.prompts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"flagged":false,"categories":{"violence":false},"category_scores":{"violence":0.0001},"category_applied_input_types":{"violence":["text"]}}`...)
	}
	return append(dst, "]}"...)
}
