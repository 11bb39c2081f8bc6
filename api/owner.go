package api

import "time"

// Limits are the allowances that keys, users and the organization have alike. A
// request must fit on the limits of all three.
type Limits struct {
	RateLimitPerMinute *int64  `json:"rate_limit_per_minute" doc:"Requests in any 60 seconds; null is no limit."`
	RateLimitPerHour   *int64  `json:"rate_limit_per_hour" doc:"Requests in any hour; null is no limit."`
	RateLimitPerDay    *int64  `json:"rate_limit_per_day" doc:"Requests in a calendar day; null is no limit."`
	TokensPerMinute    *int64  `json:"tokens_per_minute" doc:"Input and output tokens in any 60 seconds; null is no limit."`
	TokensPerDay       *int64  `json:"tokens_per_day" doc:"Tokens in a calendar day; null is no limit."`
	TokensPerMonth     *int64  `json:"tokens_per_month" doc:"Tokens in a calendar month; null is no limit."`
	ConcurrentLimit    *int64  `json:"concurrent_limit" doc:"Requests in flight; null is no limit."`
	IsUnlimited        bool    `json:"is_unlimited" doc:"True when there is no budget."`
	BudgetLimitCents   *int64  `json:"budget_limit_cents" doc:"What may be spent in a budget period; null is no limit, 0 denies."`
	BudgetType         *string `json:"budget_type" enum:"total,daily,weekly,monthly" doc:"The budget's period; null without a budget."`
	BudgetMode         *string `json:"budget_mode" enum:"hard,soft" doc:"hard is never passed; soft may be passed by what is in flight; null without a budget."`
}

// User is a person of the organization. Disabling one stops all of their keys.
type User struct {
	ID       string `json:"id" doc:"user_ and a time-ordered UUID."`
	Email    string `json:"email" doc:"Lower case; unique in the organization."`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Status   string `json:"status" enum:"active,disabled"`
	IsActive bool   `json:"is_active"`
	Limits
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int64     `json:"version" doc:"Grows with each change; the ETag of the user."`
}

// UserList is one page of users, newest first.
type UserList struct {
	Users []User `json:"users" nullable:"false"`
	Total int    `json:"total" doc:"Users that match, on all pages."`
	Page  int    `json:"page"`
	Size  int    `json:"size"`
}

// UserInput is the body that creates or changes a user; see KeyInput for what a
// field left out and null mean.
type UserInput struct {
	Email    Optional[string] `json:"email,omitzero"`
	Name     Optional[string] `json:"name,omitzero"`
	Role     Optional[string] `json:"role,omitzero"`
	IsActive Optional[bool]   `json:"is_active,omitzero" doc:"False stops all of the user's keys."`
	LimitsInput
}

// Organization is who runs the installation.
type Organization struct {
	ID       string `json:"id" doc:"org_ and a time-ordered UUID."`
	Name     string `json:"name"`
	Timezone string `json:"timezone" doc:"Days, weeks and months begin in it." example:"Europe/Vienna"`
	Status   string `json:"status" enum:"active,disabled"`
	IsActive bool   `json:"is_active"`

	MaxKeysPerUser *int64 `json:"max_keys_per_user" doc:"Keys that a user may have; null is any number."`
	ExpiredKeys    string `json:"expired_keys" enum:"disable,delete" doc:"What the clean-up does with expired keys that do not say it themselves."`
	Limits
	DefaultPrice *DefaultPrice `json:"default_price" doc:"What a model without a price is charged at; null refuses such models under a budget."`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	Version      int64         `json:"version" doc:"Grows with each change; the ETag of the organization."`
}

// DefaultPrice is what a model without a price of its own is charged at, in US
// dollars as decimal text.
type DefaultPrice struct {
	InputUSDPerMillion  string `json:"input_usd_per_million" doc:"For a million input tokens." example:"1.50"`
	OutputUSDPerMillion string `json:"output_usd_per_million" doc:"For a million output tokens." example:"6.00"`
}

// OrganizationInput is the body that changes the organization.
type OrganizationInput struct {
	Name     Optional[string] `json:"name,omitzero"`
	Timezone Optional[string] `json:"timezone,omitzero" doc:"IANA name."`
	IsActive Optional[bool]   `json:"is_active,omitzero" doc:"False stops every key of the organization."`
	LimitsInput
	MaxKeysPerUser Optional[int64]        `json:"max_keys_per_user,omitzero" minimum:"0" maximum:"1000000"`
	ExpiredKeys    Optional[string]       `json:"expired_keys,omitzero" enum:"disable,delete"`
	DefaultPrice   Optional[DefaultPrice] `json:"default_price,omitzero"`
}

// LimitsInput is the settable limits of a user or of the organization.
type LimitsInput struct {
	RateLimitPerMinute Optional[int64]  `json:"rate_limit_per_minute,omitzero" minimum:"1" maximum:"10000"`
	RateLimitPerHour   Optional[int64]  `json:"rate_limit_per_hour,omitzero" minimum:"1" maximum:"100000"`
	RateLimitPerDay    Optional[int64]  `json:"rate_limit_per_day,omitzero" minimum:"1" maximum:"1000000"`
	TokensPerMinute    Optional[int64]  `json:"tokens_per_minute,omitzero" minimum:"0"`
	TokensPerDay       Optional[int64]  `json:"tokens_per_day,omitzero" minimum:"0"`
	TokensPerMonth     Optional[int64]  `json:"tokens_per_month,omitzero" minimum:"0"`
	ConcurrentLimit    Optional[int64]  `json:"concurrent_limit,omitzero" minimum:"0" maximum:"100000"`
	IsUnlimited        Optional[bool]   `json:"is_unlimited,omitzero"`
	BudgetLimitCents   Optional[int64]  `json:"budget_limit_cents,omitzero" minimum:"0"`
	BudgetType         Optional[string] `json:"budget_type,omitzero" enum:"total,daily,weekly,monthly"`
	BudgetMode         Optional[string] `json:"budget_mode,omitzero" enum:"hard,soft"`
}
