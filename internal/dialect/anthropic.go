package dialect

import (
	"bytes"
	"strconv"

	"tollgate/internal/llm"
)

// leastAnthropicThinking is the lowest budget_tokens that Anthropic takes.
const leastAnthropicThinking = 1_024

// anthropic reads the value of a field that only Anthropic's format has.
func (r *reader) anthropic(f field) {
	c := r.call
	at := r.i
	switch f {
	case fieldSystem:
		r.content(fieldSystem)
		c.system = r.since(at)
	case fieldThinking:
		r.thinking()
	case fieldContextManagement:
		// Clearing old results costs nothing; a compaction is one more request.
		if v := r.value(); (bytes.Contains(v, []byte("compact")) || bytes.IndexByte(v, '\\') >= 0) && c.Override == "" {
			c.Override = "context_management"
		}
	case fieldCacheControl:
		r.cacheControl()
	case fieldSpeed:
		r.speed()
	case fieldGeo:
		r.premium("The inference geography", "global")
	case fieldServers:
		c.HostedTools = !empty(r.value()) || c.HostedTools
	case fieldContainer: // where tools run, and what they find there
		c.HostedTools = !empty(r.value()) || c.HostedTools
	case fieldFallbacks:
		if !empty(r.value()) {
			r.wrongAt("fallbacks", at, "names models that would answer without being asked for here, so without their rules and prices: leave it out")
		}
	default:
		r.skip()
	}
}

// cacheControl reads a mark that what is before it is written to the cache. Any
// time to live but the usual one counts as the longer one, too.
func (r *reader) cacheControl() {
	if r.null() {
		return
	}
	r.call.CacheWrite = true
	r.members(func(name []byte) {
		if value := r.value(); is(name, "ttl") && string(value) != `"5m"` {
			r.call.CacheWrite1h = true
		}
	})
}

// empty reports whether a value says nothing.
func empty(value []byte) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == "[]" || string(value) == "{}"
}

// speed reads how fast the answer is wanted.
func (r *reader) speed() {
	at := r.i
	if r.peek() == '"' && string(decoded(r.text())) == "fast" {
		r.call.Fast = true
		return
	}
	r.i = at
	r.premium("The speed", "standard")
}

// premium reads a string, of which any other value than the usual has a price of
// its own.
func (r *reader) premium(what, usual string) {
	if r.null() {
		return
	}
	if r.peek() != '"' {
		r.skip() // the provider's to refuse
		r.call.Extra = what
		return
	}
	if v := decoded(r.text()); string(v) != usual {
		r.call.Extra = what + " " + strconv.Quote(brief(v))
	}
}

// thinking reads the configuration of thinking: of what the cap on it is.
func (r *reader) thinking() {
	budget := "budget_tokens"
	if r.call.Route.Format == llm.Cohere {
		budget = "token_budget"
	}
	param := "thinking." + budget
	r.members(func(name []byte) {
		plain := decoded(name)
		switch {
		case string(plain) != budget && alike(plain, budget):
			r.respelled(plain, param)
		case string(plain) != budget:
			r.skip()
		case !r.call.thought.absent():
			r.twice(param)
		default:
			r.peek()
			at := r.i
			r.call.Thinking = r.integer(param, maxCap, "must be a positive whole number, at most 1000000000, written in digits only")
			r.call.thought = r.since(at)
		}
	})
}

// editMaxTokens writes the output cap of Anthropic's and Cohere's formats, and a
// cap on thinking that stays below it.
func (c *Call) editMaxTokens(s *splices, e Edit) {
	if e.MaxOutput <= 0 || !c.Route.Output || e.MaxOutput == c.MaxOutput {
		return
	}
	value := strconv.AppendInt(nil, e.MaxOutput, 10)
	if at := c.caps[0].at; at.absent() {
		s.replace(span{c.inside, c.inside}, []byte(`"max_tokens":`+string(value)+`,`))
	} else {
		s.replace(at, value)
	}
	if n := c.thinkingUnder(e.MaxOutput); n != c.Thinking {
		s.replace(c.thought, strconv.AppendInt(nil, n, 10))
	}
}

