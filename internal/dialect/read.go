package dialect

import (
	"bytes"
	"net/url"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	maxModelBytes = 256           // of a model's name
	maxChoices    = 128           // of n and best_of, as OpenAI has it
	maxAnswers    = 1 << 20       // of n or best_of, times the prompts
	maxCap        = 1_000_000_000 // of an output cap, in tokens
)

// Call is what the gate must know of a request. It is made by Read, refers to
// the body it was read from, and is not changed afterwards, but for Templated and
// by Fix;
// it may be read from several goroutines. The body must stay as it is for as
// long as Rewrite, Segments, Texts and the bounds are called.
type Call struct {
	Route *Route
	Model string // as the caller wrote it, decoded

	Stream       bool
	IncludeUsage bool  // the caller asked for the usage chunk of a stream
	MaxOutput    int64 // the caller's own cap in tokens for each choice; 0 = none
	NoOutput     bool  // the caller's cap is zero: nothing is to be written
	Thinking     int64 // the caller's cap on hidden thought, which is a part of the output; 0 = none
	Choices      int64 // answers that are generated and billed: n or best_of, times the prompts; ≥ 1

	Size, Quality string // of pictures that are to be made; "" = not said
	Characters    int64  // that are to be read aloud
	InParts       bool   // the sound is cut into parts, each of which is written down by itself

	Messages                 int64  // messages, prompts or inputs
	Media                    Media  // what the texts' bytes do not bound
	ServiceTier              string // "" = not said; tiers have prices of their own
	Fast                     bool   // Anthropic's faster answers, which have a price of their own
	Tools                    bool   // tools or functions are described
	WebSearch                bool   // web_search_options is set: billed by the search, apart from tokens
	HostedTools              bool   // a tool that the provider runs itself is asked for: billed apart
	AudioOutput              bool   // modalities has audio
	Extra                    string // what else is asked for that has a price of its own, for people: `The speed "fast"`; "" = nothing
	CacheWrite, CacheWrite1h bool   // Anthropic: parts are marked for the cache, for 5 minutes and for an hour

	Prediction int64 // bytes of a predicted answer, whose rejected tokens are billed as output above the cap

	// SearchUnits is the most that the ranking of documents can be billed as, which
	// is billed in nothing else; 0 = nothing is ranked.
	SearchUnits int64

	// Override is the first field, most of them at the top level, by which some servers let the
	// caller pass the output cap, or bill something apart, or that is not known and
	// so may do either; "" = none. A null is none.
	Override string

	// Query is what of the request's query may go on; "" = nothing. See QueryFor.
	Query string
	// List says that the stream is wanted as one JSON array, not as server-sent
	// events.
	List bool

	// Templated says that the provider puts the prompt together with a chat
	// template, which may write JSON anew and longer than the caller did. Read
	// leaves it false, which is right for OpenAI and Azure only: whoever knows the
	// provider sets it, before any bound is asked for.
	Templated bool

	form     string // the content type of a body that is one; "" = it is JSON
	uploaded int64  // bytes of the files in it
	sound    span   // the file whose sound is heard

	body    []byte
	inside  int  // the offset behind the opening brace
	filled  bool // the body has members
	model   span
	models  []span     // further places that name the model, in Gemini's format
	config  configSpan // Gemini's generationConfig
	caps    [2]capSpan // max_tokens, max_completion_tokens
	thought span       // the value of Thinking
	options optionsSpan
	texts   span  // messages, prompt or input
	system  span  // what is said to the model before the messages
	listed  int64 // tools, functions and documents

	documents span  // Cohere's
	builtin   int64 // tokens that the provider's own descriptions of tools can have
	largest   int64 // bytes of the longest description of a tool
	refers    int64 // blocks that Anthropic puts a description of a tool in the place of
	nested    bool  // there are objects or arrays beside texts
	layered   bool  // there are values in system or messages that are no strings

	spoken      string // the first role that is not plainly the caller's, and the message that has it; only for chatbots
	speaks      int64  // the number of that message, from 1; 0 = there is none
	temperature span   // its value
	fixed       *Fixed // what the chatbot lays down; nil = nothing
	written     int64  // the output cap in the body; 0 = none
	asked       string // the model in the body; "" = none
}

// span is a part of the body; the zero span is absent.
type span struct{ from, to int }

func (s span) absent() bool         { return s.to == 0 }
func (s span) of(b []byte) []byte   { return b[s.from:s.to] }
func (r *reader) since(at int) span { return span{at, r.i} }

