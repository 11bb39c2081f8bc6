package admin

import (
	"slices"

	"tollgate/internal/fault"
)

// refusal is what the document says of an error code: what it means, and what the
// text of an answer with it looks like.
type refusal struct {
	code   fault.Kind
	means  string
	detail string
	param  string // the field or parameter that the example names; "" = none
	wrong  string // what the example says is wrong with it; "" = the example names no field
}

// refusalTexts lists the codes that operations answer with, by status. A code that
// an operation declares must be here.
func refusalTexts() []refusal {
	return []refusal{
		{code: fault.InvalidJSON, means: "The body is not one valid JSON object.", detail: "The body is not valid JSON."},
		{
			code: fault.DuplicateField, means: "A name stands twice in the body: parsers differ in which of two values they take.",
			detail: `The field "name" stands twice in the body. Send it once.`, param: "name",
		},
		{
			code: fault.RateLimited, means: "Something that asks a provider was wanted too often; Retry-After says when it may be again.",
			detail: "Credentials were checked 10 times in the last minute, which is as often as one may. Try again later.",
		},
		{code: fault.KeyMissing, means: "No management key was sent.", detail: "Send a management key (tgm_…) in the header Authorization: Bearer."},
		{
			code: fault.KeyInvalid, means: "The key is not a management key of this server; unknown and wrong look alike.",
			detail: `The management key is not valid. Management keys begin with "tgm_"; keys of the data plane do not work here.`,
		},
		{code: fault.KeyAmbiguous, means: "More than one Authorization header was sent.", detail: "More than one Authorization header was sent; send one."},
		{code: fault.KeyExpired, means: "The management key has expired.", detail: "This management key expired at 2026-11-20T12:00:00Z. Use another one."},
		{code: fault.KeyDisabled, means: "The management key is disabled.", detail: "This management key is disabled. Ask whoever gave it to you to enable it."},
		{code: fault.KeyRevoked, means: "The management key was revoked.", detail: "This management key was revoked. It will not work again; use another one."},
		{code: fault.OwnerInactive, means: "The user that the management key acts for is disabled.", detail: "The user of this management key is disabled."},
		{code: fault.PermissionDenied, means: "The management key lacks a permission.", detail: `This needs the permission "platform:api-keys:read". Ask an administrator to grant it.`},
		{
			code: fault.EscalationDenied, means: "It would give or loosen more than one may.",
			detail: "rate_limit_per_minute: may only be tightened; ask an administrator to loosen it.",
			param:  "rate_limit_per_minute", wrong: "may only be tightened; ask an administrator to loosen it",
		},
		{code: fault.NotFound, means: "There is no such thing, or one may not see it.", detail: `There is no API key "key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90".`},
		{code: fault.RequestTimeout, means: "The body did not arrive in time.", detail: "The body did not arrive in time."},
		{code: fault.NameTaken, means: "A value that must be unique is in use.", detail: `There is a user with the email "ada@example.com" already.`, param: "email"},
		{code: fault.VersionConflict, means: "Many change the same thing at once.", detail: "The API key is being changed by many at once. Read it again and retry."},
		{
			code: fault.IdempotencyConflict, means: "The Idempotency-Key was used for another request.",
			detail: "This Idempotency-Key was used for another request. Use a fresh one for each request.",
		},
		{code: fault.UnlimitedBalance, means: "The key has no balance to change.", detail: "This key has no balance, so what it may spend is not limited by one. Open a balance first."},
		{code: fault.InsufficientBalance, means: "More is to be taken out than is available.", detail: "You asked to take out $5.00, and $2.00 is available. What requests in flight hold is not available until they have ended.", param: "amount_usd"},
		{
			code: fault.KeyQuotaReached, means: "The user has as many keys as allowed.",
			detail: "The user has 20 keys already, which is as many as a user may have here. Delete or revoke one first.",
		},
		{
			code: fault.LastOwner, means: "The organization would be left without an active owner.",
			detail: "This is the only active owner of the organization. Make another one first.",
		},
		{
			code: fault.NotRecoverable, means: "Only the hash of the secret is kept.",
			detail: "Of this key's secret only the hash is kept, so it cannot be shown again. Regenerate the key; what is made while the organization's recoverable is true can be shown.",
		},
		{
			code: fault.PreconditionFailed, means: "If-Match names another version than the present one.",
			detail: "The API key has changed: it is at version 3, not 2. Read it again and repeat the change.",
		},
		{code: fault.BodyTooLarge, means: "The body is larger than this operation takes.", detail: "The body is larger than this operation takes."},
		{code: fault.UnsupportedMediaType, means: "The body is not sent as JSON.", detail: "The body must be JSON: send the header Content-Type: application/json."},
		{
			code: fault.ValidationFailed, means: "Fields of the body or parameters are wrong; all of them are named at once.",
			detail: "size: must be a whole number from 1 to 100.", param: "size", wrong: "must be a whole number from 1 to 100",
		},
		{
			code: fault.WouldLift, means: "An empty list would open what it restricted; null does so on purpose.",
			detail: "allowed_models: an empty list would open it to all; send null to lift the restriction on purpose.",
			param:  "allowed_models", wrong: "an empty list would open it to all; send null to lift the restriction on purpose",
		},
		{
			code: fault.Internal, means: "A fault of our own; the log has it under the request id.",
			detail: "Something went wrong on our side. The request id names the log line.",
		},
		{
			code: fault.StoreUnavailable, means: "The database cannot be read or written at the moment; nothing was changed for certain.",
			detail: "The database cannot be used at the moment. Try again shortly.",
		},
	}
}

// refusalText is what the document says of a code.
func refusalText(code fault.Kind) (refusal, bool) {
	texts := refusalTexts()
	if i := slices.IndexFunc(texts, func(r refusal) bool { return r.code == code }); i >= 0 {
		return texts[i], true
	}
	return refusal{}, false
}

// asks is what of an operation decides which codes it can answer with.
type asks struct {
	object  bool // it is about one thing, named in the path
	body    bool
	ifMatch bool
	post    bool
}

// allCodes is every code that an operation can answer with: those that follow from
// what it asks for, and its own.
func (r route) allCodes(a asks) []fault.Kind {
	codes := []fault.Kind{
		fault.KeyMissing, fault.KeyInvalid, fault.KeyAmbiguous, fault.KeyExpired, fault.KeyDisabled, fault.KeyRevoked,
		fault.OwnerInactive, fault.PermissionDenied, fault.ValidationFailed, fault.Internal, fault.StoreUnavailable,
	}
	if a.object {
		codes = append(codes, fault.NotFound)
	}
	if a.body {
		codes = append(codes, fault.InvalidJSON, fault.DuplicateField, fault.RequestTimeout, fault.BodyTooLarge, fault.UnsupportedMediaType)
	}
	if a.ifMatch {
		codes = append(codes, fault.PreconditionFailed, fault.VersionConflict)
	}
	if a.post {
		codes = append(codes, fault.IdempotencyConflict)
	}
	return append(codes, r.codes...)
}
