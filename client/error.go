package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/api"
)

// Error is a refusal or failure that the server answered with. Failures to reach
// it are the errors of net/http.
type Error struct {
	Code       string           // stable word, such as "validation_failed"; "" when the answer was not Tollgate's
	Status     int              // HTTP status
	Detail     string           // what happened, for people
	Fields     []api.FieldError // every wrong field
	RetryAfter time.Duration    // when trying again may help; 0 = not said
	RequestID  string           // names the server's log line
}

// Error is one line: code, detail and wrong fields.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Code != "" {
		b.WriteString(e.Code + ": ")
	}
	b.WriteString(e.Detail)
	for i, f := range e.Fields {
		sep := "; "
		if i == 0 {
			sep = " "
		}
		fmt.Fprintf(&b, "%s%s: %s", sep, f.Field, f.Message)
	}
	return b.String()
}

// errorFrom reads an error answer. An answer that is no problem document, such
// as a gateway's HTML page, is told by its status alone.
func errorFrom(resp *http.Response, body []byte) *Error {
	e := &Error{
		Status:     resp.StatusCode,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After")),
		RequestID:  resp.Header.Get("X-Request-Id"),
	}
	var p api.Problem
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if mediaType == api.ProblemMediaType && json.Unmarshal(body, &p) == nil {
		e.Code, e.Detail, e.Fields = p.Code, p.Detail, p.Errors
		if p.RequestID != "" {
			e.RequestID = p.RequestID
		}
	}
	if e.Detail == "" {
		e.Detail = fmt.Sprintf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return e
}

// retryAfter reads a Retry-After header in seconds, the only form Tollgate sends.
func retryAfter(v string) time.Duration {
	seconds, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
