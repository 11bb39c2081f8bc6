package api

import "time"

// KeyUsage is what one key used: ever, since midnight, and since the full hour,
// both in the organization's time zone.
type KeyUsage struct {
	KeyID      string     `json:"key_id" doc:"Id of the key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Totals     UsageSum   `json:"totals" doc:"Since the key was made."`
	Today      UsageSum   `json:"today" doc:"Since midnight in the organization's time zone."`
	ThisHour   UsageSum   `json:"this_hour" doc:"Since the last full hour."`
	LastUsedAt *time.Time `json:"last_used_at" doc:"When its last request was admitted; null is never." example:"2026-11-20T12:34:56.789Z"`
}

// UsageSum adds up entries of the ledger.
type UsageSum struct {
	Requests  int64  `json:"requests" doc:"Requests forwarded, failed ones too." example:"1"`
	Tokens    int64  `json:"tokens" doc:"Input and output tokens." example:"250"`
	CostUSD   string `json:"cost_usd" doc:"What they cost, in US dollars; exact." example:"0.000150001"`
	CostCents int64  `json:"cost_cents" doc:"Rounded view of cost_usd, in US cents." example:"0"`
}

// UsageRow is one entry of the ledger: one request that was forwarded.
type UsageRow struct {
	RequestID         string    `json:"request_id" doc:"The X-Request-Id of its answer." example:"req_01a1fa3bbe6a7af29eb729e608e6d0a2"`
	UpstreamRequestID string    `json:"upstream_request_id" doc:"The provider's own id; empty when it gave none." example:"req_7d1f0c2e"`
	At                time.Time `json:"at" doc:"When the request was admitted." example:"2026-11-20T12:34:56.789Z"`
	DurationMS        int64     `json:"duration_ms" doc:"From admission to the end of the answer, in milliseconds." example:"840"`
	KeyID             string    `json:"key_id" doc:"The key that was used." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	KeyName           string    `json:"key_name" doc:"Name of the key, as it was at the time." example:"ci"`
	UserID            *string   `json:"user_id" doc:"Owner of the key; null is nobody."`
	ChatbotID         *string   `json:"chatbot_id" doc:"The chatbot that was asked; null is none."`
	CredentialID      *string   `json:"credential_id" doc:"The provider's credential that was used; null is the configured one."`
	Provider          string    `json:"provider" doc:"Slug of the provider; of what was imported, the system that the key came from." example:"openai"`
	Model             string    `json:"model" doc:"The model, as the provider was asked for it." example:"gpt-4o-mini"`
	APIFormat         string    `json:"api_format" doc:"The format that the caller spoke." example:"openai"`
	Endpoint          string    `json:"endpoint" doc:"The path that was called; import of what a key had used before it came here." example:"/v1/chat/completions"`
	Stream            bool      `json:"stream" doc:"Whether the answer was streamed."`
	Status            int       `json:"status" doc:"The HTTP status that the caller got; 0 of what was imported." example:"200"`
	Outcome           string    `json:"outcome" enum:"settled,estimated,unconfirmed,failed,corrected" doc:"settled is the provider's own usage, estimated was counted here, unconfirmed is the most it can have cost, failed used nothing. corrected is no request: it is what another entry should have cost more, or less, and has its instant."`
	InputTokens       int64     `json:"input_tokens" doc:"Input tokens that came from no cache." example:"100"`
	CacheReadTokens   int64     `json:"cache_read_tokens" doc:"Input tokens read from the provider's cache." example:"0"`
	CacheWriteTokens  int64     `json:"cache_write_tokens" doc:"Input tokens written to the provider's cache." example:"0"`
	OutputTokens      int64     `json:"output_tokens" doc:"Output tokens, reasoning too." example:"150"`
	ReasoningTokens   int64     `json:"reasoning_tokens" doc:"The part of output_tokens that was hidden thought." example:"0"`
	Images            int64     `json:"images" doc:"Images that were made." example:"0"`
	Seconds           int64     `json:"seconds" doc:"Seconds of sound that were heard, where they are billed." example:"0"`
	Characters        int64     `json:"characters" doc:"Characters that were read aloud." example:"0"`
	Searches          int64     `json:"searches" doc:"Searches of the web, or in documents to be ranked." example:"0"`
	CostUSD           string    `json:"cost_usd" doc:"What it cost, in US dollars; exact." example:"0.000150001"`
	BYOK              bool      `json:"byok" doc:"Paid with the owner's own provider key."`
	Attempts          []Attempt `json:"attempts" nullable:"false" doc:"The targets of an alias that were tried, in order, where the first of them failed; the last is the provider and model of this entry. Empty where there was one attempt only."`
}