// capSpan is an output cap as it stands in the body.
type capSpan struct {
	at  span
	set bool // false = null, which is the same as absent
}

// optionsSpan is stream_options as it stands in the body.
type optionsSpan struct {
	at      span
	null    bool
	inside  int  // the offset behind the opening brace
	filled  bool // has members
	include span // the value of include_usage
}

// reader reads a request body. Two kinds of trouble end it: the scanner's own,
// and err, the first thing that is JSON but not acceptable.
type reader struct {
	scanner
	call    *Call
	err     *fault.Error
	words   *vocabulary
	seen    fieldSet
	others  names
	n, best int64
	prompts int64
	query   int64  // bytes of what documents are ranked by
	embeds  string // Cohere's field that has what is to be embedded
}

// Read finds in one pass what a request on route r asks for. at is its URL; nil
// is one that says nothing. The errors are *fault.Error: InvalidJSON,
// DuplicateField for a name that stands twice at the top level or is a known
// field's in another spelling, InvalidField for a value of a wrong type or range.
func Read(r *Route, at *url.URL, body []byte) (*Call, error) {
	rd := reader{scanner: scanner{b: body}, call: &Call{Route: r, body: body}, words: r.vocabulary()}
	if at != nil && (r.before != "" || at.RawQuery != "") {
		if err := rd.call.addressed(at); err != nil {
			return nil, err
		}
	}
	rd.object()
	if err := rd.trouble(); err != nil {
		return nil, err
	}
	c := rd.call
	if c.Model == "" {
		c.Model = r.unnamed
	}
	if c.Model == "" && !r.Chatbot {
		return nil, invalid("model", "The field \"model\" is missing: name the model to use.")
	}
	if r.Format == llm.Anthropic && c.caps[0].set && c.Thinking > 0 && c.Thinking >= c.MaxOutput && c.Override == "" {
		c.Override = "thinking.budget_tokens" // with interleaved thinking, it is the context window that ends the answer
	}
	if r.Deployment && !c.filled {
		return nil, invalid("", "The body is an empty object: send what is to be answered.")
	}
	c.written = c.MaxOutput
	if r.reads.has(fieldQuery) {
		c.SearchUnits = c.searchUnits(rd.query)
	}
	c.Choices = max(rd.n, rd.best, 1) * max(rd.prompts, 1)
	if c.Choices > maxAnswers {
		return nil, invalid("prompt", "The field \"prompt\" asks for %d answers, n or best_of for each text in it: at most %d are allowed.", c.Choices, maxAnswers)
	}
	return c, nil
}

// trouble is what Read fails with, nil if all is well.
func (r *reader) trouble() error {
	switch {
	case r.err != nil:
		return r.err
	case r.bad != "":
		return fault.New(fault.InvalidJSON, "The body is not valid JSON: %s, at byte %d.", r.bad, r.at)
	}
	return nil
}

// object reads the whole body.
func (r *reader) object() {
	switch c := r.peek(); {
	case r.i == len(r.b):
		r.reject(fault.New(fault.InvalidJSON, "The body is empty: send a JSON object."))
	case bytes.HasPrefix(r.b, []byte("\xef\xbb\xbf")):
		r.reject(fault.New(fault.InvalidJSON, "The body begins with a byte order mark, which JSON does not allow: send it without."))
	case c != '{':
		r.reject(fault.New(fault.InvalidJSON, "The body must be a JSON object: it begins otherwise at byte %d.", r.i))
	}
	if r.bad != "" {
		return
	}
	r.open()
	r.call.inside = r.i
	for {
		name, ok := r.member()
		if !ok {
			break
		}
		r.call.filled = true
		f := r.fieldNamed(name)
		if c := r.peek(); c == '{' || c == '[' {
			r.call.nested = r.call.nested || !readApart.has(f)
		}
		if f != fieldNone {
			r.read(f)
		} else {
			r.skip()
		}
	}
	r.end()
}

// fieldNamed is the field that is called name, fieldNone if it is none that
// this route reads. It refuses names that two parsers may read differently.
func (r *reader) fieldNamed(name []byte) field {
	f := r.words.of(name)
	if f == fieldNone {
		plain := decoded(name)
		if f = r.words.of(plain); f == fieldNone {
			if like := r.words.like(plain); like != "" {
				r.respelled(plain, like)
			} else if !r.others.add(plain) {
				r.twice(brief(plain))
			} else if r.call.Override == "" && r.peek() != 'n' { // null is absent
				r.call.Override = r.words.override(plain)
			}
			return fieldNone
		}
		name = plain
	}
	if r.seen.has(f) {
		r.twice(brief(name))
	}
	r.seen |= 1 << f
	if !r.call.Route.reads.has(f) {
		return fieldNone
	}
	return f
}

