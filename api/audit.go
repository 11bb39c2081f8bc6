package api

import (
	"encoding/json"
	"time"
)

// AuditEvent is one line of the audit. Lines are never changed; each carries the
// hash of the one before.
type AuditEvent struct {
	Sequence       int64         `json:"sequence" doc:"Number of the event in its organization: from 1, without gaps." example:"42"`
	OrganizationID string        `json:"organization_id" doc:"The organization in which it happened." example:"org_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c01"`
	At             time.Time     `json:"at" doc:"When it was done or refused." example:"2026-11-20T12:00:00Z"`
	ActorID        string        `json:"actor_id" doc:"Id of the management key that acted; system is the server itself." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c03"`
	ActorName      string        `json:"actor_name" doc:"Name of the management key, as it was then." example:"deploy"`
	ActorUserID    *string       `json:"actor_user_id" doc:"The user acted for; null is nobody."`
	IP             *string       `json:"ip" doc:"The caller's address, behind trusted proxies only; null is not known." example:"203.0.113.7"`
	UserAgent      *string       `json:"user_agent" doc:"What the caller calls itself, cut to 300 bytes; null is nothing." example:"tollgate-cli/1.0.0"`
	RequestID      *string       `json:"request_id" doc:"Of the call: the X-Request-Id of its answer." example:"req_4tqzjdbnnkyqhxqgpzk3m7wgxe"`
	Action         string        `json:"action" doc:"What was done: the kind of thing, and the verb." example:"api_key.update"`
	ResourceType   string        `json:"resource_type" doc:"The kind of thing it was done to." example:"api_key"`
	ResourceID     *string       `json:"resource_id" doc:"Id of the thing; null when there is none, or when what was sent was no id." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	ResourceName   *string       `json:"resource_name" doc:"Name of the thing, as it was then." example:"ci"`
	Outcome        string        `json:"outcome" enum:"done,refused,replayed" doc:"replayed is a repetition with the same Idempotency-Key, which changed nothing."`
	Code           *string       `json:"code" doc:"Error code of the refusal; null when it was done."`
	Changes        []AuditChange `json:"changes" nullable:"false" doc:"The fields that differ. Secrets have none."`
	PrevHash       string        `json:"prev_hash" doc:"Hash of the event before: SHA-256 in hexadecimal digits." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Hash           string        `json:"hash" doc:"Hash of this event and of the hash before it: SHA-256 in hexadecimal digits." example:"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"`
}

// AuditChange is one changed field.
type AuditChange struct {
	Field string          `json:"field" doc:"JSON name of the field." example:"rate_limit_per_minute"`
	From  json.RawMessage `json:"from" doc:"Its value before: any JSON value, null for nothing." example:"60"`
	To    json.RawMessage `json:"to" doc:"Its value after: any JSON value, null for nothing." example:"10"`
}

// AuditList is a part of the audit, newest first.
type AuditList struct {
	AuditEvents []AuditEvent `json:"audit_events" nullable:"false" doc:"The events, newest first."`
	Total       *int         `json:"total" doc:"Events that match, on all pages; null with before." example:"1"`
	Page        int          `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size        int          `json:"size" doc:"The most events that one answer holds." example:"100"`
	NextBefore  *int64       `json:"next_before" doc:"What to send as before for what follows; null when that is all."`
}

// AuditVerdict is whether the audit is as it was written.
type AuditVerdict struct {
	Events int64        `json:"events" doc:"How many there are, which is the number of the newest." example:"1017"`
	Head   string       `json:"head" doc:"The hash of the newest event. Keep events and head elsewhere, as EVENTS:HEAD, to compare with later." example:"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"`
	Broken []AuditBreak `json:"broken" nullable:"false" doc:"Empty when the audit is whole."`
}

// AuditBreak is one place where the audit is not what was written.
type AuditBreak struct {
	Sequence int64  `json:"sequence" doc:"Number of the event that is not what was written, or that is missing." example:"17"`
	Problem  string `json:"problem" doc:"What is wrong with it." example:"the event was changed"`
}
