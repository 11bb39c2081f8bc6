package api

import "time"

// Chatbot is a model with instructions, under an address of its own. What it lays
// down counts for every request to it, whatever the request says.
type Chatbot struct {
	ID              string   `json:"id" doc:"bot_ and a time-ordered UUID." example:"bot_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c40"`
	Name            string   `json:"name" doc:"For people, also those who talk to it." example:"Support"`
	Slug            string   `json:"slug" doc:"Its address: /chatbots/{slug}/v1. No other chatbot has it." example:"support"`
	UserID          *string  `json:"user_id" doc:"The owner; null is the organization."`
	Provider        *string  `json:"provider" doc:"Slug of the provider; null is the one that has the model." example:"openai"`
	Model           string   `json:"model" doc:"A name, an alias, or provider/name." example:"gpt-4o-mini"`
	SystemPrompt    string   `json:"system_prompt" doc:"What the model is told before all messages; empty is nothing." example:"You help with orders. Be brief."`
	Temperature     *float64 `json:"temperature" doc:"Replaces the caller's; null leaves it to the caller." example:"0.3"`
	MaxTokens       *int64   `json:"max_tokens" doc:"The longest answer; callers may ask for less. Null is as long as the model's." example:"500"`
	Greeting        string   `json:"greeting" doc:"For front ends to show; empty is none." example:"How can I help?"`
	AllowedOrigins  []string `json:"allowed_origins" nullable:"false" doc:"Pages that may use it from a browser, by their origin; * is every one. Without any, no page of another site may." example:"https://www.example.com"`
	AccessMode      string   `json:"access_mode" enum:"key_required,public,disabled,auto" doc:"key_required wants a key with a grant; public lets in callers without a key as well; disabled lets nobody in; auto is public until the first grant, and then key_required for good."`
	KeyRequired     bool     `json:"key_required" doc:"Whether a caller needs a key now." example:"true"`
	HasActiveAPIKey bool     `json:"has_active_api_key" doc:"Whether some key opens it now: one with a live grant that works and whose owner is active." example:"true"`
	Status          string   `json:"status" enum:"active,disabled" doc:"A disabled chatbot lets nobody in."`
	IsActive        bool     `json:"is_active" doc:"True when the status is active." example:"true"`
	DisabledBy      *string  `json:"disabled_by" doc:"Id of who disabled it; null is nobody."`

	FirstGrantAt *time.Time `json:"first_grant_at" doc:"When a key was first let in; null is never. From then on the mode auto wants a key." example:"2026-11-20T12:00:00Z"`
	Limits
	AnonymousRateLimitPerMinute *int64    `json:"anonymous_rate_limit_per_minute" doc:"Requests in any 60 seconds from one address without a key; null is no limit." example:"20"`
	AnonymousRateLimitPerHour   *int64    `json:"anonymous_rate_limit_per_hour" doc:"The same in any hour." example:"200"`
	AnonymousRateLimitPerDay    *int64    `json:"anonymous_rate_limit_per_day" doc:"The same in a calendar day." example:"1000"`
	AnonymousTokensPerDay       *int64    `json:"anonymous_tokens_per_day" doc:"Tokens of one address without a key in a calendar day; null is no limit."`
	AnonymousConcurrentLimit    *int64    `json:"anonymous_concurrent_limit" doc:"Requests in flight from one address without a key; null is no limit." example:"5"`
	TotalRequests               int64     `json:"total_requests" doc:"Requests forwarded, failed ones too." example:"1"`
	TotalTokens                 int64     `json:"total_tokens" doc:"Input and output tokens of all requests." example:"250"`
	TotalCostUSD                string    `json:"total_cost_usd" doc:"What all requests cost, in US dollars; exact." example:"0.000150001"`
	TotalCostCents              int64     `json:"total_cost_cents" doc:"Rounded view of total_cost_usd, in US cents." example:"0"`
	CreatedAt                   time.Time `json:"created_at" doc:"When it was made." example:"2026-11-20T12:00:00Z"`
	UpdatedAt                   time.Time `json:"updated_at" doc:"When it was last changed." example:"2026-11-20T12:00:00Z"`

	LastUsedAt *time.Time `json:"last_used_at" doc:"When its last request was admitted; null is never." example:"2026-11-20T12:34:56.789Z"`
	Version    int64      `json:"version" doc:"Grows with each change; the ETag of the chatbot." example:"1"`
}

// ChatbotFront is what GET /chatbots/{slug} tells whoever asks: what a front end
// needs, and nothing else.
type ChatbotFront struct {
	Name        string `json:"name"`         // as a heading
	Greeting    string `json:"greeting"`     // to show first; "" = none
	KeyRequired bool   `json:"key_required"` // whether a caller needs a key now
}

