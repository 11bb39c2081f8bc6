package dialect

import (
	"bytes"
	"math"
	"unicode/utf8"

	"tollgate/internal/llm"
)

// model reads the model's name. Control characters and bytes that are no UTF-8
// are refused: parsers differ on what they make of them.
func (r *reader) model() {
	if r.peek() != '"' {
		r.wrong("model", modelProblem)
		return
	}
	at := r.i
	name := decoded(r.text())
	if !isModelName(name) {
		r.wrongAt("model", at, modelProblem+" without control characters")
		return
	}
	r.call.Model, r.call.model = string(name), r.since(at)
	r.call.asked = r.call.Model
}

const modelProblem = "must be the name of a model, a string of 1 to 256 bytes"

func isModelName(name []byte) bool {
	return len(name) > 0 && len(name) <= maxModelBytes && utf8.Valid(name) && !bytes.ContainsFunc(name, isControl)
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f || c == utf8.RuneError }

// boolean reads true or false; null is false.
func (r *reader) boolean(param string) bool {
	switch r.peek() {
	case 't':
		r.literal("true")
		return true
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.wrong(param, "must be true or false")
	}
	return false
}

// choices reads a number of answers.
func (r *reader) choices(param string) int64 {
	return r.integer(param, maxChoices, "must be a whole number from 1 to 128, written in digits only")
}

// integer reads a whole number from 1 to most, written in digits only; null is
// 0. Forms such as 1e3 and 12.0 are refused, because servers differ on whether
// they are integers.
func (r *reader) integer(param string, most int64, problem string) int64 {
	if r.null() {
		return 0
	}
	return r.whole(param, 1, most, problem)
}

// whole reads a whole number from least to most, written in digits only.
func (r *reader) whole(param string, least, most int64, problem string) int64 {
	c := r.peek()
	at := r.i
	if c != '-' && (c < '0' || c > '9') {
		r.wrong(param, problem)
		return 0
	}
	n, ok := plainInteger(r.number())
	if !ok || n < least || n > most {
		r.wrongAt(param, at, problem)
		return 0
	}
	return n
}

// plainInteger is the value of digits, if there is nothing else and it fits.
func plainInteger(digits []byte) (n int64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' || n > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(digits) > 0
}

// outputCap reads a field that bounds the output.
func (r *reader) outputCap(cap *capSpan, param string) {
	const problem = "must be a positive whole number, at most 1000000000, written in digits only"
	r.peek()
	at := r.i
	if r.null() {
		cap.at = r.since(at)
		return
	}
	least := int64(1)
	if r.call.Route.Format == llm.Anthropic {
		least = 0 // which fills the prompt cache and asks for no answer
	}
	n := r.whole(param, least, maxCap, problem)
	if r.bad != "" {
		return
	}
	*cap = capSpan{at: r.since(at), set: true}
	if before := r.call.MaxOutput; before != 0 && before != n {
		r.reject(invalid(param, "max_tokens and max_completion_tokens ask for different caps, one of them %d and the other %d (byte %d): send one.", before, n, at))
	}
	r.call.MaxOutput, r.call.NoOutput = n, n == 0
}

// streamOptions reads stream_options.include_usage and notes where it stands.
func (r *reader) streamOptions() {
	c := r.peek()
	o := &r.call.options
	o.at.from = r.i
	switch {
	case r.null():
		o.null = true
	case c == '{':
		r.open()
		o.inside = r.i
		for {
			name, ok := r.member()
			if !ok {
				break
			}
			o.filled = true
			r.streamOption(name)
		}
	default:
		r.wrong("stream_options", "must be an object")
		return
	}
	o.at.to = r.i
}

func (r *reader) streamOption(name []byte) {
	const param = "stream_options.include_usage"
	o := &r.call.options
	plain := decoded(name)
	switch {
	case string(plain) != "include_usage" && alike(plain, "include_usage"):
		r.respelled(plain, param)
	case string(plain) != "include_usage":
		r.skip()
	case !o.include.absent():
		r.twice(param)
	default:
		r.peek()
		from := r.i
		r.call.IncludeUsage = r.boolean(param)
		o.include = r.since(from)
	}
}

// tools reads whether any tool is of a kind that the provider runs itself: of
// another type than those that the caller runs, or of none.
func (r *reader) tools() {
	if r.null() {
		return
	}
	if r.peek() == '{' && r.call.Route.Format == llm.Gemini { // one may stand for a list of one
		r.call.Tools = true
		r.call.HostedTools = !r.callersTool()
		return
	}
	if r.peek() != '[' {
		r.wrong("tools", "must be an array")
		return
	}
	r.open()
	for r.element() {
		r.call.Tools = true
		r.call.listed++
		if r.peek() != '{' {
			r.wrong("tools", "must be an array of objects")
			return
		}
		if !r.callersTool() {
			r.call.HostedTools = true
		}
	}
}

// functions reads the older form of tools: which are there, and how many.
func (r *reader) functions() {
	if r.null() {
		return
	}
	r.call.Tools = true
	if r.peek() != '[' {
		r.skip()
		return
	}
	r.open()
	for r.element() {
		r.call.listed++
		r.skip()
	}
}

// callersTool reads a tool and reports whether it is one that the caller runs.
func (r *reader) callersTool() bool {
	switch r.call.Route.Format {
	case llm.Anthropic:
		return r.anthropicTool()
	case llm.Gemini:
		return r.geminiTool()
	}
	types, others := 0, 0
	r.members(func(name []byte) {
		value := r.value()
		switch {
		case !is(name, "type"):
		case r.call.Route.answers == answersResponse && r.responsesTool(value):
			types++
		case string(value) == `"function"` || string(value) == `"custom"`:
			types++
		default:
			others++
		}
	})
	return types > 0 && others == 0
}

// modalities reads whether the answer may be spoken.
func (r *reader) modalities() {
	if r.null() {
		return
	}
	if r.peek() != '[' {
		r.wrong("modalities", "must be an array of strings")
		return
	}
	r.open()
	for r.element() {
		if r.peek() != '"' {
			r.wrong("modalities", "must be an array of strings")
			return
		}
		if string(decoded(r.text())) == "audio" {
			r.call.AudioOutput = true
		}
	}
}

func (r *reader) serviceTier() string {
	if r.null() {
		return ""
	}
	if r.peek() != '"' {
		r.wrong("service_tier", "must be a string")
		return ""
	}
	switch tier := decoded(r.text()); string(tier) {
	case "auto": // the two that nearly all send, without a copy
		return "auto"
	case "default":
		return "default"
	default:
		return string(tier)
	}
}
