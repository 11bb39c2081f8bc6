package api

import "time"

// PricesInput is prices to be set, each from an instant on.
type PricesInput struct {
	Source   string       `json:"source,omitempty" maxLength:"100" doc:"What they were read from; left out, set." example:"litellm"`
	DryRun   bool         `json:"dry_run,omitempty" doc:"Only say what would come of it."`
	KeepRest bool         `json:"keep_rest,omitempty" doc:"What a row does not say stays as it is, such as the price of an image, of an hour in the cache, or of another service; else a row is all there is."`
	Prices   []PriceInput `json:"prices" nullable:"false" minItems:"1" maxItems:"200" doc:"The prices, a row for each model."`
}

// PriceInput is what a model costs from an instant on.
type PriceInput struct {
	Provider                string              `json:"provider" maxLength:"100" doc:"Slug of the provider." example:"openai"`
	Model                   string              `json:"model" maxLength:"512" doc:"Name of the model; * stands for any characters." example:"gpt-4o-mini"`
	From                    *time.Time          `json:"from,omitempty" doc:"From when on they hold; null or left out, from now on. In the past they count for rating anew what was charged since then." example:"2099-12-31T23:59:59Z"`
	Reset                   bool                `json:"reset,omitempty" doc:"What the configuration or the program says holds again; then there are no prices beside it."`
	Tiers                   []PriceTierInput    `json:"tiers,omitempty" maxItems:"10" doc:"Token prices by the size of the input, the first from 0 tokens on; none when tokens have no price."`
	ImageUSD                *string             `json:"image_usd,omitempty" doc:"For one image." example:"0.04"`
	SecondUSD               *string             `json:"second_usd,omitempty" doc:"For one second of sound." example:"0.0001"`
	CharactersUSDPerMillion *string             `json:"characters_usd_per_million,omitempty" doc:"For a million characters." example:"15"`
	SearchUSD               *string             `json:"search_usd,omitempty" doc:"For one search unit." example:"0.002"`
	ServiceTiers            []ServicePriceInput `json:"service_tiers,omitempty" maxItems:"4" doc:"Token prices under other services than the standard one."`
	ContextTokens           int64               `json:"context_tokens,omitempty" minimum:"0" maximum:"1000000000" doc:"What fits into the model's context, where that is not known from elsewhere." example:"128000"`
	MaxOutputTokens         int64               `json:"max_output_tokens,omitempty" minimum:"0" maximum:"1000000000" doc:"The most that the model writes in one answer, where that is not known from elsewhere." example:"16384"`
}

// PriceTierInput is the token prices of requests with more than so many input
// tokens, in US dollars for a million tokens, as decimal text with six decimal
// places at most. A class that is left out costs what input or output costs, and an
// hour's cache write what a five-minute one costs.
type PriceTierInput struct {
	AboveInputTokens          int64   `json:"above_input_tokens,omitempty" minimum:"0" doc:"It holds for requests with more input tokens than this." example:"0"`
	InputUSDPerMillion        string  `json:"input_usd_per_million" doc:"Input that comes from no cache." example:"0.15"`
	OutputUSDPerMillion       string  `json:"output_usd_per_million" doc:"Output that is text." example:"0.60"`
	CacheReadUSDPerMillion    *string `json:"cache_read_usd_per_million,omitempty" doc:"Input that is read from the provider's cache." example:"0.075"`
	CacheWriteUSDPerMillion   *string `json:"cache_write_usd_per_million,omitempty" doc:"Input that is written to the provider's cache for five minutes." example:"0.1875"`
	CacheWrite1hUSDPerMillion *string `json:"cache_write_1h_usd_per_million,omitempty" doc:"Input that is written to the provider's cache for an hour." example:"0.30"`
	InputAudioUSDPerMillion   *string `json:"input_audio_usd_per_million,omitempty" doc:"Sound as input." example:"10"`
	ReasoningUSDPerMillion    *string `json:"reasoning_usd_per_million,omitempty" doc:"Output that is hidden thought." example:"0.60"`
	OutputAudioUSDPerMillion  *string `json:"output_audio_usd_per_million,omitempty" doc:"Sound as output." example:"20"`
}