// block reads one content block. What it holds counts whatever its type says,
// and a type that is missing or not known counts as something that cannot be
// measured, as does an image or a document without a source.
func (r *reader) block() {
	m := &r.call.Media
	others := m.Others
	var types, sources int
	var kind []byte
	var from source
	r.open()
	for {
		name, ok := r.member()
		if !ok {
			break
		}
		switch {
		case string(name) == "text":
			r.skip()
		case is(name, "type"):
			types++
			kind = r.value()
		case is(name, "source") && r.peek() == '{':
			sources++
			from = r.source()
		case is(name, "content"):
			r.nested()
		case is(name, "cache_control"):
			r.cacheControl()
		case is(name, "file_id"): // put into a container
			m.Others++
			r.skip()
		default:
			r.skip()
		}
	}
	if string(kind) == `"tool_reference"` {
		r.call.refers++
	}
	medium := string(kind) == `"image"` || string(kind) == `"document"`
	switch {
	case m.Others != others:
	case types != 1 || sources > 1 || medium != (sources == 1) || !isBlock(kind):
		m.Others++
	case medium:
		from.count(m, string(kind) == `"image"`)
	}
}

// nested reads a content within a block: the result of a tool, or of a search.
func (r *reader) nested() {
	switch r.peek() {
	case '[':
		r.open()
		for r.element() {
			r.nested()
		}
	case '{':
		r.block()
	default:
		r.skip()
	}
}

// isBlock reports whether kind is a type of block, at any depth, all of whose
// tokens stand in its texts, or in its source.
func isBlock(kind []byte) bool {
	if len(kind) < 2 {
		return false
	}
	switch string(kind[1 : len(kind)-1]) {
	case "text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result", "tool_reference",
		"server_tool_use", "web_search_tool_result", "web_search_result", "web_search_tool_result_error",
		"web_fetch_tool_result", "web_fetch_result", "web_fetch_tool_result_error",
		"tool_search_tool_result", "tool_search_tool_search_result", "tool_search_tool_result_error",
		"mcp_tool_use", "mcp_tool_result", "compaction":
		return true
	}
	return false
}

// source is where an image or a document comes from.
type source struct {
	kind   []byte // as written; nil = not said, or said twice
	inline int64  // bytes of its data
	data   int
}

// source reads a source.
func (r *reader) source() (s source) {
	types := 0
	r.members(func(name []byte) {
		switch {
		case is(name, "type"):
			types++
			s.kind = r.value()
		case is(name, "data") && r.peek() == '"':
			s.data++
			s.inline += int64(len(r.text()))
		case is(name, "content"):
			r.nested()
		default:
			r.skip()
		}
	})
	if types != 1 || s.data > 1 {
		s.kind = nil
	}
	return s
}

// count adds the source to m.
func (s *source) count(m *Media, image bool) {
	switch string(s.kind) {
	case `"base64"`:
		m.InlineBytes += s.inline
		if image {
			m.Images++
		} else {
			m.Files++
		}
	case `"url"`:
		if image {
			m.RemoteImages++
		} else {
			m.Files++
		}
	case `"file"`:
		m.Files++
	case `"text"`, `"content"`: // its bytes are the texts, or the blocks were counted
	default:
		m.Others++
	}
}

// anthropicTool reads a tool and reports whether it is one that the caller runs:
// of no type, the caller's own, or one of those that the provider describes.
func (r *reader) anthropicTool() bool {
	at := r.i
	types, hosted := 0, false
	r.members(func(name []byte) {
		if is(name, "cache_control") {
			r.cacheControl()
			return
		}
		value := r.value()
		if !is(name, "type") || string(value) == "null" || string(value) == `"custom"` {
			return
		}
		types++
		kind := textOf(value)
		switch {
		case bytes.HasPrefix(kind, []byte("advisor")):
			r.wrongAt("tools", at, "has another model advise, which would answer without its own rules and prices: leave that tool out")
		case bytes.Contains(kind, []byte("_toolset_")):
			r.call.builtin += overBuiltinSet
		default:
			r.call.builtin += overBuiltin
		}
		hosted = hosted || !runsAtCaller(kind)
	})
	r.call.largest = max(r.call.largest, int64(r.i-at))
	return types <= 1 && !hosted
}

// runsAtCaller reports whether a type of tool is one that the provider describes
// to the model and the caller runs.
func runsAtCaller(kind []byte) bool {
	for _, prefix := range [...]string{"bash_20", "text_editor_20", "computer_20", "memory_20", "computer_toolset_20", "browser_toolset_20"} {
		if bytes.HasPrefix(kind, []byte(prefix)) {
			return true
		}
	}
	return false
}
