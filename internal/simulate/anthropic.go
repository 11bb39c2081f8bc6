package simulate

import "net/http"

// anthropic is the format of Anthropic's Messages. See
// docs.anthropic.com/en/api/messages and …/messages-streaming.
type anthropic struct{}

func (anthropic) ids() (string, string) { return "msg_", "req_" }

func (w anthropic) whole(dst []byte, a *answer) []byte {
	dst = anthropicHead(dst, a)
	if a.reasoning > 0 {
		dst = append(dst, `{"type":"thinking","thinking":"one two six","signature":"c2lnbmF0dXJl"},`...)
	}
	if a.Tool == "" {
		dst = appendWords(append(dst, `{"type":"text","text":"`...), 0, a.perChoice-a.reasoning)
		dst = append(dst, `"}`...)
	}
	for i := range a.calls() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = anthropicCall(dst, a, i)
		dst = append(dst, `,"input":{"text":"`...)
		if i == 0 {
			dst = appendWords(dst, 0, a.perChoice-a.reasoning)
		}
		dst = append(dst, `"}}`...)
	}
	dst = append(append(dst, `],"stop_reason":"`...), anthropicReason(a.ending)...)
	dst = append(dst, `","stop_sequence":null`...)
	switch a.fault {
	case noUsage:
		return append(dst, '}')
	case usageTwice:
		dst = anthropicUsage(dst, a, a.output()/2)
	case novelties:
		dst = append(dst, `,"novelty":{"usage":{"output_tokens":5}}`...)
	}
	return append(anthropicUsage(dst, a, a.output()), '}')
}

func (w anthropic) open(dst []byte, a *answer) []byte {
	dst = anthropicHead(append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...), a)
	dst = append(dst, `],"stop_reason":null,"stop_sequence":null`...)
	if a.fault != noUsage {
		dst = anthropicUsage(dst, a, min(1, a.output()))
	}
	dst = append(dst, "}}\n\n"...)
	if a.reasoning > 0 {
		dst = append(w.start(dst, 0), `{"type":"thinking","thinking":"","signature":""}`+"}\n\n"...)
		dst = append(w.delta(dst, 0), `{"type":"thinking_delta","thinking":"one two six"}`+"}\n\n"...)
		dst = append(w.delta(dst, 0), `{"type":"signature_delta","signature":"c2lnbmF0dXJl"}`+"}\n\n"...)
		dst = w.stop(dst, 0)
	}
	dst = w.start(dst, a.block())
	if a.Tool == "" {
		dst = append(dst, `{"type":"text","text":""}`...)
	} else {
		dst = append(anthropicCall(dst, a, 0), `,"input":{}}`...)
	}
	return append(dst, "}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n"...)
}

func (w anthropic) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := a.span(i)
	dst = w.delta(dst, a.block())
	if a.Tool == "" {
		dst = appendWords(append(dst, `{"type":"text_delta","text":"`...), from, to)
		return append(dst, "\"}}\n\n"...)
	}
	dst = append(dst, `{"type":"input_json_delta","partial_json":"`...)
	if i == 0 {
		dst = append(dst, `{\"text\":\"`...)
	}
	dst = appendWords(dst, from, to)
	if i == a.chunks-1 {
		dst = append(dst, `\"}`...)
	}
	return append(dst, "\"}}\n\n"...)
}

