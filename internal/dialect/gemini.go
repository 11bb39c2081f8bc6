package dialect

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// leastGeminiThinking is the lowest thinkingBudget above 0 that all of Google's
// models take.
const leastGeminiThinking = 512

// maxRequests is of a batch of embeddings. Google takes a hundred.
const maxRequests = 10_000

// configSpan is generationConfig as it stands in the body.
type configSpan struct {
	at     span
	null   bool
	inside int  // the offset behind the opening brace
	filled bool // has members
}

// addressed reads what a request's URL says: the model, and in which form the
// answer is wanted.
func (c *Call) addressed(at *url.URL) (err error) {
	c.Model = c.Route.ModelID(at.Path)
	if c.Model != "" && !isModelName([]byte(c.Model)) {
		return invalid("model", "The model in the path %s.", modelProblem)
	}
	if c.Route.Format != llm.Gemini {
		c.Query, err = c.Route.keptQuery(at.RawQuery)
		return err
	}
	c.Stream = c.Route.Streams
	alt := ""
	if at.RawQuery != "" {
		values, _ := url.ParseQuery(at.RawQuery) // what is wrong in it is as if it were not there
		if alt = values.Get("alt"); alt == "" {
			alt = values.Get("$alt")
		}
	}
	switch {
	case alt == "sse" && c.Stream:
		c.Query = "alt=sse"
	case alt == "" || alt == "json" || strings.HasPrefix(alt, "json;"):
		c.List = c.Stream
	default:
		return invalid("alt", "The parameter \"alt\" must be json, or sse where an answer is streamed, not %q.", brief([]byte(alt)))
	}
	return nil
}

// Upstream is the path of the request at its provider, where model is the
// provider's own name of the model. The error is fault.ModelNotFound for a name
// that no path can hold.
func (c *Call) Upstream(model string) (string, error) {
	r := c.Route
	switch {
	case r.Sent != "":
		return r.Sent, nil
	case r.before == "":
		return r.Path, nil
	}
	for _, b := range []byte(model) {
		if b|0x20 < 'a' || b|0x20 > 'z' {
			if b != '.' && b != '-' && b != '_' && (b < '0' || b > '9') {
				return "", fault.New(fault.ModelNotFound, "%q is no name of a model that %s can have.", model, r.Path)
			}
		}
	}
	return r.before + model + r.after, nil
}

// gemini reads the value of a field that only Gemini's format has.
func (r *reader) gemini(f field) {
	c := r.call
	at := r.i
	switch f {
	case fieldContents:
		r.contents()
		c.texts = r.since(at)
	case fieldContent:
		c.Messages++
		r.turn(fieldContent)
		c.texts = r.since(at)
	case fieldInstruction:
		r.turn(fieldInstruction)
		c.system = r.since(at)
	case fieldConfig:
		r.generationConfig()
	case fieldCachedContent: // a prompt that is not here
		if !empty(r.value()) {
			c.Media.Others++
		}
	case fieldRequests:
		r.requests()
		c.texts = r.since(at)
	case fieldWholeRequest: // to count the tokens of
		r.members(func(name []byte) {
			if !r.namesModel(name) {
				r.skip()
			}
		})
	default:
		r.skip()
	}
}

// contents reads the turns of a conversation. Google also takes one by itself.
func (r *reader) contents() {
	switch r.peek() {
	case '{':
		r.turn(fieldContents)
		r.call.Messages++
	case '[':
		r.open()
		for r.element() {
			r.turn(fieldContents)
			r.call.Messages++
		}
	default:
		r.wrong("contents", "must be an array of contents")
	}
}

// turn reads a content: its parts.
func (r *reader) turn(in field) {
	switch c := r.peek(); {
	case c == '"' && in == fieldInstruction: // some clients send the text alone
		r.text()
		return
	case c != '{':
		r.wrong(r.contentName(in), "must be a content, an object with parts")
		return
	}
	r.members(func(name []byte) {
		switch {
		case !is(name, "parts"):
			r.skip()
		case r.peek() == '{': // one part stands for a list of one
			r.call.layered = true
			r.geminiPart()
		default:
			r.content(in)
		}
	})
}

// requests reads the requests of a batch of embeddings.
func (r *reader) requests() {
	if r.peek() != '[' {
		r.wrong("requests", "must be an array of requests")
		return
	}
	r.open()
	for r.element() {
		if r.call.Messages++; r.call.Messages > maxRequests {
			r.reject(invalid("requests", "The field \"requests\" has more than %d requests: send them in several batches.", maxRequests))
			return
		}
		r.members(func(name []byte) {
			switch {
			case r.namesModel(name):
			case is(name, "content") && r.peek() == '{':
				r.turn(fieldContent)
			default:
				r.skip()
			}
		})
	}
}

// namesModel reads the member of a nested request that names the model, and
// reports whether name is that one's.
func (r *reader) namesModel(name []byte) bool {
	if !is(name, "model") {
		return false
	}
	if plain := decoded(name); string(plain) != "model" {
		r.respelled(plain, "model")
		return true
	}
	r.modelAgain()
	return true
}

