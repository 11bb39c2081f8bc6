package simulate

import (
	"fmt"
	"strconv"
)

// ask is what a request's body asks for.
type ask struct {
	model        string
	stream       bool
	includeUsage bool
	limit        int64 // the caller's cap on the tokens of one choice; 0 = none
	choices      int64 // answers given, ≥ 1
	charged      int64 // answers billed, ≥ choices (best_of)
	input        int64 // tokens counted
	prompts      int64 // separate prompts or inputs, ≥ 1
	tools        bool
	thinking     int64 // Anthropic: the cap on thinking; 0 = none
	thoughts     bool  // Gemini: they are to be shown
	dimensions   int64 // embeddings; 0 = the model's own
	query        int64 // tokens of what documents are ranked by
	documents    []int64
	searches     int64 // search units billed
	base64       bool  // embeddings
	single       bool  // the format knows one choice only
	items        bool  // the input is what a Response answers
	characters   int64 // to be read aloud
	format       string
	byUnit       bool // the model is billed by pictures, characters or seconds, not by tokens
	rawModel     []byte
	has          struct{ messages, prompt, input bool }
}

// badRequest is a body that the provider does not take.
type badRequest struct {
	param string
	text  string
}

func (e *badRequest) Error() string { return e.text }

func wrong(param, format string, args ...any) *badRequest {
	return &badRequest{param: param, text: fmt.Sprintf(format, args...)}
}

// Constants of the count: OpenAI's published rule is 3 tokens around each message
// and 3 to begin the answer.
const (
	messageTokens = 3
	beginTokens   = 3
	maxChoices    = 128
	leastThinking = 1024
)

// readAsk reads the body of a request at a location.
func readAsk(body []byte, at location) (ask, error) {
	a := ask{choices: 1, charged: 1, prompts: 1, model: at.model, stream: at.stream}
	_, a.single = at.wire.(anthropic)
	_, a.items = at.wire.(responses)
	s := scanner{b: body}
	if s.peek() != '{' {
		return a, wrong("", "The body is not a JSON object.")
	}
	for ok := s.open('{'); ok && s.more('}'); {
		if err := a.member(&s, s.name()); err != nil {
			return a, err
		}
	}
	if !s.end() {
		return a, wrong("", "We could not parse the JSON body of your request.")
	}
	if a.rawModel != nil && a.model == "" {
		a.model = string(a.rawModel)
	}
	if at.op == rank {
		a.rank()
	}
	if at.op == complete { // each prompt gets its own answers
		a.charged = max(a.charged, a.choices) * a.prompts
		a.choices *= a.prompts
	} else {
		a.charged = a.choices
	}
	return a, a.check(at)
}

func (a *ask) member(s *scanner, name []byte) error {
	switch string(name) {
	case "model":
		if s.peek() != '"' {
			return wrong("model", "model must be a string.")
		}
		a.rawModel, _ = s.text()
	case "stream":
		a.stream = string(s.word()) == "true"
	case "stream_options":
		a.streamOptions(s)
	case "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens":
		return a.cap(s, string(name))
	case "n", "candidateCount":
		if a.single || a.items {
			s.skip()
			return nil
		}
		return countOf(s, string(name), &a.choices)
	case "best_of":
		return countOf(s, "best_of", &a.charged)
	case "thinking":
		return a.readThinking(s)
	case "thinkingConfig", "thinking_config":
		for ok := s.open('{'); ok && s.more('}'); {
			if string(s.name()) == "includeThoughts" {
				a.thoughts = string(s.word()) == "true"
			} else {
				s.skip()
			}
		}
	case "generationConfig", "generation_config":
		for ok := s.open('{'); ok && s.more('}'); {
			if err := a.member(s, s.name()); err != nil {
				return err
			}
		}
	case "messages", "contents":
		a.has.messages = true
		a.messages(s)
	case "content", "requests":
		a.has.input = true
		a.embeddings(s)
	case "generateContentRequest":
		return a.whole(s)
	case "input":
		if a.items {
			return a.readItems(s)
		}
		fallthrough
	case "prompt":
		a.has.prompt = a.has.prompt || name[0] == 'p'
		a.has.input = a.has.input || name[0] == 'i'
		var n int64
		n, a.prompts = s.weighAny()
		a.input += n
	case "system", "systemInstruction", "system_instruction", "instructions", "suffix":
		a.input += s.weigh()
	case "tools", "functions":
		before := a.input
		a.input += s.weigh()
		a.tools = a.input > before
	case "texts", "images", "inputs":
		a.has.input = true
		a.embeddings(s)
	case "query":
		a.query = s.weigh()
		a.input += a.query
	case "documents":
		for ok := s.open('['); ok && s.more(']'); {
			n := s.weigh()
			a.documents, a.input = append(a.documents, n), a.input+n
		}
	case "dimensions":
		return countOf(s, "dimensions", &a.dimensions)
	case "encoding_format":
		raw, _ := s.text()
		a.base64 = string(raw) == "base64"
	default:
		s.skip()
	}
	return nil
}

