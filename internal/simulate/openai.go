package simulate

import (
	"errors"
	"net/http"
)

// chat is OpenAI's format of chat completions; text embeds it for the old text
// completions. See platform.openai.com/docs/api-reference/chat.
type chat struct{}

const fingerprint = `"system_fingerprint":"fp_simulated"`

func (chat) ids() (string, string) { return "chatcmpl-", "req_" }

func (chat) whole(dst []byte, a *answer) []byte {
	dst = openAIHead(dst, a, "chat.completion")
	dst = append(dst, `"choices":[`...)
	for choice := range a.choices {
		if choice > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = itoa(dst, choice)
		dst = append(dst, `,"message":{"role":"assistant","content":`...)
		if a.Tool == "" {
			dst = appendWords(append(dst, '"'), 0, a.perChoice-a.reasoning)
			dst = append(dst, `","refusal":null,"annotations":[]`...)
		} else {
			dst = append(dst, `null,"refusal":null,"annotations":[],"tool_calls":[`...)
			for i := range a.calls() {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = append(openAICall(append(dst, '{'), a, i), `,"arguments":"{\"text\":\"`...)
				if i == 0 {
					dst = appendWords(dst, 0, a.perChoice-a.reasoning)
				}
				dst = append(dst, `\"}"}}`...)
			}
			dst = append(dst, ']')
		}
		dst = append(dst, `},"logprobs":null,"finish_reason":"`...)
		dst = append(dst, openAIReason(a.ending)...)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, ']')
	dst = openAIUsage(dst, a, true)
	return append(dst, `,"service_tier":"default",`+fingerprint+`}`...)
}

func (chat) open(dst []byte, a *answer) []byte {
	a.head = openAIHead(append(a.head[:0], "data: "...), a, "chat.completion.chunk")
	a.head = append(a.head, `"service_tier":"default",`+fingerprint+`,"choices":[{"index":`...)
	for choice := range a.choices {
		dst = itoa(append(dst, a.head...), choice)
		if a.Tool == "" {
			dst = append(dst, `,"delta":{"role":"assistant","content":"","refusal":null}`...)
		} else {
			dst = append(dst, `,"delta":{"role":"assistant","content":null,"tool_calls":[`...)
			dst = append(openAICall(append(dst, `{"index":0,`...), a, 0), `,"arguments":""}}],"refusal":null}`...)
		}
		dst = openAIChunkEnd(dst, a, "null")
	}
	return dst
}

func (chat) piece(dst []byte, a *answer, choice, i int64) []byte {
	from, to := a.span(i)
	dst = itoa(append(dst, a.head...), choice)
	if a.Tool == "" {
		dst = appendWords(append(dst, `,"delta":{"content":"`...), from, to)
		return openAIChunkEnd(append(dst, `"}`...), a, "null")
	}
	dst = append(dst, `,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"`...)
	if i == 0 {
		dst = append(dst, `{\"text\":\"`...)
	}
	dst = appendWords(dst, from, to)
	if i == a.chunks-1 {
		dst = append(dst, `\"}`...)
	}
	return openAIChunkEnd(append(dst, `"}}]}`...), a, "null")
}

func (chat) middle(dst []byte, a *answer) []byte {
	if a.fault == errorMid {
		return append(dst, `data: {"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}`+"\n\n"...)
	}
	return append(dst, ": a comment\n\nevent: novelty\ndata: {\"novelty\":{\"usage\":{\"prompt_tokens\":5}},\"choices\":[]}\n\n"...)
}

// openAICall is the beginning of a call of a tool, behind its bracket.
func openAICall(dst []byte, a *answer, i int64) []byte {
	dst = append(itoa(append(dst, `"id":"call_simulated`...), i), `","type":"function","function":{"name":`...)
	return quote(dst, a.Tool)
}

func (chat) end(dst []byte, a *answer) []byte {
	for choice := range a.choices {
		for i := int64(1); i < a.calls(); i++ {
			dst = append(itoa(append(dst, a.head...), choice), `,"delta":{"tool_calls":[`...)
			dst = append(itoa(append(dst, `{"index":`...), i), ',')
			dst = append(openAICall(dst, a, i), `,"arguments":"{\"text\":\"\"}"}}]}`...)
			dst = openAIChunkEnd(dst, a, "null")
		}
		dst = itoa(append(dst, a.head...), choice)
		dst = append(dst, `,"delta":{}`...)
		dst = openAIChunkEnd(dst, a, `"`+openAIReason(a.ending)+`"`)
	}
	return openAIStreamUsage(dst, a, "chat.completion.chunk")
}

func (chat) counted(dst []byte, tokens int64) []byte {
	dst = append(dst, `{"object":"response.input_tokens","input_tokens":`...)
	return append(itoa(dst, tokens), '}')
}

