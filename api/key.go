package api

import "time"

// Key is a gateway key as everyone who may see it sees it. The secret is not
// part of it: it is in the answer of its creation and nowhere else.
type Key struct {
	ID                 string          `json:"id" doc:"key_ and a time-ordered UUID." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Name               string          `json:"name" doc:"For people; need not be unique." example:"ci"`
	Description        string          `json:"description" doc:"For people; may be empty." example:"for the build"`
	Tags               []string        `json:"tags" nullable:"false" doc:"Words to find keys by." example:"build,team-a"`
	Kind               string          `json:"kind" enum:"user,standalone,chatbot,service" doc:"user has an owner; service and standalone have none, and standalone counts in no quota; chatbot opens chatbots only." example:"service"`
	UserID             *string         `json:"user_id" doc:"The owner, or null."`
	KeyPrefix          string          `json:"key_prefix" doc:"The first 8 characters, to recognise the key by." example:"tg_8Kd3x"`
	Secrets            []KeySecret     `json:"secrets" nullable:"false" doc:"What opens this key, the newest first: one, or two while a replaced one still works."`
	Status             string          `json:"status" enum:"active,disabled,revoked,expired" doc:"The status in force now; an expired key says so."`
	IsActive           bool            `json:"is_active" doc:"False when disabled or revoked." example:"true"`
	DisabledBy         *string         `json:"disabled_by" doc:"Id of who disabled it; system is the clean-up; null is nobody, or not known."`
	RevokedAt          *time.Time      `json:"revoked_at" doc:"When it was revoked, which is for good; null is never."`
	RevokedBy          *string         `json:"revoked_by" doc:"Id of who revoked it; null is nobody."`
	RevokeReason       *string         `json:"revoke_reason" doc:"Why, as it was given; null is none."`
	ExpiresAt          *time.Time      `json:"expires_at" doc:"The key stops working at this instant; null is never." example:"2027-02-18T12:00:00Z"`
	AutoDeleteOnExpiry *bool           `json:"auto_delete_on_expiry" doc:"What the clean-up does: true deletes, false disables, null is the organization's default."`
	Scopes             []string        `json:"scopes" doc:"Kinds of routes that the key opens; null is all." example:"chat.completions,models.list"`
	Permissions        map[string]bool `json:"permissions" doc:"The application's own words; only true counts." example:"{\"read\":true}"`
	AllowedModels      []string        `json:"allowed_models" doc:"Model names or provider/name, * as wildcard; null is all." example:"gpt-4o*"`
	AllowedEndpoints   []string        `json:"allowed_endpoints" doc:"Paths, * as wildcard; null is all."`
	AllowedIPs         []string        `json:"allowed_ips" doc:"Addresses and CIDR ranges; null is all."`
	AllowedChatbots    []string        `json:"allowed_chatbots" doc:"Chatbot ids; null is all."`
	AllowedProviders   []string        `json:"allowed_providers" doc:"Provider slugs such as openai; null is all."`
	AllowedAPIFormats  []string        `json:"allowed_api_formats" doc:"openai, anthropic, gemini, cohere; null is all."`
	Limits
	Balance        *Balance   `json:"balance" doc:"Prepaid money; null when the key has no balance."`
	TotalRequests  int64      `json:"total_requests" doc:"Requests forwarded, failed ones too." example:"1"`
	TotalTokens    int64      `json:"total_tokens" doc:"Input and output tokens of all requests." example:"250"`
	TotalCostUSD   string     `json:"total_cost_usd" doc:"What all requests cost, in US dollars; exact." example:"0.000150001"`
	TotalCostCents int64      `json:"total_cost_cents" doc:"Rounded view of total_cost_usd, in US cents." example:"0"`
	CreatedAt      time.Time  `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt      time.Time  `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`
	LastUsedAt     *time.Time `json:"last_used_at" doc:"When its last request was admitted; null is never." example:"2026-11-20T12:34:56.789Z"`
	Version        int64      `json:"version" doc:"Grows with each change; the ETag of the key." example:"1"`
}

