package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the stable code of a refusal or failure, as callers read it in the
// `code` of an error. It is itself an error, so errors.Is(err, fault.NotFound)
// holds for any Error of that kind.
type Kind string

// Error is the code.
func (k Kind) Error() string { return string(k) }

// The kinds. api.Status gives each its HTTP status.
const (
	InvalidJSON          Kind = "invalid_json"
	DuplicateField       Kind = "duplicate_field"
	InvalidField         Kind = "invalid_field"
	MethodNotAllowed     Kind = "method_not_allowed"
	BodyTooLarge         Kind = "body_too_large"
	UnsupportedMediaType Kind = "unsupported_media_type"
	RequestTimeout       Kind = "request_timeout"

	KeyMissing   Kind = "key_missing"
	KeyInvalid   Kind = "key_invalid"
	KeyAmbiguous Kind = "key_ambiguous"
	KeyExpired   Kind = "key_expired"
	KeyDisabled  Kind = "key_disabled"
	KeyRevoked   Kind = "key_revoked"

	BudgetExceeded   Kind = "budget_exceeded"
	BalanceExhausted Kind = "balance_exhausted"

	IPDenied         Kind = "ip_denied"
	ScopeDenied      Kind = "scope_denied"
	EndpointDenied   Kind = "endpoint_denied"
	ChatbotDenied    Kind = "chatbot_denied"
	FormatDenied     Kind = "format_denied"
	ModelDenied      Kind = "model_denied"
	ProviderDenied   Kind = "provider_denied"
	OwnerInactive    Kind = "owner_inactive"
	ModelUnpriced    Kind = "model_unpriced"
	PermissionDenied Kind = "permission_denied"
	EscalationDenied Kind = "escalation_denied"

	NotFound      Kind = "not_found"
	ModelNotFound Kind = "model_not_found"

	NameTaken           Kind = "name_taken"
	VersionConflict     Kind = "version_conflict"
	IdempotencyConflict Kind = "idempotency_conflict"
	UnlimitedBalance    Kind = "unlimited_balance"
	InsufficientBalance Kind = "insufficient_balance"
	KeyQuotaReached     Kind = "key_quota_reached"
	LastOwner           Kind = "last_owner"
	NotRecoverable      Kind = "not_recoverable"

	PreconditionFailed Kind = "precondition_failed"
	ValidationFailed   Kind = "validation_failed"
	WouldLift          Kind = "would_lift_restriction"

	RateLimited        Kind = "rate_limited"
	TokensLimited      Kind = "tokens_limited"
	ConcurrencyLimited Kind = "concurrency_limited"
	BudgetHeld         Kind = "budget_held"

	StoreUnavailable     Kind = "store_unavailable"
	Overloaded           Kind = "overloaded"
	ProviderUnconfigured Kind = "provider_unconfigured"
	UpstreamUnavailable  Kind = "upstream_unavailable"
	UpstreamTimeout      Kind = "upstream_timeout"
	Internal             Kind = "internal"
)

// Error is a failure that may be shown. Public is written for the person who
// gets it: what happened, which value, what to do. Err is for the log only.
type Error struct {
	Kind       Kind
	Public     string
	Param      string        // the request field at fault, if one is
	Fields     []Field       // every wrong field, for ValidationFailed
	RetryAfter time.Duration // when trying again may help; 0 = unknown or never
	Err        error         // the cause; never shown
}

// Field is one wrong field of a validated body.
type Field struct {
	Name    string // JSON name, dotted for nested fields
	Problem string // what is wrong and what would be right; never the submitted value of a secret
}

// Error is for logs: the kind, the public text and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Public, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Public)
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// New is an Error of kind k with a formatted public text.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Public: fmt.Sprintf(format, args...)}
}

// Wrap is an Error of kind k with a public text and a cause that is not shown.
func Wrap(k Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: k, Public: fmt.Sprintf(format, args...), Err: cause}
}

// Of finds the Error in err's chain. What is not classified comes back as
// Internal with a public text that says nothing but that.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Public: "Something went wrong on our side. The request id names the log line.", Err: err}
}
