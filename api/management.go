package api

import "time"

// ManagementKey is a key of the management API as everyone who may see it sees
// it. The secret is not part of it.
type ManagementKey struct {
	ID          string     `json:"id" doc:"mk_ and a time-ordered UUID." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c03"`
	Name        string     `json:"name" doc:"For people; need not be unique." example:"deploy"`
	KeyPrefix   string     `json:"key_prefix" doc:"The first 8 characters, to recognise the key by." example:"tgm_5Fq2"`
	UserID      *string    `json:"user_id" doc:"Acts for this user, and within that user's role; null is for nobody."`
	Permissions []string   `json:"permissions" nullable:"false" doc:"Patterns like platform:api-keys:*; ! in front denies, and a denial outweighs every grant." example:"platform:api-keys:*,platform:usage:read"`
	IsRoot      bool       `json:"is_root" doc:"The key of the first start."`
	Status      string     `json:"status" enum:"active,disabled,revoked,expired" doc:"The status in force now; an expired key says so."`
	IsActive    bool       `json:"is_active" doc:"False when disabled or revoked." example:"true"`
	ExpiresAt   *time.Time `json:"expires_at" doc:"The key stops working at this instant; null is never." example:"2027-02-18T12:00:00Z"`
	CreatedBy   *string    `json:"created_by" doc:"Id of who made it; null is the first start." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c02"`
	CreatedAt   time.Time  `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt   time.Time  `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`
	Version     int64      `json:"version" doc:"Grows with each change; the ETag of the key." example:"1"`
}

// ManagementKeyInput is the body that creates or changes a management key; see
// KeyInput for what a field left out and null mean.
type ManagementKeyInput struct {
	Name        Optional[string]    `json:"name,omitzero" doc:"For people, 1 to 100 characters; required at creation." minLength:"1" maxLength:"100" nullable:"false"`
	Permissions Optional[[]string]  `json:"permissions,omitzero" doc:"Patterns, at least one, 1,000 at most, and no more than one holds oneself; required at creation." minItems:"1" maxItems:"1000" nullable:"false"`
	UserID      Optional[string]    `json:"user_id,omitzero" doc:"The user that it acts for, within that user's role; at creation only. Without it, one's own user; null is nobody." maxLength:"200"`
	ExpiresAt   Optional[time.Time] `json:"expires_at,omitzero" doc:"In the future; null is never."`
	IsActive    Optional[bool]      `json:"is_active,omitzero" doc:"False disables the key, true enables it again." nullable:"false"`
}

// ManagementKeyCreated is the answer that makes a management key: the only one
// with its secret.
type ManagementKeyCreated struct {
	ManagementKey ManagementKey `json:"management_key" doc:"What was made."`
	SecretKey     string        `json:"secret_key,omitempty" doc:"The key itself. It is shown once: it is missing when the call was a repetition with the same Idempotency-Key." example:"tgm_5Fq2vYp8RkN1sWc7ZxT4bHd9LmA3eJg6Qu0XoP"`
}

// ManagementKeyList is one page of management keys, newest first.
type ManagementKeyList struct {
	ManagementKeys []ManagementKey `json:"management_keys" nullable:"false" doc:"The management keys of this page."`
	Total          int             `json:"total" doc:"Management keys that match, on all pages." example:"1"`
	Page           int             `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size           int             `json:"size" doc:"The most that a page holds." example:"10"`
}

// Role is what users of a kind may do.
type Role struct {
	Name        string   `json:"name" doc:"Its name, as users carry it." example:"developer"`
	Permissions []string `json:"permissions" nullable:"false" doc:"Patterns; ! in front denies, and a denial outweighs every grant." example:"platform:api-keys:create,platform:management-keys:create,platform:organization:read"`
}

// RoleList is all roles, the mightiest first.
type RoleList struct {
	Roles       []Role   `json:"roles" nullable:"false" doc:"The roles."`
	Permissions []string `json:"permissions" nullable:"false" doc:"Every permission that something asks for." example:"platform:api-keys:create,platform:api-keys:read"`
	Total       int      `json:"total" doc:"Roles from here on, on all pages." example:"5"`
	Page        int      `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size        int      `json:"size" doc:"The most that a page holds." example:"100"`
}