// Attempt is one target that a request was sent to.
type Attempt struct {
	Provider   string `json:"provider" doc:"Slug of the provider." example:"openai"`
	Model      string `json:"model" doc:"The model, as the provider was asked for it." example:"gpt-4o-mini"`
	Status     int    `json:"status" doc:"The HTTP status of its answer; 0 where it could not be reached." example:"503"`
	DurationMS int64  `json:"duration_ms" doc:"How long the attempt took, in milliseconds." example:"12"`
}

// UsageList is one page of entries, newest first; or, with group_by, of sums: by
// day in order, and else the dearest first.
type UsageList struct {
	Usage  []UsageRow   `json:"usage,omitzero" nullable:"false" doc:"Entries, newest first; left out with group_by."`
	Series []UsageGroup `json:"series,omitzero" nullable:"false" doc:"Sums; there with group_by only."`
	Totals *UsageStats  `json:"totals,omitempty" doc:"The sum of all groups, on all pages; there with group_by only."`
	Total  int          `json:"total" doc:"Entries, or groups, on all pages." example:"1"`
	Page   int          `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size   int          `json:"size" doc:"The most that a page holds." example:"100"`
}

// UsageStats adds up entries of the ledger for statistics.
type UsageStats struct {
	Requests          int64  `json:"requests" doc:"Requests forwarded, failed ones too." example:"1"`
	Failed            int64  `json:"failed" doc:"Of requests: those with the outcome failed, which used nothing." example:"0"`
	Tokens            int64  `json:"tokens" doc:"Input and output tokens." example:"250"`
	InputTokens       int64  `json:"input_tokens" doc:"Input tokens, cached ones too." example:"100"`
	OutputTokens      int64  `json:"output_tokens" doc:"Output tokens, reasoning too." example:"150"`
	CostUSD           string `json:"cost_usd" doc:"What they cost, in US dollars; exact." example:"0.000150001"`
	CostCents         int64  `json:"cost_cents" doc:"Rounded view of cost_usd, in US cents." example:"0"`
	AverageResponseMS int64  `json:"average_response_ms" doc:"From admission to the end of the answer, in milliseconds; 0 without requests." example:"840"`
}

// DayStats is what was used on one day.
type DayStats struct {
	Date string `json:"date" doc:"The day, in the organization's time zone." example:"2026-11-20"`
	UsageStats
}

// KeyStats is what one key used in [start, end), day by day.
type KeyStats struct {
	KeyID    string     `json:"key_id" doc:"Id of the key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Start    time.Time  `json:"start" doc:"The first instant of the span." example:"2026-11-20T00:00:00Z"`
	End      time.Time  `json:"end" doc:"The end of the span, which is not part of it." example:"2026-11-21T00:00:00Z"`
	Timezone string     `json:"timezone" doc:"In which days begin." example:"UTC"`
	Totals   UsageStats `json:"totals" doc:"The sum of all days."`
	Days     []DayStats `json:"days" nullable:"false" doc:"Every day in order, days without use too."`
}

// UsageGroup is the sum of the entries that are alike in what they are grouped
// by; the other fields of that sort are left out.
type UsageGroup struct {
	Date         *string `json:"date,omitempty" doc:"The day, in the organization's time zone." example:"2026-11-20"`
	KeyID        *string `json:"key_id,omitempty" doc:"Id of the key."`
	KeyName      *string `json:"key_name,omitempty" doc:"Name of the key, as it was at its last use."`
	UserID       *string `json:"user_id,omitempty" doc:"Owner of the key; empty for keys without owner."`
	Provider     *string `json:"provider,omitempty" doc:"Slug of the provider."`
	Model        *string `json:"model,omitempty" doc:"The model, as the provider was asked for it."`
	ChatbotID    *string `json:"chatbot_id,omitempty" doc:"Empty for requests that came through none."`
	CredentialID *string `json:"credential_id,omitempty" doc:"The provider's credential that was used; empty for the configured one."`
	UsageStats
}
