package api

import "time"

// Key is a gateway key as everyone who may see it sees it. The secret is not
// part of it: it is in the answer of its creation and nowhere else.
type Key struct {
	ID                 string          `json:"id" doc:"key_ and a time-ordered UUID." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Name               string          `json:"name" doc:"For people; need not be unique."`
	Description        string          `json:"description"`
	Tags               []string        `json:"tags" nullable:"false"`
	Kind               string          `json:"kind" enum:"user,standalone,chatbot,service" doc:"service has no owner; user has one."`
	UserID             *string         `json:"user_id" doc:"The owner, or null."`
	KeyPrefix          string          `json:"key_prefix" doc:"The first 8 characters, to recognise the key by."`
	Secrets            []KeySecret     `json:"secrets" nullable:"false" doc:"What opens this key, the newest first: one, or two while a replaced one still works."`
	Status             string          `json:"status" enum:"active,disabled,revoked,expired" doc:"The status in force now; an expired key says so."`
	IsActive           bool            `json:"is_active" doc:"False when disabled or revoked."`
	DisabledBy         *string         `json:"disabled_by" doc:"Id of who disabled it; system is the clean-up; null is nobody, or not known."`
	RevokedAt          *time.Time      `json:"revoked_at"`
	RevokedBy          *string         `json:"revoked_by" doc:"Id of who revoked it."`
	RevokeReason       *string         `json:"revoke_reason"`
	ExpiresAt          *time.Time      `json:"expires_at" doc:"The key stops working at this instant; null is never."`
	AutoDeleteOnExpiry *bool           `json:"auto_delete_on_expiry" doc:"What the clean-up does: true deletes, false disables, null is the organization's default."`
	Scopes             []string        `json:"scopes" doc:"Kinds of routes; null is all."`
	Permissions        map[string]bool `json:"permissions" doc:"The application's own words; only true counts."`
	AllowedModels      []string        `json:"allowed_models" doc:"Model names or provider/name, * as wildcard; null is all."`
	AllowedEndpoints   []string        `json:"allowed_endpoints" doc:"Paths, * as wildcard; null is all."`
	AllowedIPs         []string        `json:"allowed_ips" doc:"Addresses and CIDR ranges; null is all."`
	AllowedChatbots    []string        `json:"allowed_chatbots" doc:"Chatbot ids; null is all."`
	AllowedProviders   []string        `json:"allowed_providers" doc:"Provider slugs such as openai; null is all."`
	AllowedAPIFormats  []string        `json:"allowed_api_formats" doc:"openai, anthropic, gemini; null is all."`
	Limits
	Balance        *Balance   `json:"balance" doc:"Prepaid money; null when the key has no balance."`
	TotalRequests  int64      `json:"total_requests" doc:"Requests forwarded, failed ones too."`
	TotalTokens    int64      `json:"total_tokens"`
	TotalCostUSD   string     `json:"total_cost_usd" doc:"Exact." example:"0.000150001"`
	TotalCostCents int64      `json:"total_cost_cents" doc:"Rounded view of total_cost_usd."`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	LastUsedAt     *time.Time `json:"last_used_at"`
	Version        int64      `json:"version" doc:"Grows with each change; the ETag of the key."`
}

// KeySecret is one of the secrets of a key, without the secret.
type KeySecret struct {
	ID         string     `json:"id" doc:"sec_ and a time-ordered UUID."`
	Prefix     string     `json:"prefix" doc:"The first 8 characters, to recognise the secret by."`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at" doc:"A replaced secret stops working at this instant; null is as long as the key works."`
	LastUsedAt *time.Time `json:"last_used_at" doc:"To within some seconds; null is never."`
}

// Balance is prepaid money: available = granted - spent - held.
type Balance struct {
	GrantedUSD   string `json:"granted_usd" example:"20.00"`
	SpentUSD     string `json:"spent_usd" example:"3.20"`
	HeldUSD      string `json:"held_usd" doc:"For requests in flight." example:"0.05"`
	AvailableUSD string `json:"available_usd" example:"16.75"`
}