// KeySecret is one of the secrets of a key, without the secret.
type KeySecret struct {
	ID         string     `json:"id" doc:"sec_ and a time-ordered UUID." example:"sec_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c91"`
	Prefix     string     `json:"prefix" doc:"The first 8 characters, to recognise the secret by." example:"tg_8Kd3x"`
	CreatedAt  time.Time  `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	ExpiresAt  *time.Time `json:"expires_at" doc:"A replaced secret stops working at this instant; null is as long as the key works."`
	LastUsedAt *time.Time `json:"last_used_at" doc:"When it was last used, to within some seconds; null is never." example:"2026-11-20T12:34:56Z"`

	Recoverable bool `json:"recoverable" doc:"Whether it was kept sealed when it was made, and can be shown again; else only its hash is kept."`
}

// Balance is prepaid money: available = granted - spent - held.
type Balance struct {
	GrantedUSD   string `json:"granted_usd" doc:"What was put in, less what was taken out." example:"20.00"`
	SpentUSD     string `json:"spent_usd" doc:"What requests have cost since it was opened." example:"3.20"`
	HeldUSD      string `json:"held_usd" doc:"For requests in flight." example:"0.05"`
	AvailableUSD string `json:"available_usd" doc:"What may still be spent." example:"16.75"`
}

// KeyInput is the body that creates or changes a key. A field left out keeps its
// value (on a change) or takes its default (on creation and replacement: 60 a
// minute, 3,600 an hour, 86,400 a day, everything else unrestricted); null lifts
// a restriction.
type KeyInput struct {
	Name               Optional[string]          `json:"name,omitzero" doc:"For people, 1 to 100 characters; need not be unique. Required at creation, but with the preset standalone." minLength:"1" maxLength:"100" nullable:"false"`
	Description        Optional[string]          `json:"description,omitzero" doc:"For people, at most 500 characters; null is none." maxLength:"500"`
	Tags               Optional[[]string]        `json:"tags,omitzero" doc:"Words to find keys by, each of 1 to 50 characters, 1,000 at most; null is none." maxItems:"1000"`
	Preset             Optional[string]          `json:"preset,omitzero" enum:"default,restricted,chatbot,standalone" doc:"What the fields left out start from; at creation only. GET /presets says what that is." nullable:"false"`
	Kind               Optional[string]          `json:"kind,omitzero" enum:"user,standalone,chatbot,service" doc:"At creation only; without it, user with an owner and else service." nullable:"false"`
	UserID             Optional[string]          `json:"user_id,omitzero" doc:"The owner; at creation only. Without it, one's own user; null is nobody." maxLength:"200"`
	IsActive           Optional[bool]            `json:"is_active,omitzero" doc:"False disables the key, true enables it again." nullable:"false"`
	ExpiresAt          Optional[time.Time]       `json:"expires_at,omitzero" doc:"In the future; null is never."`
	AutoDeleteOnExpiry Optional[bool]            `json:"auto_delete_on_expiry,omitzero" doc:"What the clean-up does once the key has expired: true deletes it, false disables it, null is the organization's default."`
	Scopes             Optional[[]string]        `json:"scopes,omitzero" doc:"Kinds of routes that the key opens; null is all." enum:"chat.completions,embeddings.create,models.list,moderations.create,images.generate,audio.speech,audio.transcriptions,rerank.create,tokens.count,realtime,provider.passthrough,chatbot.chat,usage.read" maxItems:"1000"`
	Permissions        Optional[map[string]bool] `json:"permissions,omitzero" doc:"The application's own words, asked through the gate and judged by the application; only true counts. Merged word by word, null takes a word out."`
	AllowedModels      Optional[[]string]        `json:"allowed_models,omitzero" doc:"Model names or provider/name, * as wildcard; null is all. An empty list is null at creation, and refused on a change." maxItems:"1000"`
	AllowedEndpoints   Optional[[]string]        `json:"allowed_endpoints,omitzero" doc:"Paths, * as wildcard; null is all." maxItems:"1000"`
	AllowedIPs         Optional[[]string]        `json:"allowed_ips,omitzero" doc:"Addresses and CIDR ranges; null is all." maxItems:"1000"`
	AllowedChatbots    Optional[[]string]        `json:"allowed_chatbots,omitzero" doc:"Chatbot ids; null is all." maxItems:"1000"`
	AllowedProviders   Optional[[]string]        `json:"allowed_providers,omitzero" doc:"Provider slugs such as openai; null is all." maxItems:"1000"`
	AllowedAPIFormats  Optional[[]string]        `json:"allowed_api_formats,omitzero" doc:"API formats; null is all." enum:"openai,anthropic,gemini,cohere" maxItems:"1000"`
	RateLimitPerMinute Optional[int64]           `json:"rate_limit_per_minute,omitzero" minimum:"1" maximum:"10000" doc:"Requests in any 60 seconds; null is no limit."`
	RateLimitPerHour   Optional[int64]           `json:"rate_limit_per_hour,omitzero" minimum:"1" maximum:"100000" doc:"Requests in any hour; null is no limit."`
	RateLimitPerDay    Optional[int64]           `json:"rate_limit_per_day,omitzero" minimum:"1" maximum:"1000000" doc:"Requests in a calendar day; null is no limit."`
	TokensPerMinute    Optional[int64]           `json:"tokens_per_minute,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in any 60 seconds; null is no limit, 0 denies."`
	TokensPerDay       Optional[int64]           `json:"tokens_per_day,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in a calendar day; null is no limit, 0 denies."`
	TokensPerMonth     Optional[int64]           `json:"tokens_per_month,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in a calendar month; null is no limit, 0 denies."`
	ConcurrentLimit    Optional[int64]           `json:"concurrent_limit,omitzero" minimum:"0" maximum:"100000" doc:"Requests in flight; null is no limit, 0 denies."`
	IsUnlimited        Optional[bool]            `json:"is_unlimited,omitzero" nullable:"false" doc:"Follows from the budget and need not be sent; a contradiction is refused."`
	BudgetLimitCents   Optional[int64]           `json:"budget_limit_cents,omitzero" minimum:"0" maximum:"900000000000" doc:"What may be spent in a budget period, in US cents; null is no limit, 0 denies."`
	BudgetType         Optional[string]          `json:"budget_type,omitzero" enum:"total,daily,weekly,monthly" doc:"The period of the budget; total when left out. Needs a budget."`
	BudgetMode         Optional[string]          `json:"budget_mode,omitzero" enum:"hard,soft" doc:"hard is never passed; soft may be passed by what is in flight. Needs a budget; hard when left out."`
	InitialBalanceUSD  Optional[string]          `json:"initial_balance_usd,omitzero" doc:"Prepaid money that the key begins with, as text; null is no balance, which does not limit. At creation only." pattern:"^[0-9]+([.][0-9]+)?$" maxLength:"40"`
}

// RegenerateInput is the body that gives a key another secret. It may be left
// out.
type RegenerateInput struct {
	OverlapSeconds int64 `json:"overlap_seconds,omitempty" doc:"How long the old secret works on, in seconds, 30 days at most; without it, or null, it stops at once." nullable:"true" example:"3600" minimum:"0" maximum:"2592000"`
}

// ExtendInput is the body that moves a key's expiry.
type ExtendInput struct {
	Days int64 `json:"days" doc:"How many days, from now or from when it expires, whichever is later." example:"90" minimum:"1" maximum:"3650"`
}

// RevokeInput is the body that ends a key for good. It may be left out.
type RevokeInput struct {
	Reason string `json:"reason,omitempty" doc:"Why, for people, at most 500 characters; stays with the key." nullable:"true" maxLength:"500" example:"was in a public repository"`
}

// RevealInput is the body that asks for a secret again.
type RevealInput struct {
	Reason string `json:"reason" doc:"Why the secret must be seen, 1 to 500 characters; the audit keeps it." minLength:"1" maxLength:"500" example:"the vault of the build was lost"`
}

// KeyCreated is the answer that makes a key or gives it another secret: the only
// one with the secret.
type KeyCreated struct {
	APIKey    Key    `json:"api_key" doc:"What was made or changed."`
	SecretKey string `json:"secret_key,omitempty" doc:"The key itself. It is shown once and cannot be shown again: it is missing when the call was a repetition with the same Idempotency-Key." example:"tg_8Kd3xW9vQmZ5rTn2LyB7cFh4PsJ1gXa6Ue0oYk"`
}

// KeyList is one page of keys, newest first.
type KeyList struct {
	APIKeys []Key `json:"api_keys" nullable:"false" doc:"The keys of this page."`
	Total   int   `json:"total" doc:"Keys that match, on all pages." example:"1"`
	Page    int   `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size    int   `json:"size" doc:"The most that a page holds." example:"10"`
}
