package api

import "time"

// ManagementKey is a key of the management API as everyone who may see it sees
// it. The secret is not part of it.
type ManagementKey struct {
	ID          string     `json:"id" doc:"mk_ and a time-ordered UUID."`
	Name        string     `json:"name"`
	KeyPrefix   string     `json:"key_prefix" doc:"The first 8 characters, to recognise the key by."`
	UserID      *string    `json:"user_id" doc:"Acts for this user, and within that user's role; null is for nobody."`
	Permissions []string   `json:"permissions" nullable:"false" doc:"Patterns like platform:api-keys:*; ! in front denies."`
	IsRoot      bool       `json:"is_root" doc:"The key of the first start."`
	Status      string     `json:"status" enum:"active,disabled,revoked,expired"`
	IsActive    bool       `json:"is_active" doc:"False when disabled or revoked."`
	ExpiresAt   *time.Time `json:"expires_at" doc:"The key stops working at this instant; null is never."`
	CreatedBy   *string    `json:"created_by" doc:"Id of who made it; null is the first start."`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	Version     int64      `json:"version" doc:"Grows with each change; the ETag of the key."`
}

// ManagementKeyInput is the body that creates or changes a management key; see
// KeyInput for what a field left out and null mean.
type ManagementKeyInput struct {
	Name        Optional[string]    `json:"name,omitzero" minLength:"1" maxLength:"100"`
	Permissions Optional[[]string]  `json:"permissions,omitzero" doc:"No more than one holds oneself."`
	UserID      Optional[string]    `json:"user_id,omitzero" doc:"At creation only; without it, one's own user."`
	ExpiresAt   Optional[time.Time] `json:"expires_at,omitzero" doc:"In the future; null is never."`
	IsActive    Optional[bool]      `json:"is_active,omitzero"`
}

// ManagementKeyCreated is the answer that makes a management key: the only one
// with its secret.
type ManagementKeyCreated struct {
	ManagementKey ManagementKey `json:"management_key"`
	SecretKey     string        `json:"secret_key,omitempty" doc:"The key itself. It is shown once: it is missing when the call was a repetition with the same Idempotency-Key."`
}

// ManagementKeyList is one page of management keys, newest first.
type ManagementKeyList struct {
	ManagementKeys []ManagementKey `json:"management_keys" nullable:"false"`
	Total          int             `json:"total" doc:"Management keys that match, on all pages."`
	Page           int             `json:"page"`
	Size           int             `json:"size"`
}

// Role is what users of a kind may do.
type Role struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions" nullable:"false" doc:"Patterns; ! in front denies, and a denial outweighs every grant."`
}

// RoleList is all roles, the mightiest first.
type RoleList struct {
	Roles       []Role   `json:"roles" nullable:"false"`
	Permissions []string `json:"permissions" nullable:"false" doc:"Every permission that something asks for."`
}
