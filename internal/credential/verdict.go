package credential

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// State is what is known of a credential.
type State string

// The states.
const (
	Unknown     State = "unknown"     // it was not asked yet, or the secret has changed since
	Valid       State = "valid"       // the provider takes it
	Invalid     State = "invalid"     // the provider does not take it
	Unsupported State = "unsupported" // the provider has nothing that could be asked
	Error       State = "error"       // it was asked and nothing was learned
)

// Code says why, in a word that does not change.
type Code string

// The codes.
const (
	Rejected       Code = "rejected"       // 401, or the provider's own word for it
	Forbidden      Code = "forbidden"      // 403
	NoQuota        Code = "no_quota"       // it is known, and its account has nothing left
	Limited        Code = "rate_limited"   // the provider asks to come later
	Timeout        Code = "timeout"        // no answer in time
	Unreachable    Code = "unreachable"    // no connection
	AddressDenied  Code = "address_denied" // its base URL leads where no request may go
	ProviderFailed Code = "provider_error" // 5xx
	Unexpected     Code = "unexpected"     // an answer that says neither yes nor no
	NotOffered     Code = "not_offered"    // there is no such path
	NotConfigured  Code = "not_configured" // no address is known for the provider
	Unreadable     Code = "unreadable"     // what is stored cannot be opened
)

// Message is the code in words.
func (c Code) Message() string {
	switch c {
	case Rejected:
		return "The provider does not accept the credential. Check that it was copied whole and has not been revoked."
	case Forbidden:
		return "The provider knows the credential and refuses it. Check what it may be used for."
	case NoQuota:
		return "The account of the credential has no quota or no credit left. Check its plan and billing at the provider."
	case Limited:
		return "The provider asks to try again later: the credential's rate limit is used up."
	case Timeout:
		return "The provider did not answer in time."
	case Unreachable:
		return "The provider cannot be reached. Check the base URL, if it has one of its own."
	case AddressDenied:
		return "The base URL leads to an address that may not be reached from here."
	case ProviderFailed:
		return "The provider has trouble of its own."
	case Unexpected:
		return "The provider's answer says neither that the credential is good nor that it is not."
	case NotOffered:
		return "The provider has no list of models by which the credential could be checked."
	case NotConfigured:
		return "No address is known for this provider. Ask the operator to configure its base URL."
	case Unreadable:
		return "The stored secret cannot be opened. Send it again."
	}
	return ""
}

// Verdict is what one answer says.
type Verdict struct {
	State State // never Unknown, but for the zero value
	Code  Code  // "" for Valid
}

// Failure is a Verdict that nothing was learned.
func Failure(code Code) Verdict { return Verdict{Error, code} }

// Decides reports whether it says something of the credential itself.
func (v Verdict) Decides() bool {
	return v.State == Valid || v.State == Invalid || v.State == Unsupported
}

// Refused reports whether an answer of a provider to any request means that it
// does not take the credential. body is the beginning of the answer's.
func Refused(provider string, status int, body []byte) bool {
	return status == http.StatusUnauthorized ||
		provider == Google && (status == http.StatusBadRequest || status == http.StatusForbidden) && refusedByGoogle(body)
}

// refusedByGoogle looks for Google's words where they are Google's own: elsewhere an
// error repeats what the caller wrote, who must not be able to say them. Its
// OpenAI-compatible paths put the error into a list.
func refusedByGoogle(body []byte) bool {
	type answer struct {
		Error struct {
			Message string
			Details []struct{ Reason string }
		}
	}
	var one answer
	var several []answer
	if json.Unmarshal(body, &one) == nil {
		several = []answer{one}
	} else if json.Unmarshal(body, &several) != nil {
		return false
	}
	for _, a := range several {
		if strings.HasPrefix(a.Error.Message, "API key not valid") || strings.HasPrefix(a.Error.Message, "API key expired") {
			return true
		}
		for _, d := range a.Error.Details {
			if d.Reason == "API_KEY_INVALID" {
				return true
			}
		}
	}
	return false
}

// Judge is what a provider's answer to the question for its models says. body is
// the beginning of the answer's; it is only searched for the provider's own words.
func Judge(provider string, status int, body []byte) Verdict {
	switch {
	case status >= 200 && status <= 299 && !isJSON(body):
		return Failure(Unexpected) // somebody's web page
	case status >= 200 && status <= 299:
		return Verdict{State: Valid}
	case Refused(provider, status, body):
		return Verdict{Invalid, Rejected}
	case status == http.StatusForbidden && has(body, "Missing scopes"):
		// OpenAI's restricted keys may do some things and not list models.
		return Verdict{Unsupported, NotOffered}
	case status == http.StatusForbidden:
		return Verdict{Invalid, Forbidden}
	case status == http.StatusPaymentRequired, status == http.StatusTooManyRequests && has(body, "insufficient_quota", "exceeded your current quota"),
		status == http.StatusBadRequest && has(body, "credit balance is too low"):
		return Failure(NoQuota)
	case status == http.StatusTooManyRequests:
		return Failure(Limited)
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return Failure(Timeout)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return Verdict{Unsupported, NotOffered}
	case status >= 500:
		return Failure(ProviderFailed)
	}
	return Failure(Unexpected)
}

func isJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

func has(body []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(body, []byte(w)) {
			return true
		}
	}
	return false
}

// Validation is what all answers so far say. The zero value is of a credential
// that nobody asked about.
type Validation struct {
	State       State     // of the latest answer; "" = Unknown
	Verdict     State     // of the latest answer that decided; "" = Unknown
	Code        Code      // of the latest answer; "" = none
	CheckedAt   time.Time // of the latest answer; zero = never
	ValidatedAt time.Time // of the latest answer that said Valid; zero = never
}

// After is v once more was learned at an instant. Trouble on the way does not
// change what the last answer said that decided.
func (v Validation) After(next Verdict, at time.Time) Validation {
	v.State, v.Code, v.CheckedAt = next.State, next.Code, at
	if next.Decides() {
		v.Verdict = next.State
	}
	if next.State == Valid {
		v.ValidatedAt = at
	}
	return v
}
