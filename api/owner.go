package api

import "time"

// Limits are the allowances that keys, users and the organization have alike. A
// request must fit on the limits of all three.
type Limits struct {
	RateLimitPerMinute *int64  `json:"rate_limit_per_minute" doc:"Requests in any 60 seconds; null is no limit." example:"60"`
	RateLimitPerHour   *int64  `json:"rate_limit_per_hour" doc:"Requests in any hour; null is no limit." example:"3600"`
	RateLimitPerDay    *int64  `json:"rate_limit_per_day" doc:"Requests in a calendar day; null is no limit." example:"86400"`
	TokensPerMinute    *int64  `json:"tokens_per_minute" doc:"Input and output tokens in any 60 seconds; null is no limit."`
	TokensPerDay       *int64  `json:"tokens_per_day" doc:"Tokens in a calendar day; null is no limit."`
	TokensPerMonth     *int64  `json:"tokens_per_month" doc:"Tokens in a calendar month; null is no limit."`
	ConcurrentLimit    *int64  `json:"concurrent_limit" doc:"Requests in flight; null is no limit."`
	IsUnlimited        bool    `json:"is_unlimited" doc:"True when there is no budget." example:"false"`
	BudgetLimitCents   *int64  `json:"budget_limit_cents" doc:"What may be spent in a budget period, in US cents; null is no limit, 0 denies." example:"500"`
	BudgetType         *string `json:"budget_type" enum:"total,daily,weekly,monthly" doc:"The budget's period; null without a budget." example:"monthly"`
	BudgetMode         *string `json:"budget_mode" enum:"hard,soft" doc:"hard is never passed; soft may be passed by what is in flight; null without a budget." example:"hard"`
}

// User is a person of the organization. Disabling one stops all of their keys.
type User struct {
	ID       string `json:"id" doc:"user_ and a time-ordered UUID." example:"user_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c04"`
	Email    string `json:"email" doc:"Lower case; unique in the organization." example:"ada@example.com"`
	Name     string `json:"name" doc:"For people; may be empty." example:"Ada"`
	Role     string `json:"role" enum:"owner,admin,auditor,developer,user" doc:"What the user may do; GET /roles says what that is." example:"developer"`
	Status   string `json:"status" enum:"active,disabled" doc:"No key of a disabled user works."`
	IsActive bool   `json:"is_active" doc:"True when the status is active." example:"true"`
	Limits
	CreatedAt time.Time `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt time.Time `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`
	Version   int64     `json:"version" doc:"Grows with each change; the ETag of the user." example:"1"`
}

// UserList is one page of users, newest first.
type UserList struct {
	Users []User `json:"users" nullable:"false" doc:"The users of this page."`
	Total int    `json:"total" doc:"Users that match, on all pages." example:"1"`
	Page  int    `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size  int    `json:"size" doc:"The most that a page holds." example:"10"`
}

// UserInput is the body that creates or changes a user; see KeyInput for what a
// field left out and null mean.
type UserInput struct {
	Email    Optional[string] `json:"email,omitzero" doc:"An address, stored in lower case; unique in the organization. Required at creation." minLength:"3" maxLength:"254" nullable:"false"`
	Name     Optional[string] `json:"name,omitzero" doc:"For people, at most 100 characters; null is none." maxLength:"100"`
	Role     Optional[string] `json:"role,omitzero" enum:"owner,admin,auditor,developer,user" doc:"What the user may do, and no more than one may oneself; user when left out at creation." nullable:"false"`
	IsActive Optional[bool]   `json:"is_active,omitzero" doc:"False stops all of the user's keys." nullable:"false"`
	LimitsInput
}

