package llm

// Format is the wire format a caller speaks, as it stands in a key's
// allowed_api_formats.
type Format string

// The formats.
const (
	OpenAI    Format = "openai"
	Anthropic Format = "anthropic"
	Gemini    Format = "gemini"
	Cohere    Format = "cohere"
)

// Formats lists every format.
func Formats() []Format { return []Format{OpenAI, Anthropic, Gemini, Cohere} }

// Scope is a word of a key's scopes: the kind of work a route does.
type Scope string

// The scopes of the data plane. A key without scopes has them all.
const (
	ScopeChat        Scope = "chat.completions"
	ScopeEmbeddings  Scope = "embeddings.create"
	ScopeModels      Scope = "models.list"
	ScopeModerations Scope = "moderations.create"
	ScopeImages      Scope = "images.generate"
	ScopeSpeech      Scope = "audio.speech"
	ScopeTranscribe  Scope = "audio.transcriptions"
	ScopeRerank      Scope = "rerank.create"
	ScopeTokens      Scope = "tokens.count"
	ScopeRealtime    Scope = "realtime"
	ScopePassthrough Scope = "provider.passthrough"
	ScopeChatbot     Scope = "chatbot.chat"
	ScopeUsage       Scope = "usage.read"
)

// Scopes lists every scope, in the order of the contract.
func Scopes() []Scope {
	return []Scope{
		ScopeChat, ScopeEmbeddings, ScopeModels, ScopeModerations, ScopeImages,
		ScopeSpeech, ScopeTranscribe, ScopeRerank, ScopeTokens, ScopeRealtime,
		ScopePassthrough, ScopeChatbot, ScopeUsage,
	}
}

// Unit is what a route is billed by, of models that have a price for that and none
// for tokens. The zero value is tokens.
type Unit uint8

// The units.
const (
	Tokens     Unit = iota
	Images          // made
	Characters      // read aloud
	Seconds         // of sound, heard
	Searches        // in documents that are ranked
)

// Usage is what a call used, in disjoint classes: no token stands in two of
// them, except Reasoning, which is the part of Output that was hidden thought.
// What is not counted in tokens stands beside them, and no tokens limit counts
// it. The zero value is nothing used.
type Usage struct {
	Input        int64 // fresh input tokens (text, images, documents), not from a cache, not audio
	CacheRead    int64 // input tokens read from the provider's prompt cache
	CacheWrite   int64 // input tokens written to the cache for 5 minutes
	CacheWrite1h int64 // input tokens written to the cache for an hour
	InputAudio   int64 // input tokens that were sound
	Output       int64 // output tokens, reasoning included, sound excluded
	Reasoning    int64 // of Output: tokens of hidden reasoning
	OutputAudio  int64 // output tokens that were sound

	Images     int64 // that were made
	Seconds    int64 // of sound that were heard
	Characters int64 // that were read aloud
	Searches   int64 // of the web, or in documents to be ranked
}

// InputTokens is everything read, cached or not.
func (u Usage) InputTokens() int64 {
	return u.Input + u.CacheRead + u.CacheWrite + u.CacheWrite1h + u.InputAudio
}

// OutputTokens is everything written, reasoning included.
func (u Usage) OutputTokens() int64 { return u.Output + u.OutputAudio }

// Total is what a tokens limit counts.
func (u Usage) Total() int64 { return u.InputTokens() + u.OutputTokens() }

// Tally is what a meter saw of one answer. The zero value is an answer of which
// nothing was seen.
type Tally struct {
	Usage      Usage  // meaningful only when Reported
	Reported   bool   // the provider gave its usage
	Finished   bool   // the answer reached its proper end
	Final      bool   // the usage was said in a chunk of its own (no choices), the provider's last word
	Service    string // how the provider says it has served it: default, standard, flex, priority, fast, …; "" = it does not say
	UpstreamID string // the provider's id of the answer, when it was in the body
	Seen       int64  // output tokens counted locally from what was relayed, for estimates
	Images     int64  // pictures that the answer holds
	Seconds    int64  // of sound, as the answer says beside any usage
}