func (chat) refusal(dst []byte, code int, err error, _ string) []byte {
	kind, word := "invalid_request_error", ""
	switch {
	case code == http.StatusUnauthorized:
		word = "invalid_api_key"
	case code == http.StatusTooManyRequests:
		kind, word = "requests", "rate_limit_exceeded"
	case code >= 500:
		kind = "server_error"
	}
	dst = quote(append(dst, `{"error":{"message":`...), err.Error())
	dst = quote(append(dst, `,"type":`...), kind)
	dst = append(dst, `,"param":`...)
	var bad *badRequest
	if errors.As(err, &bad) && bad.param != "" {
		dst = quote(dst, bad.param)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"code":`...)
	if word == "" {
		return append(dst, "null}}"...)
	}
	return append(quote(dst, word), "}}"...)
}

// text is OpenAI's format of text completions.
type text struct{ chat }

func (text) ids() (string, string) { return "cmpl-", "req_" }

func (text) whole(dst []byte, a *answer) []byte {
	dst = openAIHead(dst, a, "text_completion")
	dst = append(dst, fingerprint+`,"choices":[`...)
	for choice := range a.choices {
		if choice > 0 {
			dst = append(dst, ',')
		}
		dst = appendWords(append(dst, `{"text":"`...), 0, a.perChoice-a.reasoning)
		dst = itoa(append(dst, `","index":`...), choice)
		dst = append(dst, `,"logprobs":null,"finish_reason":"`...)
		dst = append(dst, openAIReason(a.ending)...)
		dst = append(dst, `"}`...)
	}
	dst = openAIUsage(append(dst, ']'), a, false)
	return append(dst, '}')
}

func (text) open(dst []byte, a *answer) []byte {
	a.head = openAIHead(append(a.head[:0], "data: "...), a, "text_completion")
	a.head = append(a.head, fingerprint+`,"choices":[{"text":"`...)
	return dst
}

func (text) piece(dst []byte, a *answer, choice, i int64) []byte {
	from, to := a.span(i)
	dst = appendWords(append(dst, a.head...), from, to)
	return openAIChunkEnd(itoa(append(dst, `","index":`...), choice), a, "null")
}

func (text) end(dst []byte, a *answer) []byte {
	for choice := range a.choices {
		dst = itoa(append(append(dst, a.head...), `","index":`...), choice)
		dst = openAIChunkEnd(dst, a, `"`+openAIReason(a.ending)+`"`)
	}
	return openAIStreamUsage(dst, a, "text_completion")
}

// openAIHead begins an object of OpenAI's format.
func openAIHead(dst []byte, a *answer, object string) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = append(append(dst, `","object":"`...), object...)
	dst = itoa(append(dst, `","created":`...), a.created)
	dst = append(append(dst, `,"model":"`...), a.ask.model...)
	return append(dst, `",`...)
}

// openAIChunkEnd closes a chunk with one choice. Where the caller asked for the
// usage, each chunk but the last says null.
func openAIChunkEnd(dst []byte, a *answer, reason string) []byte {
	dst = append(append(dst, `,"logprobs":null,"finish_reason":`...), reason...)
	if a.ask.includeUsage {
		return append(dst, `}],"usage":null}`+"\n\n"...)
	}
	return append(dst, "}]}\n\n"...)
}

func openAIReason(e ending) string {
	switch e {
	case capped:
		return "length"
	case called:
		return "tool_calls"
	}
	return "stop"
}

// openAIUsage is the member of an answer, with a comma before it.
func openAIUsage(dst []byte, a *answer, details bool) []byte {
	switch a.fault {
	case noUsage:
		return dst
	case usageTwice:
		dst = openAIUsageOf(append(dst, ','), a, details, 2)
	}
	return openAIUsageOf(append(dst, ','), a, details, 1)
}

func openAIUsageOf(dst []byte, a *answer, details bool, part int64) []byte {
	dst = itoa(append(dst, `"usage":{"prompt_tokens":`...), a.input/part)
	dst = itoa(append(dst, `,"completion_tokens":`...), a.output()/part)
	dst = itoa(append(dst, `,"total_tokens":`...), a.input/part+a.output()/part)
	if details {
		dst = itoa(append(dst, `,"prompt_tokens_details":{"cached_tokens":`...), a.CachedTokens/part)
		dst = itoa(append(dst, `,"audio_tokens":`...), a.InputAudioTokens/part)
		dst = itoa(append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...), a.hidden()/part)
		dst = append(dst, `,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}`...)
	}
	return append(dst, '}')
}

// openAIStreamUsage ends a stream: the chunk with the usage, if asked for, has no
// choices.
func openAIStreamUsage(dst []byte, a *answer, object string) []byte {
	parts := []int64{1}
	switch {
	case !a.ask.includeUsage || a.fault == noUsage:
		parts = nil
	case a.fault == usageTwice:
		parts = []int64{2, 1}
	}
	for _, part := range parts {
		dst = openAIHead(append(dst, "data: "...), a, object)
		dst = append(dst, fingerprint+`,"choices":[],`...)
		dst = openAIUsageOf(dst, a, object != "text_completion", part)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// quote writes a JSON string.
func quote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
