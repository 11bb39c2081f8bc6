package api

import "time"

// Preset is what a key starts from when the body that makes it names it.
type Preset struct {
	Name             string          `json:"name" doc:"What a body names it by." example:"restricted"`
	About            string          `json:"about" doc:"What such a key is for." example:"Chat only, at half the usual rates, with the models and on the paths that are named."`
	Needs            []string        `json:"needs" nullable:"false" doc:"Fields that a body must give beside the preset." example:"name,allowed_models,allowed_endpoints"`
	Kind             *string         `json:"kind" enum:"user,standalone,chatbot,service" doc:"Kind of the key; null is user with an owner, and else service."`
	Description      string          `json:"description" doc:"The key's description." example:""`
	Tags             []string        `json:"tags" nullable:"false" doc:"The key's tags; {id} stands for the id of its chatbot." example:"restricted"`
	Permissions      map[string]bool `json:"permissions" doc:"The key's permissions." example:"{\"chat\":true,\"read\":true}"`
	Scopes           []string        `json:"scopes" doc:"The key's scopes; null is all." example:"chat.completions"`
	AllowedEndpoints []string        `json:"allowed_endpoints" doc:"The key's paths; {id} stands for the id of its chatbot, null is all."`
	Limits
}

// PresetList is all presets, the plainest first.
type PresetList struct {
	Presets []Preset `json:"presets" nullable:"false" doc:"The presets of this page."`
	Total   int      `json:"total" doc:"Presets from here on, on all pages." example:"4"`
	Page    int      `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size    int      `json:"size" doc:"The most that a page holds." example:"100"`
}

// Model is a model as one provider offers it.
type Model struct {
	ID              string        `json:"id" doc:"provider/name, which always means this model." example:"openai/gpt-4o-mini"`
	Provider        string        `json:"provider" doc:"Slug of the provider." example:"openai"`
	Name            string        `json:"name" doc:"The provider's own name of the model." example:"gpt-4o-mini"`
	Aliases         []string      `json:"aliases" nullable:"false" doc:"Further names that mean this model: the provider's own, and those of the configuration."`
	Capabilities    []string      `json:"capabilities" nullable:"false" doc:"What it is for: chat, completions, responses, embeddings, images, speech, transcriptions, moderations, rerank, realtime; searches is one that searches the web for each request." example:"chat"`
	ContextTokens   *int64        `json:"context_tokens" doc:"What fits into its context, in tokens; null is not known." example:"128000"`
	MaxOutputTokens *int64        `json:"max_output_tokens" doc:"The most that it writes in one answer, in tokens; null is not known, or none." example:"16384"`
	ReleasedOn      *string       `json:"released_on" doc:"The day of its release; null is not known." example:"2024-07-18"`
	IsConfigured    bool          `json:"is_configured" doc:"Whether there is a credential for the provider, so that it can be used." example:"true"`
	IsPriced        bool          `json:"is_priced" doc:"Whether its tokens have a price. A model without one is unpriced, not free: it is refused under a budget." example:"true"`
	PriceID         *string       `json:"price_id" doc:"Id of the prices that apply: its own, or those of a row with *; null is none." example:"openai/gpt-4o-mini"`
	Prices          *ModelPricing `json:"prices" doc:"What it costs; null when nothing is known."`
}

// ModelList is one page of models, by provider in the order in which a bare name
// is looked for, then by name.
type ModelList struct {
	Models []Model `json:"models" nullable:"false" doc:"The models of this page."`
	Total  int     `json:"total" doc:"Models that match from here on, on all pages." example:"1"`
	Page   int     `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size   int     `json:"size" doc:"The most that a page holds." example:"100"`
}

// ModelPricing is what a model costs, in US dollars as decimal text. Token prices
// are for a million tokens.
type ModelPricing struct {
	Tiers                   []PriceTier      `json:"tiers" nullable:"false" doc:"Token prices by the size of the input; the last tier that a request reaches holds for all of it. Empty when tokens have no price."`
	ImageUSD                *string          `json:"image_usd" doc:"For one image; null is no price."`
	SecondUSD               *string          `json:"second_usd" doc:"For one second of sound; null is no price."`
	CharactersUSDPerMillion *string          `json:"characters_usd_per_million" doc:"For a million characters; null is no price."`
	SearchUSD               *string          `json:"search_usd" doc:"For one search unit; null is no price."`
	ServiceTiers            []ServicePricing `json:"service_tiers" nullable:"false" doc:"Token prices under other services than the standard one. Empty when there are none."`
}

// ServicePricing is what tokens cost under a service.
type ServicePricing struct {
	Service string      `json:"service" enum:"flex,priority,fast,batch" doc:"flex is later and cheaper, priority before others, fast is faster answers, batch some time within a day."`
	Tiers   []PriceTier `json:"tiers" nullable:"false" doc:"Token prices by the size of the input, as the standard ones."`
}

// PriceTier is the token prices of requests with more than so many input tokens,
// in US dollars for a million tokens. Each class has its price in full.
type PriceTier struct {
	AboveInputTokens          int64  `json:"above_input_tokens" doc:"It holds for requests with more input tokens than this." example:"0"`
	InputUSDPerMillion        string `json:"input_usd_per_million" doc:"Input that comes from no cache." example:"0.15"`
	CacheReadUSDPerMillion    string `json:"cache_read_usd_per_million" doc:"Input that is read from the provider's cache." example:"0.075"`
	CacheWriteUSDPerMillion   string `json:"cache_write_usd_per_million" doc:"Input that is written to the provider's cache for five minutes." example:"0.15"`
	CacheWrite1hUSDPerMillion string `json:"cache_write_1h_usd_per_million" doc:"Input that is written to the provider's cache for an hour." example:"0.15"`
	InputAudioUSDPerMillion   string `json:"input_audio_usd_per_million" doc:"Sound as input." example:"0.15"`
	OutputUSDPerMillion       string `json:"output_usd_per_million" doc:"Output that is text." example:"0.60"`
	ReasoningUSDPerMillion    string `json:"reasoning_usd_per_million" doc:"Output that is hidden thought." example:"0.60"`
	OutputAudioUSDPerMillion  string `json:"output_audio_usd_per_million" doc:"Sound as output." example:"0.60"`
}

// Price is one row of prices: of a model, or of all models whose names fit it.
type Price struct {
	ID        string     `json:"id" doc:"provider/model." example:"openai/gpt-4o-mini"`
	Provider  string     `json:"provider" doc:"Slug of the provider." example:"openai"`
	Model     string     `json:"model" doc:"Name of the model; * stands for any characters." example:"gpt-4o-mini"`
	Source    string     `json:"source" enum:"builtin,config,default,stored" doc:"builtin is the list that comes with the program, config the configuration's prices, default its default_price, stored a version that was set or imported."`
	Since     *time.Time `json:"since" doc:"From when on they hold; null is ever." example:"2026-12-01T00:00:00Z"`
	VersionID *string    `json:"version_id" doc:"The version that makes it so; null is none."`
	ModelPricing
}

// PriceList is one page of prices, in the order of models.
type PriceList struct {
	Prices []Price `json:"prices" nullable:"false" doc:"The prices of this page."`
	Total  int     `json:"total" doc:"Prices that match from here on, on all pages." example:"1"`
	Page   int     `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size   int     `json:"size" doc:"The most that a page holds." example:"100"`
}
