package api

import (
	"encoding/json"
	"time"
)

// AuditEvent is one line of the audit. Lines are never changed; each carries the
// hash of the one before.
type AuditEvent struct {
	Sequence       int64         `json:"sequence" doc:"From 1, without gaps."`
	OrganizationID string        `json:"organization_id"`
	At             time.Time     `json:"at"`
	ActorID        string        `json:"actor_id" doc:"A management key, or system."`
	ActorName      string        `json:"actor_name"`
	ActorUserID    *string       `json:"actor_user_id" doc:"The user acted for; null is nobody."`
	IP             *string       `json:"ip"`
	UserAgent      *string       `json:"user_agent"`
	RequestID      *string       `json:"request_id"`
	Action         string        `json:"action" example:"api_key.update"`
	ResourceType   string        `json:"resource_type" example:"api_key"`
	ResourceID     *string       `json:"resource_id"`
	ResourceName   *string       `json:"resource_name"`
	Outcome        string        `json:"outcome" enum:"done,refused,replayed"`
	Code           *string       `json:"code" doc:"Of the refusal."`
	Changes        []AuditChange `json:"changes" nullable:"false"`
	PrevHash       string        `json:"prev_hash" doc:"SHA-256 in hexadecimal digits."`
	Hash           string        `json:"hash" doc:"SHA-256 in hexadecimal digits."`
}

// AuditChange is one changed field.
type AuditChange struct {
	Field string          `json:"field"`
	From  json.RawMessage `json:"from" doc:"Any JSON value; null for nothing."`
	To    json.RawMessage `json:"to" doc:"Any JSON value; null for nothing."`
}

// AuditList is a part of the audit, newest first.
type AuditList struct {
	AuditEvents []AuditEvent `json:"audit_events" nullable:"false"`
	Size        int          `json:"size"`
	NextBefore  *int64       `json:"next_before" doc:"What to send as before for what follows; null when that is all."`
}

// AuditVerdict is whether the audit is as it was written.
type AuditVerdict struct {
	Events int64        `json:"events"`
	Head   string       `json:"head" doc:"The hash of the newest event. Keep it elsewhere to compare with later."`
	Broken []AuditBreak `json:"broken" nullable:"false" doc:"Empty when the audit is whole."`
}

// AuditBreak is one place where the audit is not what was written.
type AuditBreak struct {
	Sequence int64  `json:"sequence"`
	Problem  string `json:"problem"`
}