// modelAgain reads a model's name in the body. The path has said it already, and
// what is asked for must not depend on where one looks.
func (r *reader) modelAgain() {
	if r.null() {
		return
	}
	if r.peek() != '"' {
		r.wrong("model", modelProblem)
		return
	}
	at := r.i
	name := decoded(r.text())
	if r.bad == "" && string(bytes.TrimPrefix(name, []byte("models/"))) != strings.TrimPrefix(r.call.Model, "models/") {
		r.wrongAt("model", at, "is another model than that of the path, "+strconv.Quote(r.call.Model)+": name the same in both")
	}
	r.call.models = append(r.call.models, r.since(at))
}

// generationConfig reads how an answer is to be made.
func (r *reader) generationConfig() {
	o := &r.call.config
	c := r.peek()
	o.at.from = r.i
	switch {
	case r.null():
		o.null = true
	case c == '{':
		var seen fieldSet
		r.open()
		o.inside = r.i
		for {
			name, ok := r.member()
			if !ok {
				break
			}
			o.filled = true
			r.setting(decoded(name), &seen)
		}
	default:
		r.wrong("generationConfig", "must be an object")
		return
	}
	o.at.to = r.i
}

// settings are the members of generationConfig that matter, by both of their names.
var settings = [...]struct{ camel, snake, path string }{
	{"maxOutputTokens", "max_output_tokens", "generationConfig.maxOutputTokens"},
	{"candidateCount", "candidate_count", "generationConfig.candidateCount"},
	{"thinkingConfig", "thinking_config", "generationConfig.thinkingConfig"},
	{"responseModalities", "response_modalities", "generationConfig.responseModalities"},
}

// setting reads one member of generationConfig. Those that matter have two
// names, of which one may be used, once.
func (r *reader) setting(name []byte, seen *fieldSet) {
	c := r.call
	for i, known := range settings {
		switch {
		case string(name) != known.camel && string(name) != known.snake:
			if alike(name, known.snake) {
				r.respelled(name, known.path)
			}
			continue
		case seen.has(field(i)):
			r.twice(known.path)
			return
		}
		*seen |= 1 << i
		switch i {
		case 0:
			r.outputCap(&c.caps[0], known.path)
		case 1:
			r.n = r.choices(known.path)
		case 2:
			r.thinkingConfig()
		case 3:
			r.responseModalities()
		}
		return
	}
	if !isSetting(name) && c.Override == "" && r.peek() != 'n' {
		c.Override = "generationConfig." + brief(name)
	}
	r.skip()
}

// isSetting reports whether a member of generationConfig is known to change
// neither how much is written nor what it costs. Google refuses names that he
// does not know.
func isSetting(name []byte) bool {
	for _, known := range [...]string{
		"temperature", "top_p", "top_k", "stop_sequences", "seed", "presence_penalty", "frequency_penalty",
		"response_mime_type", "response_schema", "response_json_schema", "response_format", "response_logprobs", "logprobs",
		"media_resolution", "speech_config", "image_config", "audio_timestamp", "audio_transcription_config",
		"enable_enhanced_civic_answers",
	} {
		if alike(name, known) {
			return true
		}
	}
	return false
}

// thinkingConfig reads the cap on thinking. -1 leaves it to the model, 0 is none.
func (r *reader) thinkingConfig() {
	const param = "generationConfig.thinkingConfig.thinkingBudget"
	c := r.call
	r.members(func(name []byte) {
		plain := decoded(name)
		switch {
		case string(plain) != "thinkingBudget" && string(plain) != "thinking_budget":
			if alike(plain, "thinking_budget") {
				r.respelled(plain, param)
			}
			r.skip()
		case !c.thought.absent():
			r.twice(param)
		default:
			r.peek()
			at := r.i
			if r.null() {
				return
			}
			if value := r.value(); string(value) != "-1" {
				n, ok := plainInteger(value)
				if !ok || n > maxCap {
					r.wrongAt(param, at, "must be a whole number from -1 to 1000000000, written in digits only")
				}
				c.Thinking = n
			}
			c.thought = r.since(at)
		}
	})
}

// responseModalities reads whether the answer may be spoken.
func (r *reader) responseModalities() {
	if r.null() {
		return
	}
	if v := r.value(); bytes.Contains(bytes.ToUpper(v), []byte(`AUDIO`)) {
		r.call.AudioOutput = true
	}
}

// geminiTool reads a tool and reports whether the caller runs all that is in it.
func (r *reader) geminiTool() bool {
	hosted := false
	r.members(func(name []byte) {
		switch {
		case r.null():
		case !is(name, "function_declarations"):
			hosted = true
			r.skip()
		case r.peek() == '[':
			r.open()
			for r.element() {
				r.call.listed++
				r.skip()
			}
		default:
			r.skip()
		}
	})
	return !hosted
}