// Organization is who runs the installation.
type Organization struct {
	ID       string `json:"id" doc:"org_ and a time-ordered UUID." example:"org_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c01"`
	Name     string `json:"name" doc:"For people." example:"Example"`
	Timezone string `json:"timezone" doc:"Days, weeks and months begin in it." example:"Europe/Vienna"`
	Status   string `json:"status" enum:"active,disabled" doc:"No key of a disabled organization works."`
	IsActive bool   `json:"is_active" doc:"True when the status is active." example:"true"`

	MaxKeysPerUser     *int64 `json:"max_keys_per_user" doc:"Keys that a user may have; null is any number." example:"20"`
	ExpiredKeys        string `json:"expired_keys" enum:"disable,delete" doc:"What the clean-up does with expired keys that do not say it themselves."`
	AllowKeyInQuery    bool   `json:"allow_key_in_query" doc:"True takes a key from the query (?key=) of requests in Google's format. Queries end up in the logs of whatever stands before this server." example:"false"`
	CredentialFallback bool   `json:"credential_fallback" doc:"True lets the next credential pay for a request when the provider refuses the first: the organization's own, then the platform's." example:"false"`
	Recoverable        bool   `json:"recoverable" doc:"Whether the secrets of keys that are made from now on are kept sealed as well, so that they can be shown again. Otherwise only their hashes are kept."`
	Limits
	DefaultPrice *DefaultPrice `json:"default_price" doc:"What a model without a price is charged at; null refuses such models under a budget."`
	CreatedAt    time.Time     `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt    time.Time     `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`
	Version      int64         `json:"version" doc:"Grows with each change; the ETag of the organization." example:"1"`
}

// DefaultPrice is what a model without a price of its own is charged at, in US
// dollars as decimal text.
type DefaultPrice struct {
	InputUSDPerMillion  string `json:"input_usd_per_million" doc:"For a million input tokens." example:"1.50"`
	OutputUSDPerMillion string `json:"output_usd_per_million" doc:"For a million output tokens." example:"6.00"`
}

// OrganizationInput is the body that changes the organization.
type OrganizationInput struct {
	Name     Optional[string] `json:"name,omitzero" doc:"For people, 1 to 100 characters." minLength:"1" maxLength:"100" nullable:"false"`
	Timezone Optional[string] `json:"timezone,omitzero" doc:"IANA name of the zone in which days, weeks and months begin." maxLength:"100" nullable:"false"`
	IsActive Optional[bool]   `json:"is_active,omitzero" doc:"False stops every key of the organization." nullable:"false"`
	LimitsInput
	MaxKeysPerUser     Optional[int64]        `json:"max_keys_per_user,omitzero" minimum:"0" maximum:"1000000" doc:"Keys that a user may have; null is any number."`
	ExpiredKeys        Optional[string]       `json:"expired_keys,omitzero" enum:"disable,delete" doc:"What the clean-up does with expired keys that do not say it themselves." nullable:"false"`
	AllowKeyInQuery    Optional[bool]         `json:"allow_key_in_query,omitzero" doc:"True takes a key from the query (?key=) of requests in Google's format." nullable:"false"`
	CredentialFallback Optional[bool]         `json:"credential_fallback,omitzero" doc:"True lets the next credential pay for a request when the provider refuses the first."`
	DefaultPrice       Optional[DefaultPrice] `json:"default_price,omitzero" doc:"What a model without a price is charged at; null refuses such models under a budget."`
	Recoverable        Optional[bool]         `json:"recoverable,omitzero" doc:"True keeps the secrets of keys that are made from now on sealed, so that they can be shown again; false takes away all that are kept." nullable:"false"`
}

// LimitsInput is the settable limits of a user or of the organization.
type LimitsInput struct {
	RateLimitPerMinute Optional[int64]  `json:"rate_limit_per_minute,omitzero" minimum:"1" maximum:"10000" doc:"Requests in any 60 seconds; null is no limit."`
	RateLimitPerHour   Optional[int64]  `json:"rate_limit_per_hour,omitzero" minimum:"1" maximum:"100000" doc:"Requests in any hour; null is no limit."`
	RateLimitPerDay    Optional[int64]  `json:"rate_limit_per_day,omitzero" minimum:"1" maximum:"1000000" doc:"Requests in a calendar day; null is no limit."`
	TokensPerMinute    Optional[int64]  `json:"tokens_per_minute,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in any 60 seconds; null is no limit, 0 denies."`
	TokensPerDay       Optional[int64]  `json:"tokens_per_day,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in a calendar day; null is no limit, 0 denies."`
	TokensPerMonth     Optional[int64]  `json:"tokens_per_month,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens in a calendar month; null is no limit, 0 denies."`
	ConcurrentLimit    Optional[int64]  `json:"concurrent_limit,omitzero" minimum:"0" maximum:"100000" doc:"Requests in flight; null is no limit, 0 denies."`
	IsUnlimited        Optional[bool]   `json:"is_unlimited,omitzero" nullable:"false" doc:"Follows from the budget and need not be sent; a contradiction is refused."`
	BudgetLimitCents   Optional[int64]  `json:"budget_limit_cents,omitzero" minimum:"0" maximum:"900000000000" doc:"What may be spent in a budget period, in US cents; null is no limit, 0 denies."`
	BudgetType         Optional[string] `json:"budget_type,omitzero" enum:"total,daily,weekly,monthly" doc:"The period of the budget; total when left out. Needs a budget."`
	BudgetMode         Optional[string] `json:"budget_mode,omitzero" enum:"hard,soft" doc:"hard is never passed; soft may be passed by what is in flight. Needs a budget; hard when left out."`
}
