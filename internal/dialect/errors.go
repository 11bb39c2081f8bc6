package dialect

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// WriteError answers with e as the caller's SDK expects it: status, body, and
// the headers that say whether and when to try again. A requestID of "" writes
// no such header.
func WriteError(w http.ResponseWriter, f llm.Format, e *fault.Error, status int, requestID string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if requestID != "" {
		h.Set("X-Request-Id", requestID)
		if f == llm.Anthropic {
			h.Set("Request-Id", requestID)
		}
	}
	if status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", "Bearer") // RFC 9110, 15.5.2
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(ceilSeconds(e.RetryAfter), 10))
	}
	if !shouldRetry(e, status) {
		h.Set("X-Should-Retry", "false")
	}
	w.WriteHeader(status)
	_, _ = w.Write(appendError(nil, f, e, status, requestID)) // the caller may be gone
}

// Broken is e as what ends a stream that began well, behind all that the Tap has
// given so far, in the shape in which the format's SDKs raise it as an exception.
func (t *Tap) Broken(e *fault.Error, requestID string) []byte {
	head, tail := "data: ", "\n\n"
	switch {
	case t.f.format == llm.Cohere:
		return appendCohereEnd(nil, e)
	case t.list && t.stream.given:
		head, tail = ",\r\n", "]"
	case t.list:
		head, tail = "[", "]"
	case t.f.format == llm.Anthropic, t.f.answers == answersResponse:
		head = "event: error\ndata: "
	case t.f.format == llm.Gemini:
		tail = "\r\n\r\n" // as Google's own: its SDKs do not take a mixture
	}
	b := []byte(head)
	if t.f.answers == answersResponse {
		b = appendResponseError(b, e)
	} else {
		b = appendError(b, t.f.format, e, http.StatusBadGateway, requestID)
	}
	return append(b, tail...)
}

// appendResponseError appends the error event of OpenAI's Responses. The reference
// has what went wrong at the top level, the SDKs raise what lies in "error".
func appendResponseError(b []byte, e *fault.Error) []byte {
	b = append(b, `{"type":"error","sequence_number":0,"code":`...)
	b = appendQuoted(b, string(e.Kind))
	b = append(b, `,"message":`...)
	b = appendQuoted(b, e.Public)
	b = append(b, `,"param":null,`...)
	return append(b, appendOpenAIError(nil, e, http.StatusBadGateway)[1:]...)
}

// patience is how long the wait may be for an SDK to be left to retry by
// itself. Theirs honour a Retry-After of up to a minute; with a longer one they
// try again within seconds, for nothing.
const patience = time.Minute

// shouldRetry reports whether an SDK may try again by its own rules, which
// retry 408, 409, 429 and 5xx. The header overrules those rules.
func shouldRetry(e *fault.Error, status int) bool {
	switch {
	case e.Kind == fault.ProviderUnconfigured:
		return false
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return e.RetryAfter <= patience
	}
	return status < 400 || status >= 500
}

func ceilSeconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

// appendError appends the body of an error.
func appendError(b []byte, f llm.Format, e *fault.Error, status int, requestID string) []byte {
	switch f {
	case llm.Anthropic:
		return appendAnthropicError(b, e, status, requestID)
	case llm.Gemini:
		return appendGeminiError(b, e, status, requestID)
	case llm.Cohere:
		return appendCohereError(b, e, requestID)
	}
	return appendOpenAIError(b, e, status)
}

// appendOpenAIError appends the error object of the OpenAI API reference.
func appendOpenAIError(b []byte, e *fault.Error, status int) []byte {
	b = append(b, `{"error":{"message":`...)
	b = appendQuoted(b, e.Public)
	b = append(b, `,"type":`...)
	b = appendQuoted(b, openAIErrorType(e.Kind, status))
	b = append(b, `,"param":`...)
	if e.Param == "" {
		b = append(b, "null"...)
	} else {
		b = appendQuoted(b, e.Param)
	}
	b = append(b, `,"code":`...)
	b = appendQuoted(b, string(e.Kind))
	return append(b, "}}"...)
}

