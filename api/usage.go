package api

import "time"

// KeyUsage is what one key used: ever, since midnight, and since the full hour,
// both in the organization's time zone.
type KeyUsage struct {
	KeyID      string     `json:"key_id"`
	Totals     UsageSum   `json:"totals" doc:"Since the key was made."`
	Today      UsageSum   `json:"today" doc:"Since midnight in the organization's time zone."`
	ThisHour   UsageSum   `json:"this_hour" doc:"Since the last full hour."`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// UsageSum adds up entries of the ledger.
type UsageSum struct {
	Requests  int64  `json:"requests" doc:"Requests forwarded, failed ones too."`
	Tokens    int64  `json:"tokens" doc:"Input and output tokens."`
	CostUSD   string `json:"cost_usd" doc:"Exact." example:"0.000150001"`
	CostCents int64  `json:"cost_cents" doc:"Rounded view of cost_usd."`
}

// UsageRow is one entry of the ledger: one request that was forwarded.
type UsageRow struct {
	RequestID         string    `json:"request_id"`
	UpstreamRequestID string    `json:"upstream_request_id" doc:"The provider's own id; empty when it gave none."`
	At                time.Time `json:"at" doc:"When the request was admitted."`
	DurationMS        int64     `json:"duration_ms"`
	KeyID             string    `json:"key_id"`
	KeyName           string    `json:"key_name" doc:"As it was at the time."`
	UserID            *string   `json:"user_id"`
	ChatbotID         *string   `json:"chatbot_id"`
	CredentialID      *string   `json:"credential_id"`
	Provider          string    `json:"provider"`
	Model             string    `json:"model"`
	APIFormat         string    `json:"api_format"`
	Endpoint          string    `json:"endpoint"`
	Stream            bool      `json:"stream"`
	Status            int       `json:"status" doc:"The HTTP status that the caller got."`
	Outcome           string    `json:"outcome" enum:"settled,estimated,unconfirmed,failed"`
	InputTokens       int64     `json:"input_tokens"`
	CacheReadTokens   int64     `json:"cache_read_tokens"`
	CacheWriteTokens  int64     `json:"cache_write_tokens"`
	OutputTokens      int64     `json:"output_tokens"`
	ReasoningTokens   int64     `json:"reasoning_tokens" doc:"The part of output_tokens that was hidden thought."`
	CostUSD           string    `json:"cost_usd"`
	BYOK              bool      `json:"byok" doc:"Paid with the owner's own provider key."`
}

// UsageList is one page of entries, newest first; or, with group_by, of sums: by
// day in order, and else the dearest first.
type UsageList struct {
	Usage  []UsageRow   `json:"usage,omitzero" nullable:"false" doc:"Without group_by."`
	Series []UsageGroup `json:"series,omitzero" nullable:"false" doc:"With group_by."`
	Totals *UsageStats  `json:"totals,omitempty" doc:"With group_by: of all groups, on all pages."`
	Total  int          `json:"total" doc:"Entries, or groups, on all pages."`
	Page   int          `json:"page"`
	Size   int          `json:"size"`
}

// UsageStats adds up entries of the ledger for statistics.
type UsageStats struct {
	Requests          int64  `json:"requests" doc:"Requests forwarded, failed ones too."`
	Failed            int64  `json:"failed" doc:"Of requests: those with the outcome failed, which used nothing."`
	Tokens            int64  `json:"tokens" doc:"Input and output tokens."`
	InputTokens       int64  `json:"input_tokens" doc:"Cached ones too."`
	OutputTokens      int64  `json:"output_tokens" doc:"Reasoning too."`
	CostUSD           string `json:"cost_usd" doc:"Exact." example:"0.000150001"`
	CostCents         int64  `json:"cost_cents" doc:"Rounded view of cost_usd."`
	AverageResponseMS int64  `json:"average_response_ms" doc:"From admission to the end of the answer; 0 without requests."`
}

// DayStats is what was used on one day.
type DayStats struct {
	Date string `json:"date" doc:"In the organization's time zone." example:"2026-11-20"`
	UsageStats
}

// KeyStats is what one key used in [start, end), day by day.
type KeyStats struct {
	KeyID    string     `json:"key_id"`
	Start    time.Time  `json:"start"`
	End      time.Time  `json:"end" doc:"Not part of it."`
	Timezone string     `json:"timezone" doc:"In which days begin." example:"Europe/Vienna"`
	Totals   UsageStats `json:"totals"`
	Days     []DayStats `json:"days" nullable:"false" doc:"Every day in order, days without use too."`
}

// UsageGroup is the sum of the entries that are alike in what they are grouped
// by; the other fields of that sort are left out.
type UsageGroup struct {
	Date      *string `json:"date,omitempty" doc:"In the organization's time zone." example:"2026-11-20"`
	KeyID     *string `json:"key_id,omitempty"`
	KeyName   *string `json:"key_name,omitempty" doc:"As it was at the key's last use."`
	UserID    *string `json:"user_id,omitempty" doc:"Empty for keys without owner."`
	Provider  *string `json:"provider,omitempty"`
	Model     *string `json:"model,omitempty"`
	ChatbotID *string `json:"chatbot_id,omitempty" doc:"Empty for requests that came through none."`
	UsageStats
}
