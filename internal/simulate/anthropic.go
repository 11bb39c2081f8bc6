package simulate

import "net/http"

// anthropic is the format of Anthropic's Messages. See
// docs.anthropic.com/en/api/messages and …/messages-streaming.
type anthropic struct{}

func (anthropic) ids() (string, string) { return "msg_", "req_" }

func (anthropic) whole(dst []byte, a *answer) []byte {
	dst = anthropicHead(dst, a)
	if a.Tool == "" {
		dst = appendWords(append(dst, `{"type":"text","text":"`...), 0, a.perChoice-a.reasoning)
		dst = append(dst, `"}`...)
	} else {
		dst = quote(append(dst, `{"type":"tool_use","id":"toolu_simulated","name":`...), a.Tool)
		dst = appendWords(append(dst, `,"input":{"text":"`...), 0, a.perChoice-a.reasoning)
		dst = append(dst, `"}}`...)
	}
	dst = append(append(dst, `],"stop_reason":"`...), anthropicReason(a.ending)...)
	dst = append(dst, `","stop_sequence":null`...)
	switch a.fault {
	case noUsage:
		return append(dst, '}')
	case usageTwice:
		dst = anthropicUsage(dst, a, a.output()/2)
	}
	return append(anthropicUsage(dst, a, a.output()), '}')
}

func (anthropic) open(dst []byte, a *answer) []byte {
	dst = anthropicHead(append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...), a)
	dst = append(dst, `],"stop_reason":null,"stop_sequence":null`...)
	if a.fault != noUsage {
		dst = anthropicUsage(dst, a, min(1, a.output()))
	}
	dst = append(dst, "}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"...)
	if a.Tool == "" {
		dst = append(dst, `{"type":"text","text":""}`...)
	} else {
		dst = quote(append(dst, `{"type":"tool_use","id":"toolu_simulated","name":`...), a.Tool)
		dst = append(dst, `,"input":{}}`...)
	}
	return append(dst, "}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n"...)
}

func (anthropic) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := a.span(i)
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"...)
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

func (anthropic) end(dst []byte, a *answer) []byte {
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"...)
	if a.fault == usageTwice {
		dst = anthropicDelta(dst, a, a.output()/2)
	}
	dst = anthropicDelta(dst, a, a.output())
	return append(dst, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
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
	dst = itoa(append(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`...), a.CacheWriteTokens)
	dst = itoa(append(dst, `,"ephemeral_1h_input_tokens":0},"output_tokens":`...), output)
	return append(dst, `,"service_tier":"standard"}`...)
}

// anthropicDelta is the event near the end; its usage is a running total.
func anthropicDelta(dst []byte, a *answer, output int64) []byte {
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(dst, anthropicReason(a.ending)...)
	dst = append(dst, `","stop_sequence":null}`...)
	if a.fault != noUsage {
		dst = append(itoa(append(dst, `,"usage":{"output_tokens":`...), output), '}')
	}
	return append(dst, "}\n\n"...)
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