// openAIErrorType is OpenAI's coarse word for an error. For 429 that is what ran
// out, "requests" or "tokens".
func openAIErrorType(kind fault.Kind, status int) string {
	switch {
	case kind == fault.TokensLimited:
		return "tokens"
	case status == http.StatusTooManyRequests:
		return "requests"
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusPaymentRequired:
		return "insufficient_quota"
	case status == http.StatusForbidden:
		return "permission_error"
	case status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}

// appendAnthropicError appends the error object of Anthropic's API ("Errors",
// error shapes), and in it the gate's own code, which says more than the type.
func appendAnthropicError(b []byte, e *fault.Error, status int, requestID string) []byte {
	b = append(b, `{"type":"error","error":{"type":`...)
	b = appendQuoted(b, anthropicErrorType(e.Kind, status))
	b = append(b, `,"message":`...)
	b = appendQuoted(b, e.Public)
	b = append(b, `,"code":`...)
	b = appendQuoted(b, string(e.Kind))
	b = append(b, '}')
	if requestID != "" {
		b = append(b, `,"request_id":`...)
		b = appendQuoted(b, requestID)
	}
	return append(b, '}')
}

// anthropicErrorType is Anthropic's word for an error. Its SDKs go by the status,
// and in a stream, which has none, by this.
func anthropicErrorType(kind fault.Kind, status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	switch {
	case kind == fault.Overloaded:
		return "overloaded_error"
	case status >= 500:
		return "api_error"
	}
	return "invalid_request_error"
}

// appendGeminiError appends Google's error object ("AIP-193: Errors"), with the
// gate's own code as the reason in its ErrorInfo.
func appendGeminiError(b []byte, e *fault.Error, status int, requestID string) []byte {
	const types = `{"@type":"type.googleapis.com/google.rpc.`
	b = append(b, `{"error":{"code":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"message":`...)
	b = appendQuoted(b, e.Public)
	b = append(b, `,"status":"`...)
	b = append(b, geminiStatus(status)...)
	b = append(b, `","details":[`+types+`ErrorInfo","reason":`...)
	b = appendQuoted(b, strings.ToUpper(string(e.Kind)))
	b = append(b, `,"domain":"tollgate"}`...)
	if e.RetryAfter > 0 {
		b = append(b, `,`+types+`RetryInfo","retryDelay":"`...)
		b = strconv.AppendInt(b, ceilSeconds(e.RetryAfter), 10)
		b = append(b, `s"}`...)
	}
	if e.Param != "" {
		b = append(b, `,`+types+`BadRequest","fieldViolations":[{"field":`...)
		b = appendQuoted(b, e.Param)
		b = append(b, `,"description":`...)
		b = appendQuoted(b, e.Public)
		b = append(b, `}]}`...)
	}
	if requestID != "" {
		b = append(b, `,`+types+`RequestInfo","requestId":`...)
		b = appendQuoted(b, requestID)
		b = append(b, '}')
	}
	return append(b, "]}}"...)
}

// geminiStatus is the word of google.rpc.Code for a status. What is spent up is a
// condition that waiting does not mend.
func geminiStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusPaymentRequired:
		return "FAILED_PRECONDITION"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	}
	if status >= 500 {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// appendCohereError appends the error object of Cohere's API ("Errors"), which is
// a message, and the gate's own code beside it. Its SDKs go by the status.
func appendCohereError(b []byte, e *fault.Error, requestID string) []byte {
	b = appendQuoted(append(b, `{"message":`...), e.Public)
	b = appendQuoted(append(b, `,"code":`...), string(e.Kind))
	if requestID != "" {
		b = appendQuoted(append(b, `,"id":`...), requestID)
	}
	return append(b, '}')
}

// appendCohereEnd appends the event with which a stream of Cohere's ends that went
// wrong. Nothing follows it, as nothing does there.
func appendCohereEnd(b []byte, e *fault.Error) []byte {
	b = append(b, "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":"...)
	return append(appendQuoted(b, e.Public), "}}\n\n"...)
}
