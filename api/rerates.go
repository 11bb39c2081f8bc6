package api

import "time"

// RerateInput is a period whose entries are to be rated anew.
type RerateInput struct {
	From     string `json:"from,omitempty" nullable:"true" maxLength:"40" doc:"Entries of requests admitted at or after this instant, RFC 3339; null or left out, from the first one on." example:"2026-11-01T00:00:00Z"`
	To       string `json:"to,omitempty" nullable:"true" maxLength:"40" doc:"Before this instant; null or left out, until now." example:"2026-12-01T00:00:00Z"`
	Provider string `json:"provider,omitempty" nullable:"true" maxLength:"100" doc:"Only of this provider." example:"openai"`
	Model    string `json:"model,omitempty" nullable:"true" maxLength:"512" doc:"Only of this model, as it was sent to the provider." example:"gpt-4o-mini"`
	KeyID    string `json:"key_id,omitempty" nullable:"true" maxLength:"200" doc:"Only of this key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Apply    bool   `json:"apply,omitempty" nullable:"true" doc:"Book the corrections; else only say what would come of it."`
}

// Rerate says what rating a period anew comes to.
type Rerate struct {
	ID            *string      `json:"id" doc:"Id of the re-rate; null = nothing was booked." example:"rerate_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99"`
	State         string       `json:"state" enum:"checked,running,done" doc:"checked = nothing was booked; running = it is under way, or is finished after the next start."`
	From          *time.Time   `json:"from" doc:"Of requests admitted at or after this instant; null is from the first one on." example:"2026-11-01T00:00:00Z"`
	To            time.Time    `json:"to" doc:"And before this one." example:"2026-12-01T00:00:00Z"`
	Provider      *string      `json:"provider" doc:"Only of this provider; null is any." example:"openai"`
	Model         *string      `json:"model" doc:"Only of this model; null is any." example:"gpt-4o-mini"`
	KeyID         *string      `json:"key_id" doc:"Only of this key; null is any."`
	Actor         string       `json:"actor" doc:"Id of who wanted it." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99"`
	BeganAt       time.Time    `json:"began_at" doc:"When it began." example:"2026-12-02T09:00:00Z"`
	EndedAt       *time.Time   `json:"ended_at" doc:"When it was done; null = not yet." example:"2026-12-02T09:00:03Z"`
	Entries       int64        `json:"entries" doc:"Entries that were rated." example:"1200"`
	Corrected     int64        `json:"corrected" doc:"Of entries: those that cost something else now." example:"7"`
	BeforeUSD     string       `json:"before_usd" doc:"What the entries cost before, earlier corrections included." example:"12.50"`
	AfterUSD      string       `json:"after_usd" doc:"What they cost now." example:"12.75"`
	DifferenceUSD string       `json:"difference_usd" doc:"After less before." example:"0.25"`
	Models        []RerateLine `json:"models" nullable:"false" doc:"The same by model, the greatest difference first."`
	Keys          []RerateLine `json:"keys" nullable:"false" doc:"The same by key, the greatest difference first."`
	LeftOut       []LeftOut    `json:"left_out" nullable:"false" doc:"Entries that were not rated, by why."`
}

// RerateLine is one model or one key of a re-rate.
type RerateLine struct {
	ID            string `json:"id" doc:"provider/model, or the id of the key; empty for requests without a key." example:"openai/gpt-4o-mini"`
	Name          string `json:"name" doc:"Of a key: its name on the newest entry." example:"ci"`
	Entries       int64  `json:"entries" doc:"Entries that were rated." example:"1200"`
	Corrected     int64  `json:"corrected" doc:"Of entries: those that cost something else now." example:"7"`
	BeforeUSD     string `json:"before_usd" doc:"What the entries cost before." example:"12.50"`
	AfterUSD      string `json:"after_usd" doc:"What they cost now." example:"12.75"`
	DifferenceUSD string `json:"difference_usd" doc:"After less before." example:"0.25"`
}

// LeftOut is entries that were not rated.
type LeftOut struct {
	Reason  string `json:"reason" enum:"byok,unconfirmed,imported,nothing_used,before_balance,unpriced,by_quality,unreadable" doc:"byok = somebody's own credential has paid; unconfirmed = nobody knows what was used; imported = it was used on another system; before_balance = the key had no balance yet that could be corrected; unpriced = the model has no price for that time; by_quality = the price of images depends on their quality or size, which is not kept; unreadable = the prices of then cannot be read."`
	Entries int64  `json:"entries" doc:"How many." example:"3"`
}

// RerateList is one page of re-rates that were applied, newest first.
type RerateList struct {
	Rerates []Rerate `json:"rerates" nullable:"false" doc:"The re-rates of this page."`
	Total   int      `json:"total" doc:"Re-rates from here on, on all pages." example:"1"`
	Page    int      `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size    int      `json:"size" doc:"The most that a page holds." example:"100"`
}

// UnpricedModel is what was used of a model without a price, and so was charged
// nothing.
type UnpricedModel struct {
	ID           string    `json:"id" doc:"provider/model, as it was sent." example:"openai/gpt-of-tomorrow"`
	Provider     string    `json:"provider" doc:"Slug of the provider." example:"openai"`
	Model        string    `json:"model" doc:"The model as it was sent." example:"gpt-of-tomorrow"`
	IsPriced     bool      `json:"is_priced" doc:"Whether it has a price now." example:"false"`
	Requests     int64     `json:"requests" doc:"Requests that were charged nothing." example:"12"`
	InputTokens  int64     `json:"input_tokens" doc:"Tokens that they read." example:"40000"`
	OutputTokens int64     `json:"output_tokens" doc:"Tokens that they wrote." example:"9000"`
	FirstAt      time.Time `json:"first_at" doc:"When the first one was admitted." example:"2026-11-02T08:00:00Z"`
	LastAt       time.Time `json:"last_at" doc:"When the last one was admitted." example:"2026-11-20T17:00:00Z"`
}

// UnpricedList is one page of models that were used without a price, those most used
// first.
type UnpricedList struct {
	UnpricedModels []UnpricedModel `json:"unpriced_models" nullable:"false" doc:"The models of this page."`
	Total          int             `json:"total" doc:"Models that match from here on, on all pages." example:"1"`
	Page           int             `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size           int             `json:"size" doc:"The most that a page holds." example:"100"`
}