// KeyInput is the body that creates or changes a key. A field left out keeps its
// value (on a change) or takes its default (on creation and replacement: 60 a
// minute, 3,600 an hour, 86,400 a day, everything else unrestricted); null lifts
// a restriction.
type KeyInput struct {
	Name               Optional[string]          `json:"name,omitzero" doc:"1 to 100 characters." minLength:"1" maxLength:"100"`
	Description        Optional[string]          `json:"description,omitzero" doc:"At most 500 characters." maxLength:"500"`
	Tags               Optional[[]string]        `json:"tags,omitzero"`
	Preset             Optional[string]          `json:"preset,omitzero" enum:"default,restricted,chatbot,standalone" doc:"What the fields left out start from; at creation only."`
	Kind               Optional[string]          `json:"kind,omitzero" enum:"user,standalone,chatbot,service" doc:"At creation only; without it, user with an owner and else service."`
	UserID             Optional[string]          `json:"user_id,omitzero" doc:"The owner; at creation only."`
	IsActive           Optional[bool]            `json:"is_active,omitzero" doc:"False disables the key, true enables it again."`
	ExpiresAt          Optional[time.Time]       `json:"expires_at,omitzero" doc:"In the future; null is never."`
	AutoDeleteOnExpiry Optional[bool]            `json:"auto_delete_on_expiry,omitzero"`
	Scopes             Optional[[]string]        `json:"scopes,omitzero"`
	Permissions        Optional[map[string]bool] `json:"permissions,omitzero"`
	AllowedModels      Optional[[]string]        `json:"allowed_models,omitzero"`
	AllowedEndpoints   Optional[[]string]        `json:"allowed_endpoints,omitzero"`
	AllowedIPs         Optional[[]string]        `json:"allowed_ips,omitzero"`
	AllowedChatbots    Optional[[]string]        `json:"allowed_chatbots,omitzero"`
	AllowedProviders   Optional[[]string]        `json:"allowed_providers,omitzero"`
	AllowedAPIFormats  Optional[[]string]        `json:"allowed_api_formats,omitzero"`
	RateLimitPerMinute Optional[int64]           `json:"rate_limit_per_minute,omitzero" minimum:"1" maximum:"10000"`
	RateLimitPerHour   Optional[int64]           `json:"rate_limit_per_hour,omitzero" minimum:"1" maximum:"100000"`
	RateLimitPerDay    Optional[int64]           `json:"rate_limit_per_day,omitzero" minimum:"1" maximum:"1000000"`
	TokensPerMinute    Optional[int64]           `json:"tokens_per_minute,omitzero" minimum:"0"`
	TokensPerDay       Optional[int64]           `json:"tokens_per_day,omitzero" minimum:"0"`
	TokensPerMonth     Optional[int64]           `json:"tokens_per_month,omitzero" minimum:"0"`
	ConcurrentLimit    Optional[int64]           `json:"concurrent_limit,omitzero" minimum:"0" maximum:"100000"`
	IsUnlimited        Optional[bool]            `json:"is_unlimited,omitzero" doc:"Inferred from the budget; a contradiction is refused."`
	BudgetLimitCents   Optional[int64]           `json:"budget_limit_cents,omitzero" minimum:"0"`
	BudgetType         Optional[string]          `json:"budget_type,omitzero" enum:"total,daily,weekly,monthly"`
	BudgetMode         Optional[string]          `json:"budget_mode,omitzero" enum:"hard,soft"`
	InitialBalanceUSD  Optional[string]          `json:"initial_balance_usd,omitzero" doc:"Prepaid money that the key begins with, as text; null is no balance, which does not limit. At creation only." example:"20.00"`
}

// RegenerateInput is the body that gives a key another secret. It may be left
// out.
type RegenerateInput struct {
	OverlapSeconds int64 `json:"overlap_seconds,omitempty" doc:"How long the old secret works on; without it, it stops at once." minimum:"0" maximum:"2592000"`
}

// ExtendInput is the body that moves a key's expiry.
type ExtendInput struct {
	Days int64 `json:"days" doc:"From now, or from when it expires, whichever is later." minimum:"1" maximum:"3650"`
}

// RevokeInput is the body that ends a key for good. It may be left out.
type RevokeInput struct {
	Reason string `json:"reason,omitempty" doc:"For people; stays with the key." maxLength:"500"`
}

// KeyCreated is the answer that makes a key or gives it another secret: the only
// one with the secret.
type KeyCreated struct {
	APIKey    Key    `json:"api_key"`
	SecretKey string `json:"secret_key,omitempty" doc:"The key itself. It is shown once and cannot be shown again: it is missing when the call was a repetition with the same Idempotency-Key."`
}

// KeyList is one page of keys, newest first.
type KeyList struct {
	APIKeys []Key `json:"api_keys" nullable:"false"`
	Total   int   `json:"total" doc:"Keys that match, on all pages."`
	Page    int   `json:"page"`
	Size    int   `json:"size"`
}
