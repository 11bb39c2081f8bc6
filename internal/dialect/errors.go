package dialect

import (
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// WriteError answers with e as the caller's SDK expects it: status, body, and
// the headers that say whether and when to try again. A requestID of "" writes
// no such header. Every format is answered in OpenAI's shape so far.
func WriteError(w http.ResponseWriter, _ llm.Format, e *fault.Error, status int, requestID string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if requestID != "" {
		h.Set("X-Request-Id", requestID)
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
	_, _ = w.Write(appendError(nil, e, status)) // the caller may be gone
}

// ErrorEvent is e as an event that ends a stream which began well, in the shape
// in which OpenAI's SDKs raise it as an exception.
func ErrorEvent(_ llm.Format, e *fault.Error) []byte {
	b := appendError([]byte("data: "), e, http.StatusBadGateway)
	return append(b, "\n\n"...)
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

// appendError appends the error object of the OpenAI API reference.
func appendError(b []byte, e *fault.Error, status int) []byte {
	b = append(b, `{"error":{"message":`...)
	b = appendQuoted(b, e.Public)
	b = append(b, `,"type":`...)
	b = appendQuoted(b, errorType(e.Kind, status))
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

// errorType is OpenAI's coarse word for an error. For 429 that is what ran out,
// "requests" or "tokens".
func errorType(kind fault.Kind, status int) string {
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
