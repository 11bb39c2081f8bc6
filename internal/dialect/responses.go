package dialect

import (
	"bytes"
	"strconv"
)

// responses reads the value of a field that only OpenAI's Responses have.
func (r *reader) responses(f field) {
	c := r.call
	at := r.i
	switch f {
	case fieldItems:
		r.items()
		c.texts = r.since(at)
	case fieldInstructions:
		switch r.peek() {
		case '"':
			r.text()
			c.system = r.since(at)
		case 'n':
			r.literal("null")
		default:
			r.wrong("instructions", "must be a string")
		}
	case fieldPrevious, fieldConversation: // what was said before is read again, and is not here
		if !r.null() {
			c.Media.Others++
			r.skip()
		}
	case fieldStored:
		// A prompt that is kept at the provider brings texts along, and tools with
		// prices of their own.
		if !r.null() {
			c.Media.Others++
			if c.Override == "" {
				c.Override = "prompt"
			}
			r.skip()
		}
	case fieldReasoning:
		r.members(func(name []byte) {
			value := r.value()
			if is(name, "mode") && string(value) != "null" && string(value) != `"standard"` {
				c.Extra = "The reasoning mode " + brief(value)
				if c.Override == "" {
					c.Override = "reasoning.mode"
				}
			}
		})
	case fieldBackground:
		if r.boolean("background") {
			r.wrongAt("background", at, "asks for an answer that is told later, elsewhere, where what it used cannot be seen: leave it out")
		}
	}
}

// items reads what a response is to answer: a text, or a list of items.
func (r *reader) items() {
	switch r.peek() {
	case '"':
		r.text()
		r.call.Messages++
	case 'n':
		r.literal("null")
	case '[':
		r.open()
		for r.element() {
			if r.peek() != '{' {
				r.wrong("input["+strconv.FormatInt(r.call.Messages, 10)+"]", "must be an item, an object")
				return
			}
			r.item()
			r.call.Messages++
		}
	default:
		r.wrong("input", "must be a string or an array of items")
	}
}

// item reads an item, or a part of one. What it holds counts whatever its type
// says, and a type that is missing or not known, or that of a medium without one,
// counts as something that cannot be measured.
func (r *reader) item() {
	m := &r.call.Media
	before := *m
	var it itemKind
	r.open()
	for {
		name, ok := r.member()
		if !ok {
			break
		}
		switch {
		case string(name) == "text":
			r.skip()
		case is(name, "arguments"):
			r.call.layered = true // a document, as a template may see it
			r.skip()
		case is(name, "type"):
			it.types++
			it.is = r.value()
		case is(name, "role"):
			it.role = true
			r.skip()
		case is(name, "content"), is(name, "output"), is(name, "summary"):
			r.call.layered = r.call.layered || r.peek() == '['
			r.itemParts()
		case r.null(): // the same as absent
		case is(name, "image_url"):
			it.media++
			r.image()
		case is(name, "file_id"), is(name, "file_url"):
			it.media++
			m.Files++
			r.skip()
		case is(name, "file_data"):
			it.media++
			m.Files++
			r.inline(name, "file_data")
		case is(name, "input_audio"):
			it.media++
			r.audio()
		case is(name, "encrypted_content"):
			it.sealed = true
			r.skip()
		default:
			if c := r.peek(); c == '{' || c == '[' {
				r.call.layered = true
			}
			r.skip()
		}
	}
	if *m == before && !it.measured() || m.Others == before.Others && it.types > 1 {
		m.Others++
	}
}

// itemParts reads the parts of an item.
func (r *reader) itemParts() {
	switch r.peek() {
	case '[':
		r.open()
		for r.element() {
			r.itemParts()
		}
	case '{':
		r.item()
	default:
		r.skip()
	}
}

// itemKind is what an item says to be, and what it holds.
type itemKind struct {
	types  int
	is     []byte // as written
	role   bool
	media  int
	sealed bool // has thoughts that only the provider can read
}

// measured reports whether all that the model reads of the item is in its texts.
func (it *itemKind) measured() bool {
	if it.types == 0 {
		return it.role // a message
	}
	switch string(bytes.Trim(it.is, `"`)) {
	case "message", "input_text", "output_text", "refusal", "text", "summary_text", "reasoning_text",
		"function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
		"local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
		"code_interpreter_call", "computer_call", "computer_call_output",
		"mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response":
		return true
	case "reasoning": // else the provider looks its thoughts up
		return it.sealed
	}
	return false // a medium without one, what is kept at the provider, or not known
}

// responsesTool reports whether a tool of a type is one that the caller runs. Some
// of those the provider describes to the model itself.
func (r *reader) responsesTool(kind []byte) bool {
	switch string(kind) {
	case `"function"`, `"custom"`:
		return true
	case `"local_shell"`, `"apply_patch"`:
		r.call.builtin += overBuiltin
		return true
	}
	return false
}

// responseWords is the vocabulary of OpenAI's Responses. Few servers have that route,
// and what is new in it is mostly a tool or a place where texts are kept, so all
// names that are not known to be harmless may be an override.
var responseWords = [...]vocabulary{{
	fields: []named{
		{fieldModel, "model"},
		{fieldItems, "input"},
		{fieldInstructions, "instructions"},
		{fieldStream, "stream"},
		{fieldMaxTokens, "max_output_tokens"},
		{fieldTools, "tools"},
		{fieldPrevious, "previous_response_id"},
		{fieldConversation, "conversation"},
		{fieldStored, "prompt"},
		{fieldBackground, "background"},
		{fieldReasoning, "reasoning"},
		{fieldServiceTier, "service_tier"},
	},
	harmless: []string{
		"stream_options", "temperature", "top_p", "top_logprobs", "tool_choice", "parallel_tool_calls", "max_tool_calls",
		"text", "include", "metadata", "store", "truncation", "user", "safety_identifier", "prompt_cache_key",
		"prompt_cache_retention",
	},
}}
