package api

import "net/http"

// Status is the HTTP status that goes with an error code. A code that is not in
// the table is a fault of the server and gets 500.
func Status(code string) int {
	switch code {
	case "invalid_json", "duplicate_field", "invalid_field":
		return http.StatusBadRequest
	case "key_missing", "key_invalid", "key_ambiguous", "key_expired", "key_disabled", "key_revoked":
		return http.StatusUnauthorized
	case "budget_exceeded", "balance_exhausted":
		return http.StatusPaymentRequired
	case "ip_denied", "scope_denied", "endpoint_denied", "chatbot_denied", "format_denied",
		"model_denied", "provider_denied", "owner_inactive", "model_unpriced",
		"permission_denied", "escalation_denied":
		return http.StatusForbidden
	case "not_found", "model_not_found":
		return http.StatusNotFound
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	case "request_timeout":
		return http.StatusRequestTimeout
	case "name_taken", "version_conflict", "idempotency_conflict", "unlimited_balance", "insufficient_balance", "key_quota_reached", "last_owner", "not_recoverable":
		return http.StatusConflict
	case "precondition_failed":
		return http.StatusPreconditionFailed
	case "body_too_large":
		return http.StatusRequestEntityTooLarge
	case "unsupported_media_type":
		return http.StatusUnsupportedMediaType
	case "validation_failed", "would_lift_restriction":
		return http.StatusUnprocessableEntity
	case "rate_limited", "tokens_limited", "concurrency_limited", "budget_held":
		return http.StatusTooManyRequests
	case "upstream_unavailable":
		return http.StatusBadGateway
	case "store_unavailable", "provider_unconfigured", "overloaded":
		return http.StatusServiceUnavailable
	case "upstream_timeout":
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}