// ChatbotList is one page of chatbots, newest first.
type ChatbotList struct {
	Chatbots []Chatbot `json:"chatbots" nullable:"false" doc:"The chatbots of this page, newest first."`
	Total    int       `json:"total" doc:"Chatbots that match, on all pages." example:"1"`
	Page     int       `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size     int       `json:"size" doc:"The most that a page holds." example:"10"`
}

// ChatbotInput is the body that creates or changes a chatbot; see KeyInput for what
// a field left out and null mean.
type ChatbotInput struct {
	Name           Optional[string]   `json:"name,omitzero" doc:"For people, 1 to 100 characters; needed at creation." minLength:"1" maxLength:"100" nullable:"false"`
	Slug           Optional[string]   `json:"slug,omitzero" doc:"Its address: words of small letters and digits with single hyphens between them. Left out at creation, it follows from the name." minLength:"1" maxLength:"63" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" nullable:"false"`
	UserID         Optional[string]   `json:"user_id,omitzero" doc:"The owner; left out at creation, the user acted for. Null is the organization." maxLength:"200"`
	Provider       Optional[string]   `json:"provider,omitzero" doc:"Slug of the provider; null is the one that has the model." maxLength:"100"`
	Model          Optional[string]   `json:"model,omitzero" doc:"A name, an alias, or provider/name; needed at creation." minLength:"1" maxLength:"200" nullable:"false"`
	SystemPrompt   Optional[string]   `json:"system_prompt,omitzero" doc:"What the model is told before all messages, at most 32,000 characters. With it, messages of the roles system and developer are refused; null is none." maxLength:"32000"`
	Temperature    Optional[float64]  `json:"temperature,omitzero" doc:"Replaces the caller's; null leaves it to the caller." minimum:"0" maximum:"2"`
	MaxTokens      Optional[int64]    `json:"max_tokens,omitzero" doc:"The longest answer; callers may ask for less. Null is as long as the model's." minimum:"1" maximum:"1000000000"`
	Greeting       Optional[string]   `json:"greeting,omitzero" doc:"For front ends to show, at most 2,000 characters; null is none." maxLength:"2000"`
	AllowedOrigins Optional[[]string] `json:"allowed_origins,omitzero" doc:"Pages that may use it from a browser, by their origin, such as https://www.example.com; * is every one; null is none." maxItems:"1000"`
	AccessMode     Optional[string]   `json:"access_mode,omitzero" enum:"key_required,public,disabled,auto" doc:"Who is let in; key_required when left out at creation. public and auto need the permission platform:chatbots:manage." nullable:"false"`
	IsActive       Optional[bool]     `json:"is_active,omitzero" doc:"False lets nobody in." nullable:"false"`
	LimitsInput
	AnonymousRateLimitPerMinute Optional[int64] `json:"anonymous_rate_limit_per_minute,omitzero" minimum:"1" maximum:"10000" doc:"Requests in any 60 seconds from one address (an IPv4 address, or an IPv6 network of 64 bits) without a key; 20 when left out at creation, null is no limit."`
	AnonymousRateLimitPerHour   Optional[int64] `json:"anonymous_rate_limit_per_hour,omitzero" minimum:"1" maximum:"100000" doc:"The same in any hour; 200 when left out at creation."`
	AnonymousRateLimitPerDay    Optional[int64] `json:"anonymous_rate_limit_per_day,omitzero" minimum:"1" maximum:"1000000" doc:"The same in a calendar day; 1,000 when left out at creation. These figures are kept in memory: a restart forgets them, unlike the chatbot's own limits."`
	AnonymousTokensPerDay       Optional[int64] `json:"anonymous_tokens_per_day,omitzero" minimum:"0" maximum:"9000000000000000" doc:"Tokens of one address without a key in a calendar day; null is no limit, 0 denies."`
	AnonymousConcurrentLimit    Optional[int64] `json:"anonymous_concurrent_limit,omitzero" minimum:"0" maximum:"100000" doc:"Requests in flight from one address without a key; 5 when left out at creation, null is no limit, 0 denies."`
}

// ChatbotGrant is that a key opens a chatbot, or did. There is one at most for a
// key and a chatbot.
type ChatbotGrant struct {
	ChatbotID string     `json:"chatbot_id" doc:"Id of the chatbot." example:"bot_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c40"`
	KeyID     string     `json:"key_id" doc:"Id of the key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	KeyName   *string    `json:"key_name" doc:"The key's name; null when the key was purged." example:"web"`
	KeyPrefix *string    `json:"key_prefix" doc:"The first 8 characters of the key; null when it was purged." example:"tg_8Kd3x"`
	Status    string     `json:"status" enum:"active,revoked,expired,key_deleted,key_revoked,key_disabled,key_expired,owner_inactive" doc:"What the grant is worth now: active, or why it opens nothing. revoked and expired are the grant's own."`
	CreatedAt time.Time  `json:"created_at" doc:"When it was given; anew when it was given again." example:"2026-11-20T12:00:00Z"`
	CreatedBy string     `json:"created_by" doc:"Id of who gave it." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c02"`
	ExpiresAt *time.Time `json:"expires_at" doc:"It opens nothing from this instant on; null is never." example:"2027-02-18T12:00:00Z"`
	RevokedAt *time.Time `json:"revoked_at" doc:"When it was revoked; null is not."`
	RevokedBy *string    `json:"revoked_by" doc:"Id of who revoked it; null is nobody."`
}

// ChatbotGrantList is one page of the grants of a chatbot, newest first, revoked
// ones too.
type ChatbotGrantList struct {
	Keys  []ChatbotGrant `json:"keys" nullable:"false" doc:"The grants of this page, newest first."`
	Total int            `json:"total" doc:"Grants that the chatbot ever had." example:"1"`
	Page  int            `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size  int            `json:"size" doc:"The most that a page holds." example:"10"`
}

// ChatbotGrantInput is the body that lets a key open a chatbot, or changes when
// that ends.
type ChatbotGrantInput struct {
	KeyID     Optional[string]    `json:"key_id,omitzero" doc:"Id of the key; needed when a grant is given, and not changed later." minLength:"1" maxLength:"200" nullable:"false"`
	ExpiresAt Optional[time.Time] `json:"expires_at,omitzero" doc:"In the future; null is never."`
}