func (a *ask) messages(s *scanner) {
	a.input += beginTokens
	for ok := s.open('['); ok && s.more(']'); {
		if s.peek() != '{' {
			s.fail()
			return
		}
		a.input += messageTokens + s.weigh()
	}
}

// embeddings reads what Google's format has embedded: one content, or several.
func (a *ask) embeddings(s *scanner) {
	if s.peek() != '[' {
		a.input += s.weigh()
		return
	}
	a.prompts = 0
	for ok := s.open('['); ok && s.more(']'); {
		a.prompts++
		if s.peek() == '"' {
			a.input += s.weigh()
			continue
		}
		for ok := s.open('{'); ok && s.more('}'); {
			if string(s.name()) == "content" {
				a.input += s.weigh()
			} else {
				s.skip()
			}
		}
	}
}

// whole reads a request within a request, whose tokens are to be counted.
func (a *ask) whole(s *scanner) error {
	for ok := s.open('{'); ok && s.more('}'); {
		if err := a.member(s, s.name()); err != nil {
			return err
		}
	}
	return nil
}

// readItems reads what a Response is to answer: a text, or items.
func (a *ask) readItems(s *scanner) error {
	a.has.messages = true
	a.input += beginTokens
	if s.peek() != '[' {
		a.input += messageTokens + s.weigh()
		return nil
	}
	for ok := s.open('['); ok && s.more(']'); {
		a.input += messageTokens + s.weigh()
	}
	return nil
}

func (a *ask) streamOptions(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	for ok := s.open('{'); ok && s.more('}'); {
		if string(s.name()) == "include_usage" {
			a.includeUsage = string(s.word()) == "true"
		} else {
			s.skip()
		}
	}
}

// readThinking reads how much Anthropic's models may think.
func (a *ask) readThinking(s *scanner) error {
	if s.peek() != '{' {
		s.skip()
		return nil
	}
	for ok := s.open('{'); ok && s.more('}'); {
		if string(s.name()) != "budget_tokens" {
			s.skip()
			continue
		}
		if err := number(s, "thinking.budget_tokens", &a.thinking); err != nil {
			return err
		}
	}
	return nil
}

// cap takes the smallest of the caps that a request carries.
func (a *ask) cap(s *scanner, name string) error {
	var n int64
	if err := number(s, name, &n); err != nil {
		return err
	}
	if n > 0 && (a.limit == 0 || n < a.limit) {
		a.limit = n
	}
	return nil
}

func countOf(s *scanner, name string, n *int64) error {
	if err := number(s, name, n); err != nil {
		return err
	}
	if *n > maxChoices && name != "dimensions" {
		return wrong(name, "Invalid '%s': integer above maximum value. Expected a value <= %d, but got %d instead.", name, maxChoices, *n)
	}
	return nil
}

// number reads a positive integer into n; null leaves n as it is.
func number(s *scanner, name string, n *int64) error {
	if c := s.peek(); c == '"' || c == '{' || c == '[' {
		return wrong(name, "Invalid type for '%s': expected an integer.", name)
	}
	w := s.word()
	if string(w) == "null" {
		return nil
	}
	v, err := strconv.ParseInt(string(w), 10, 64)
	if err != nil {
		return wrong(name, "Invalid type for '%s': expected an integer.", name)
	}
	if v < 1 {
		return wrong(name, "Invalid '%s': integer below minimum value. Expected a value >= 1, but got %d instead.", name, v)
	}
	*n = v
	return nil
}

// check names what is missing, as each provider does.
func (a *ask) check(at location) error {
	switch {
	case a.model == "":
		return wrong("model", "you must provide a model parameter")
	case at.op == embed && !a.has.input:
		return wrong("input", "Missing required parameter: 'input'.")
	case at.op == rank && len(a.documents) == 0:
		return wrong("documents", "invalid request: list of documents must not be empty")
	case at.op == complete && !a.has.prompt:
		return wrong("prompt", "Missing required parameter: 'prompt'.")
	case a.items && !a.has.messages:
		return wrong("input", "Missing required parameter: 'input'.")
	case (at.op == generate || at.op == count) && !a.has.messages:
		return wrong("messages", "Missing required parameter: 'messages'.")
	case a.single && at.op == generate && a.limit == 0:
		return wrong("max_tokens", "max_tokens: Field required")
	case a.single && a.thinking > 0 && a.thinking < leastThinking:
		return wrong("thinking", "thinking.enabled.budget_tokens: Input should be greater than or equal to %d", leastThinking)
	case a.single && a.thinking >= a.limit && a.thinking > 0 && at.op == generate:
		return wrong("max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`.")
	case a.dimensions > maxDimensions:
		return wrong("dimensions", "Invalid 'dimensions': at most %d.", maxDimensions)
	}
	return nil
}
