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

// UsageList is one page of entries, newest first.
type UsageList struct {
	Usage []UsageRow `json:"usage" nullable:"false"`
	Total int        `json:"total" doc:"Entries that match, on all pages."`
	Page  int        `json:"page"`
	Size  int        `json:"size"`
}