func (w anthropic) end(dst []byte, a *answer) []byte {
	dst = w.stop(dst, a.block())
	for i := int64(1); i < a.calls(); i++ {
		dst = append(anthropicCall(w.start(dst, a.block()+i), a, i), `,"input":{}}`+"}\n\n"...)
		dst = append(w.delta(dst, a.block()+i), `{"type":"input_json_delta","partial_json":"{\"text\":\"\"}"}`+"}\n\n"...)
		dst = w.stop(dst, a.block()+i)
	}
	if a.fault == usageTwice {
		dst = anthropicDelta(dst, a, a.output()/2)
	}
	dst = anthropicDelta(dst, a, a.output())
	return append(dst, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}

func (anthropic) middle(dst []byte, a *answer) []byte {
	if a.fault == errorMid {
		return append(dst, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"...)
	}
	return append(dst, ": a comment\n\nevent: novelty\ndata: {\"type\":\"novelty\",\"usage\":{\"output_tokens\":5}}\n\n"...)
}

func (anthropic) start(dst []byte, block int64) []byte {
	dst = append(dst, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"...)
	return append(itoa(dst, block), `,"content_block":`...)
}

func (anthropic) delta(dst []byte, block int64) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	return append(itoa(dst, block), `,"delta":`...)
}

func (anthropic) stop(dst []byte, block int64) []byte {
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...)
	return append(itoa(dst, block), "}\n\n"...)
}

// block is the index of the answer's block: it follows the thinking.
func (a *answer) block() int64 { return min(a.reasoning, 1) }

// anthropicCall begins the call of a tool.
func anthropicCall(dst []byte, a *answer, i int64) []byte {
	dst = append(itoa(append(dst, `{"type":"tool_use","id":"toolu_simulated`...), i), `","name":`...)
	return quote(dst, a.Tool)
}

func (anthropic) counted(dst []byte, tokens int64) []byte {
	return append(itoa(append(dst, `{"input_tokens":`...), tokens), '}')
}

func (anthropic) refusal(dst []byte, code int, err error, requestID string) []byte {
	kind := "invalid_request_error"
	switch {
	case code == http.StatusUnauthorized:
		kind = "authentication_error"
	case code == http.StatusForbidden:
		kind = "permission_error"
	case code == http.StatusNotFound:
		kind = "not_found_error"
	case code == http.StatusRequestEntityTooLarge:
		kind = "request_too_large"
	case code == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case code == 529:
		kind = "overloaded_error"
	case code >= 500:
		kind = "api_error"
	}
	dst = quote(append(dst, `{"type":"error","error":{"type":`...), kind)
	dst = quote(append(dst, `,"message":`...), err.Error())
	dst = quote(append(dst, `},"request_id":`...), requestID)
	return append(dst, '}')
}

// anthropicHead begins a message, up to its content.
func anthropicHead(dst []byte, a *answer) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = append(append(dst, `","type":"message","role":"assistant","model":"`...), a.ask.model...)
	return append(dst, `","content":[`...)
}

// anthropicUsage is the member of a message. What was read from a cache or written
// to one is not in input_tokens.
func anthropicUsage(dst []byte, a *answer, output int64) []byte {
	dst = itoa(append(dst, `,"usage":{"input_tokens":`...), a.input-a.CachedTokens-a.CacheWriteTokens)
	dst = itoa(append(dst, `,"cache_creation_input_tokens":`...), a.CacheWriteTokens)
	dst = itoa(append(dst, `,"cache_read_input_tokens":`...), a.CachedTokens)
	dst = itoa(append(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`...), a.CacheWriteTokens-a.CacheWrite1h)
	dst = itoa(append(dst, `,"ephemeral_1h_input_tokens":`...), a.CacheWrite1h)
	dst = itoa(append(dst, `},"output_tokens":`...), output)
	dst = anthropicThought(dst, a, output)
	return append(dst, `,"service_tier":"standard"}`...)
}

// anthropicDelta is the event near the end; its usage is a running total.
func anthropicDelta(dst []byte, a *answer, output int64) []byte {
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(dst, anthropicReason(a.ending)...)
	dst = append(dst, `","stop_sequence":null}`...)
	if a.fault != noUsage {
		dst = itoa(append(dst, `,"usage":{"output_tokens":`...), output)
		dst = append(anthropicThought(dst, a, output), '}')
	}
	return append(dst, "}\n\n"...)
}

// anthropicThought is the part of the output that was thinking.
func anthropicThought(dst []byte, a *answer, output int64) []byte {
	if a.hidden() == 0 {
		return dst
	}
	dst = itoa(append(dst, `,"output_tokens_details":{"thinking_tokens":`...), min(a.hidden(), output))
	return append(dst, '}')
}

func anthropicReason(e ending) string {
	switch e {
	case capped:
		return "max_tokens"
	case called:
		return "tool_use"
	}
	return "end_turn"
}