// ServicePriceInput is what tokens cost under a service. A tier that is left out
// costs, class by class, the dearer of the standard price and its own of the tier
// below.
type ServicePriceInput struct {
	Service string           `json:"service" enum:"flex,priority,fast,batch" doc:"flex is later and cheaper, priority before others, fast is faster answers, batch some time within a day." example:"flex"`
	Tiers   []PriceTierInput `json:"tiers" nullable:"false" minItems:"1" maxItems:"10" doc:"Token prices; tiers begin where those of the model do."`
}

// PricesReport says what came of each row, in their order.
type PricesReport struct {
	Results   []PriceResult `json:"results" nullable:"false" doc:"One for each row, in their order."`
	New       int           `json:"new" doc:"Models that had no price and have one now, or would have." example:"1"`
	Changed   int           `json:"changed" doc:"Models whose price is another one now, or would be." example:"0"`
	Unchanged int           `json:"unchanged" doc:"Rows that change nothing, of which nothing is stored." example:"0"`
	Refused   int           `json:"refused" doc:"Rows that were not taken; each says why." example:"0"`
}

// PriceResult says what came of one row.
type PriceResult struct {
	ID           *string       `json:"id" doc:"Of the version that is stored; null = none is." example:"price_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99"`
	Provider     string        `json:"provider" doc:"Slug of the provider." example:"openai"`
	Model        string        `json:"model" doc:"Name of the model." example:"gpt-4o-mini"`
	From         *time.Time    `json:"from" doc:"From when on it holds; null = it was refused." example:"2026-12-01T00:00:00Z"`
	Outcome      string        `json:"outcome" enum:"new,changed,unchanged,refused" doc:"What came of it, or would in a dry run."`
	Before       *ModelPricing `json:"before" doc:"What the model costs at that instant without this; null = it has no price."`
	BeforeSource *string       `json:"before_source" enum:"builtin,config,default,stored" doc:"Where those prices come from; null = there are none."`
	After        *ModelPricing `json:"after" doc:"What it costs with this; null = it has no price."`
	Errors       []FieldError  `json:"errors,omitempty" doc:"What is wrong with it."`
}

// PriceVersion is prices that hold from an instant on, until the next version of
// the same row.
type PriceVersion struct {
	ID              string        `json:"id" doc:"Id of the version." example:"price_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99"`
	Provider        string        `json:"provider" doc:"Slug of the provider." example:"openai"`
	Model           string        `json:"model" doc:"Name of the model; * stands for any characters." example:"gpt-4o-mini"`
	From            time.Time     `json:"from" doc:"From when on it holds." example:"2026-12-01T00:00:00Z"`
	IsInForce       bool          `json:"is_in_force" doc:"Whether it is what holds now." example:"true"`
	Prices          *ModelPricing `json:"prices" doc:"The prices; null = what the configuration or the program says holds again."`
	ContextTokens   *int64        `json:"context_tokens" doc:"What fits into the model's context, where that is not known from elsewhere; null = not said." example:"128000"`
	MaxOutputTokens *int64        `json:"max_output_tokens" doc:"The most that the model writes, where that is not known from elsewhere; null = not said." example:"16384"`
	Source          string        `json:"source" doc:"What it was read from; set = by hand." example:"set"`
	Actor           string        `json:"actor" doc:"Id of who set it; empty for other organizations than the one that runs the installation." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99"`
	SetAt           time.Time     `json:"set_at" doc:"When it was set." example:"2026-11-20T12:00:00Z"`
}

// PriceVersionList is one page of versions, newest set first.
type PriceVersionList struct {
	PriceVersions []PriceVersion `json:"price_versions" nullable:"false" doc:"The versions of this page."`
	Total         int            `json:"total" doc:"Versions that match from here on, on all pages." example:"1"`
	Page          int            `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size          int            `json:"size" doc:"The most that a page holds." example:"100"`
}
