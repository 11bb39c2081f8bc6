package api

import "time"

// Credential is a provider's credential that a user or the organization has
// brought along. Its secrets are in no answer.
type Credential struct {
	ID                  string       `json:"id" doc:"cred_ and a time-ordered UUID." example:"cred_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c05"`
	UserID              *string      `json:"user_id" doc:"Whose it is; null is the organization's."`
	Provider            string       `json:"provider" enum:"openai,anthropic,google,cohere,huggingface,azure,custom" doc:"For whose requests it pays." example:"openai"`
	ProviderDisplayName string       `json:"provider_display_name" doc:"What people call the provider; may be empty." example:""`
	KeyName             string       `json:"key_name" doc:"For people; unique for an owner and provider." example:"mine"`
	KeyPrefix           string       `json:"key_prefix" doc:"The secret's beginning, to recognise it by; empty for a short one." example:"sk-proj-"`
	KeySuffix           string       `json:"key_suffix" doc:"The secret's end; empty for a short one." example:"x4Qd"`
	SecretID            string       `json:"secret_id" doc:"Another one whenever a secret, or where it is sent, changes." example:"sec_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c06"`
	Status              string       `json:"status" enum:"active,disabled" doc:"No request uses a disabled one." example:"active"`
	IsActive            bool         `json:"is_active" doc:"True when the status is active." example:"true"`
	IsDefault           bool         `json:"is_default" doc:"The one of its owner that pays for requests to its provider." example:"true"`
	Validation          Validation   `json:"validation" doc:"What the provider says of it."`
	CustomConfig        CustomConfig `json:"custom_config" doc:"Settings of the provider."`
	CountedLimits
	DailyLimit      *int64     `json:"daily_limit" doc:"The same as tokens_per_day."`
	MonthlyLimit    *int64     `json:"monthly_limit" doc:"The same as tokens_per_month."`
	UsageCount      int64      `json:"usage_count" doc:"Requests that it was used for, failed ones too." example:"1"`
	TotalTokensUsed int64      `json:"total_tokens_used" doc:"Input and output tokens of all of them." example:"250"`
	LastUsedAt      *time.Time `json:"last_used_at" doc:"When the latest of them was admitted; null is never." example:"2026-11-20T12:34:56.789Z"`
	CreatedAt       time.Time  `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt       time.Time  `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`
	Version         int64      `json:"version" doc:"Grows with each change; the ETag of the credential. A validation is no change." example:"1"`
}

// Validation is what the provider says of a credential.
type Validation struct {
	State           string     `json:"state" enum:"unknown,valid,invalid,unsupported,error" doc:"Of the latest answer. error: nothing was learned, and the verdict stays." example:"valid"`
	Verdict         string     `json:"verdict" enum:"unknown,valid,invalid,unsupported" doc:"Of the latest answer that decided." example:"valid"`
	IsValidated     bool       `json:"is_validated" doc:"True when the verdict is valid." example:"true"`
	Code            *string    `json:"code" enum:"rejected,forbidden,no_quota,rate_limited,timeout,unreachable,address_denied,provider_error,unexpected,not_offered,not_configured,unreadable" doc:"Why the state is not valid; null when it is, or unknown."`
	Message         *string    `json:"message" doc:"The code in words."`
	CheckedAt       *time.Time `json:"checked_at" doc:"When the provider was last asked; null is never." example:"2026-11-20T12:00:01Z"`
	LastValidatedAt *time.Time `json:"last_validated_at" doc:"When it last said yes; null is never." example:"2026-11-20T12:00:01Z"`
}

// CustomConfig is the settings of a provider. What it does not have is not there.
type CustomConfig struct {
	BaseURL      string            `json:"base_url,omitempty" doc:"azure and custom: where it is."`
	APIVersion   string            `json:"api_version,omitempty" doc:"azure: sent as api-version, where a request does not say one; one with a date not under /openai/v1, which has none."`
	Organization string            `json:"organization,omitempty" doc:"openai: whose account pays."`
	Project      string            `json:"project,omitempty" doc:"openai and google: whose account pays."`
	BillTo       string            `json:"bill_to,omitempty" doc:"huggingface: whose account pays."`
	Headers      map[string]string `json:"headers,omitempty" doc:"azure and custom: further headers. Their values are hidden."`
}

// CountedLimits are the limits that all have alike, but for budgets.
type CountedLimits struct {
	RateLimitPerMinute *int64 `json:"rate_limit_per_minute" doc:"Requests in any 60 seconds; null is no limit."`
	RateLimitPerHour   *int64 `json:"rate_limit_per_hour" doc:"Requests in any hour; null is no limit."`
	RateLimitPerDay    *int64 `json:"rate_limit_per_day" doc:"Requests in a calendar day; null is no limit."`
	TokensPerMinute    *int64 `json:"tokens_per_minute" doc:"Input and output tokens in any 60 seconds; null is no limit."`
	TokensPerDay       *int64 `json:"tokens_per_day" doc:"Tokens in a calendar day; null is no limit, 0 denies."`
	TokensPerMonth     *int64 `json:"tokens_per_month" doc:"Tokens in a calendar month; null is no limit, 0 denies."`
	ConcurrentLimit    *int64 `json:"concurrent_limit" doc:"Requests in flight; null is no limit."`
}

// CredentialInput is the body that makes or changes a credential; see KeyInput for
// what a field left out and null mean.
type CredentialInput struct {
	UserID              Optional[string]            `json:"user_id,omitzero" doc:"At creation only. Left out, it is one's own, or else the organization's; null is the organization's." maxLength:"200"`
	Provider            Optional[string]            `json:"provider,omitzero" doc:"At creation only." enum:"openai,anthropic,google,cohere,huggingface,azure,custom"`
	ProviderDisplayName Optional[string]            `json:"provider_display_name,omitzero" doc:"What people call the provider, at most 100 characters." maxLength:"100"`
	KeyName             Optional[string]            `json:"key_name,omitzero" doc:"1 to 255 characters; unique for an owner and provider." minLength:"1" maxLength:"255"`
	APIKey              Optional[string]            `json:"api_key,omitzero" doc:"The secret, 8 to 4096 visible characters. It is sealed, and in no answer." minLength:"8" maxLength:"4096"`
	IsActive            Optional[bool]              `json:"is_active,omitzero" doc:"False takes it out of use, true puts it back."`
	IsDefault           Optional[bool]              `json:"is_default,omitzero" doc:"True takes it from the one that is."`
	CustomConfig        Optional[CustomConfigInput] `json:"custom_config,omitzero" doc:"Settings of the provider, merged into those that there are; null takes all of them away."`
	RateLimitPerMinute  Optional[int64]             `json:"rate_limit_per_minute,omitzero" doc:"Requests in any 60 seconds; null is no limit." minimum:"1" maximum:"10000"`
	RateLimitPerHour    Optional[int64]             `json:"rate_limit_per_hour,omitzero" doc:"Requests in any hour; null is no limit." minimum:"1" maximum:"100000"`
	RateLimitPerDay     Optional[int64]             `json:"rate_limit_per_day,omitzero" doc:"Requests in a calendar day; null is no limit." minimum:"1" maximum:"1000000"`
	TokensPerMinute     Optional[int64]             `json:"tokens_per_minute,omitzero" doc:"Input and output tokens in any 60 seconds; null is no limit." minimum:"0" maximum:"9000000000000000"`
	TokensPerDay        Optional[int64]             `json:"tokens_per_day,omitzero" doc:"Tokens in a calendar day; null is no limit, 0 denies." minimum:"0" maximum:"9000000000000000"`
	TokensPerMonth      Optional[int64]             `json:"tokens_per_month,omitzero" doc:"Tokens in a calendar month; null is no limit, 0 denies." minimum:"0" maximum:"9000000000000000"`
	ConcurrentLimit     Optional[int64]             `json:"concurrent_limit,omitzero" doc:"Requests in flight; null is no limit." minimum:"0" maximum:"100000"`
	DailyLimit          Optional[int64]             `json:"daily_limit,omitzero" doc:"The same as tokens_per_day." minimum:"0" maximum:"9000000000000000"`
	MonthlyLimit        Optional[int64]             `json:"monthly_limit,omitzero" doc:"The same as tokens_per_month." minimum:"0" maximum:"9000000000000000"`
}

// CustomConfigInput is the settings that a body sets. Which of them there are
// depends on the provider.
type CustomConfigInput struct {
	BaseURL      Optional[string]             `json:"base_url,omitzero" doc:"azure and custom, which need one. It leads to public addresses over https, unless the operator allows others." maxLength:"2000"`
	APIVersion   Optional[string]             `json:"api_version,omitzero" doc:"azure: sent as api-version, where a request does not say one; one with a date not under /openai/v1, which has none." maxLength:"40"`
	Organization Optional[string]             `json:"organization,omitzero" doc:"openai: whose account pays." maxLength:"200"`
	Project      Optional[string]             `json:"project,omitzero" doc:"openai and google: whose account pays." maxLength:"200"`
	BillTo       Optional[string]             `json:"bill_to,omitzero" doc:"huggingface: whose account pays." maxLength:"200"`
	Headers      Optional[map[string]*string] `json:"headers,omitzero" doc:"azure and custom: further headers, 16 at most, merged into those that there are; null takes one away. Their values are secrets of 8 to 4096 characters: they are sealed, and in no answer."`
}

// CredentialList is one page of credentials: defaults first, then those that were
// used last, then by id.
type CredentialList struct {
	Credentials []Credential `json:"credentials" nullable:"false" doc:"The credentials of this page."`
	Total       int          `json:"total" doc:"Credentials that match, on all pages." example:"1"`
	Page        int          `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size        int          `json:"size" doc:"The most that a page holds." example:"10"`
}