// brief is name, shortened where it is long.
func brief(name []byte) string {
	if len(name) > 64 {
		return string(name[:64]) + "…"
	}
	return string(name)
}

// names is a set of names. It does not allocate while it is small.
type names struct {
	few  [24][]byte
	n    int
	many map[string]struct{}
}

// add reports whether name was not there yet.
func (s *names) add(name []byte) bool {
	for _, other := range s.few[:s.n] {
		if len(other) == len(name) && string(other) == string(name) {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.many == nil {
		s.many = map[string]struct{}{}
	}
	before := len(s.many)
	s.many[string(name)] = struct{}{}
	return len(s.many) > before
}

// read reads the value of f.
func (r *reader) read(f field) {
	c := r.call
	r.peek()
	at := r.i
	switch f {
	case fieldModel:
		switch {
		case c.Route.Format == llm.Gemini:
			r.modelAgain()
		case c.Route.Deployment:
			r.deployed()
		default:
			r.model()
		}
	case fieldStream:
		c.Stream = r.boolean("stream")
	case fieldMaxTokens:
		r.outputCap(&c.caps[0], c.Route.capField("max_tokens"))
	case fieldMaxCompletionTokens:
		r.outputCap(&c.caps[1], "max_completion_tokens")
	case fieldMessages:
		r.messages()
		c.texts = r.since(at)
	case fieldTools:
		r.tools()
	case fieldServiceTier:
		c.ServiceTier = r.serviceTier()
	default:
		switch {
		case f < fieldSystem:
			r.openAI(f)
		case f < fieldContents:
			r.anthropic(f)
		case f < fieldItems:
			r.gemini(f)
		case f < fieldDocuments:
			r.responses(f)
		case f < fieldSize:
			r.cohere(f)
		default:
			r.media(f)
		}
	}
}

// openAI reads the value of a field that only OpenAI's format has.
func (r *reader) openAI(f field) {
	c := r.call
	at := r.i
	switch f {
	case fieldStreamOptions:
		r.streamOptions()
	case fieldN:
		r.n = r.choices("n")
	case fieldBestOf:
		r.best = r.choices("best_of")
	case fieldPrompt:
		r.prompts = r.inputs("prompt")
		c.texts = r.since(at)
	case fieldInput:
		r.inputs("input")
		c.texts = r.since(at)
	case fieldFunctions:
		r.functions()
	case fieldWebSearch:
		if !r.null() {
			c.WebSearch = true
			r.skip()
		}
	case fieldPrediction:
		if !r.null() {
			c.Prediction = int64(len(r.value()))
		}
	case fieldModalities:
		r.modalities()
	case fieldTemperature:
		r.skip()
		c.temperature = r.since(at)
	}
}

// wrong refuses the value under the cursor, unless it is no JSON at all.
func (r *reader) wrong(param, problem string) {
	at := r.i
	r.skip()
	r.wrongAt(param, at, problem)
}

// wrongAt refuses the value at an offset.
func (r *reader) wrongAt(param string, at int, problem string) {
	if r.bad == "" {
		r.reject(invalid(param, "The field %q, at byte %d, %s.", param, at, problem))
	}
}

func invalid(param, format string, args ...any) *fault.Error {
	e := fault.New(fault.InvalidField, format, args...)
	e.Param = param
	return e
}

// twice refuses the name just read for standing there a second time.
func (r *reader) twice(param string) {
	r.rejectName(param, "The field %q stands twice, the second time at byte %d: send it once.", param, r.named)
}

// respelled refuses the name just read for being known in another spelling.
func (r *reader) respelled(name []byte, known string) {
	r.rejectName(known, "Some parsers take the field %q, at byte %d, for %q: write it exactly so, or leave it out.", brief(name), r.named, known)
}

func (r *reader) rejectName(param, format string, args ...any) {
	e := fault.New(fault.DuplicateField, format, args...)
	e.Param = param
	r.reject(e)
}

// reject ends the reading with e.
func (r *reader) reject(e *fault.Error) {
	if r.err == nil && r.bad == "" {
		r.err = e
		r.fail(r.i, "refused")
	}
}
