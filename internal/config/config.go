package config

import (
	"net/netip"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/secret"
)

// Config is everything that can be set. Default gives one that works; the zero
// value does not pass Validate.
type Config struct {
	// Address to listen on, host:port. Port 0 takes a free one.
	Listen string `yaml:"listen"`

	// Directory of the embedded database and of the journal. It is created when
	// missing, readable by its owner only.
	Data string `yaml:"data"`

	// A Postgres database instead of the embedded one. This build has the
	// embedded database only, and refuses to start when this is set.
	DatabaseURL secret.Text `yaml:"database_url"`

	// A Redis server for the counters of several replicas. This build counts in
	// its own memory only, and refuses to start when this is set.
	RedisURL secret.Text `yaml:"redis_url"`

	// The root management key, for automation. Without it the first start makes
	// one and prints it once. A key set here is never printed.
	RootKey secret.Text `yaml:"root_key"`

	// What a new API key starts with: one to seven letters or digits, and an
	// underscore. Keys made with another prefix go on working after a change.
	KeyPrefix string `yaml:"key_prefix"`

	// What a new management key starts with; not the same as `key_prefix`. Those
	// made with another prefix go on working after a change.
	ManagementKeyPrefix string `yaml:"management_key_prefix"`

	// Addresses and networks of the proxies before Tollgate. Only what they say
	// of the caller's address in X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`

	// Time zone in which a new organisation's days, weeks and months begin, by
	// its name in the time zone database, like `Europe/Berlin`.
	Timezone string `yaml:"timezone"`

	// Prices of every model that has none in the catalogue. Without them a key
	// with a budget may not use such a model.
	DefaultPrice DefaultPrice `yaml:"default_price"`

	// What happens to a request whose caller left. `drain` reads the answer to
	// its end and books what it really cost; `cancel` ends it and books an
	// estimate; `auto` drains where a hard limit applies and cancels elsewhere.
	OnDisconnect string `yaml:"on_disconnect" oneof:"auto drain cancel"`

	// How long an answer is drained at most after its caller left.
	DrainTimeout time.Duration `yaml:"drain_timeout" range:"1s..1h"`

	// How long open requests may go on after SIGTERM before they are cut.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" range:"0s..1h"`

	// Bounds on single requests.
	Limits Limits `yaml:"limits"`

	// What a part of a request is held for whose tokens its bytes do not show.
	Bounds Bounds `yaml:"bounds"`

	// The journal on disk that makes holds and entries survive a crash.
	Journal Journal `yaml:"journal"`

	// Connections to providers.
	Upstream Upstream `yaml:"upstream"`

	// The keyset that stored secrets, such as provider credentials, are sealed
	// with.
	Vault Vault `yaml:"vault"`

	// Providers' credentials that users and the organisation bring along.
	Credentials Credentials `yaml:"credentials"`

	// Providers by slug. The built-in ones need no entry where a variable holds
	// their credential; every other name is a provider of your own.
	Providers map[string]Provider `yaml:"providers"`

	// Prices and models laid over the built-in catalogue. What a row leaves out
	// stays as the catalogue has it.
	Prices []PriceRow `yaml:"prices"`

	// Names of your own for models, each standing for `provider/model`, or for a
	// list of them: where the provider of one answers with 429 or 5xx, or cannot be
	// reached, the next takes its place.
	Aliases map[string][]string `yaml:"aliases"`

	// The log, on standard error.
	Log Log `yaml:"log"`
}

// DefaultPrice is the price of models without one. Left out, they have none.
type DefaultPrice struct {
	// Dollars per million input tokens, of every class.
	Input *money.Price `yaml:"input"`

	// Dollars per million output tokens, of every class.
	Output *money.Price `yaml:"output"`
}

// Limits bounds single requests.
type Limits struct {
	// Size of a request body. A larger one is refused with 413.
	MaxBodyBytes Bytes `yaml:"max_body_bytes" range:"1KiB..1GiB"`

	// Size of all request bodies in memory at one time. Beyond it requests are
	// refused with 503 until some have ended.
	MaxBufferedBytes Bytes `yaml:"max_buffered_bytes" range:"1MiB..1024GiB"`

	// Size of a request's line and headers together.
	MaxHeaderBytes Bytes `yaml:"max_header_bytes" range:"4KiB..1MiB"`

	// How long the headers of a request may take.
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout" range:"100ms..10m"`

	// How long a sender may pause within a body.
	BodyIdleTimeout time.Duration `yaml:"body_idle_timeout" range:"100ms..1h"`

	// How long a caller may leave an answer unread.
	WriteIdleTimeout time.Duration `yaml:"write_idle_timeout" range:"100ms..1h"`

	// How long a WebSocket may be open without a word from either side. One that is
	// open for as long as a request may take is closed in any case.
	SocketIdleTimeout time.Duration `yaml:"socket_idle_timeout" range:"1s..24h"`

	// How long a request may take from its first byte to its answer's last.
	MaxRequestDuration time.Duration `yaml:"max_request_duration" range:"1s..24h"`

	// When a hard limit cannot pay for the whole answer, the answer is shortened
	// to what it can pay for, but not below this many tokens: then the request is
	// refused.
	MinOutputTokens int64 `yaml:"min_output_tokens" range:"1..1000000"`

	// How long keys already known keep working, within what they had left, while
	// the database is away.
	OfflineGrace time.Duration `yaml:"offline_grace" range:"0s..24h"`
}

// Bounds is how many tokens a part of a request is held for. What is not used
// of a hold is given back when the answer ends.
type Bounds struct {
	// Tokens of one image in the request. 0 = the model's context window.
	ImageTokens int64 `yaml:"image_tokens" range:"0..100000000"`

	// Tokens of one image that the request names by its address. 0 = the model's
	// context window.
	RemoteImageTokens int64 `yaml:"remote_image_tokens" range:"0..100000000"`

	// Tokens of one piece of sound in the request. 0 = the model's context window.
	AudioTokens int64 `yaml:"audio_tokens" range:"0..100000000"`

	// Bytes that a second of sound takes at least, in files to be transcribed:
	// how many seconds one can hold, where seconds are billed. 500 is 4 kbit/s,
	// lower than any way of compressing speech that is in common use.
	AudioBytesPerSecond int64 `yaml:"audio_bytes_per_second" range:"1..1000000"`

	// Tokens of one file, like a PDF, in the request or named by its id. 0 = the
	// model's context window.
	FileTokens int64 `yaml:"file_tokens" range:"0..100000000"`
}

// Journal is how the journal is written.
type Journal struct {
	// How often the journal is forced to the disk. A crash of the program loses
	// nothing in any case; a crash of the machine loses this much at most.
	SyncInterval time.Duration `yaml:"sync_interval" range:"1ms..10s"`

	// Size at which a new journal file is begun.
	SegmentBytes Bytes `yaml:"segment_bytes" range:"64KiB..4GiB"`

	// How often entries move from the journal into the database.
	ApplyInterval time.Duration `yaml:"apply_interval" range:"1ms..1m"`
}

// Upstream is how providers are reached.
type Upstream struct {
	// How long a connection to a provider may take to open.
	DialTimeout time.Duration `yaml:"dial_timeout" range:"100ms..10m"`

	// How long a provider may think before the first byte of its answer.
	ResponseHeaderTimeout time.Duration `yaml:"response_header_timeout" range:"1s..24h"`

	// Idle connections kept for each provider.
	MaxIdlePerHost int64 `yaml:"max_idle_per_host" range:"1..100000"`

	// How long an idle connection is kept. Stay below the provider's own limit,
	// or requests meet connections that are just being closed.
	IdleTimeout time.Duration `yaml:"idle_timeout" range:"1s..1h"`
}

// Vault says where the keyset lies that stored secrets are sealed with. Whoever
// has it and the database can open them; without it nobody can.
type Vault struct {
	// The keyset itself, as Tink writes it in JSON, or that in base64, instead of
	// a file. It is never written; keys are added to it by hand.
	Keyset secret.Text `yaml:"keyset"`

	// File of the keyset. Without it `keyset.json` in the data directory. The
	// first start makes it, readable by its owner only. It belongs into every
	// backup, apart from the database.
	KeysetFile string `yaml:"keyset_file"`

	// A key service that wraps the keyset in the file: the transit engine of
	// HashiCorp Vault or OpenBao. A file in the clear is wrapped at the next
	// start.
	Transit Transit `yaml:"transit"`
}

// Transit is a key of a transit engine. It is used when it has an address.
type Transit struct {
	// Address of the key service, like https://vault.example.com:8200.
	Address string `yaml:"address"`

	// Where the engine is mounted.
	Mount string `yaml:"mount"`

	// Name of the key.
	Key string `yaml:"key"`

	// Token that may encrypt and decrypt with the key.
	Token secret.Text `yaml:"token"`

	// Namespace of the engine. Without it the root one.
	Namespace string `yaml:"namespace"`

	// How long the key service may take for one answer.
	Timeout time.Duration `yaml:"timeout" range:"100ms..10m"`
}

// Credentials is what holds of providers' credentials that users and the
// organisation bring along.
type Credentials struct {
	// Networks that a base URL which a user sets may lead to, beside public
	// addresses, and the only ones over plain http. What is configured here, under
	// `providers`, may lead anywhere.
	AllowedNetworks []netip.Prefix `yaml:"allowed_networks"`

	// What a request costs here that somebody's own credential pays for at the
	// provider, in percent of the model's price. 0 is nothing: then no budget and
	// no balance counts such a request.
	FeePercent int64 `yaml:"fee_percent" range:"0..100"`

	// Ask the provider about a credential when it is stored, and when its secret
	// changes.
	CheckNew bool `yaml:"check_new"`

	// How often the provider is asked about each active credential. 0 is never.
	CheckInterval time.Duration `yaml:"check_interval" range:"0s..8760h"`

	// How long a provider may take to say whether it takes a credential.
	CheckTimeout time.Duration `yaml:"check_timeout" range:"100ms..25s"`

	// How often in a minute one user may have credentials checked. 0 is any
	// number.
	ChecksPerMinute int64 `yaml:"checks_per_minute" range:"0..1000"`
}

// Provider is one provider. It is used when it has a credential or a base URL
// of its own.
type Provider struct {
	// Whose wire it speaks. Built-in providers are what they are; any other name
	// is `custom` (OpenAI's format) unless this says otherwise.
	Kind string `yaml:"kind" oneof:"openai anthropic google cohere huggingface azure custom demo" empty:"ok"`

	// Where it is, as the provider's own SDK takes it. Private addresses are
	// allowed. Built-in providers but azure have one already.
	BaseURL string `yaml:"base_url"`

	// The credential. A variable wins over the file. One of fewer than 8
	// characters is taken for a placeholder, and not looked for in answers.
	APIKey secret.Text `yaml:"api_key"`

	// Name of the variable that holds the credential, instead of the usual one.
	APIKeyEnv string `yaml:"api_key_env"`

	// The service tier that requests get which say nothing of it, or `auto`: what
	// the account (OpenAI's project) is set to. Left out, the usual one. The price of
	// another one is then held for them.
	AutoService string `yaml:"auto_service" oneof:"default flex priority" empty:"ok"`

	// How requests are metered that pass through at `/providers/<name>/…` to what
	// there is no route for here; the first rule that fits holds. Without one such a
	// request is refused for keys with limits on tokens or money, and for all others
	// it is an entry that says nothing of its cost.
	Passthrough []Passthrough `yaml:"passthrough"`
}

// Passthrough is how requests of one kind are metered. One of `free`, `request`,
// `usage`, and the pointers is needed.
type Passthrough struct {
	// The method, like GET. Left out, every one.
	Method string `yaml:"method" oneof:"GET HEAD POST PUT PATCH DELETE" empty:"ok"`

	// The path at the provider, with its /v1; `*` stands for any characters.
	Path string `yaml:"path"`

	// They cost nothing.
	Free bool `yaml:"free"`

	// Dollars for each request that the provider did not refuse.
	Request *money.Price `yaml:"request"`

	// The format in which the answer tells the tokens that were used, streamed or
	// not.
	Usage string `yaml:"usage" oneof:"openai anthropic gemini cohere" empty:"ok"`

	// Where the input tokens stand in an answer in JSON of at most 1 MiB: a JSON
	// pointer, like /usage/input.
	InputTokens string `yaml:"input_tokens"`

	// Where the output tokens stand, likewise.
	OutputTokens string `yaml:"output_tokens"`

	// The model of this provider whose prices the tokens have. Without one they have
	// none, and a key that is for certain models only is refused.
	Model string `yaml:"model"`

	// The most input tokens that one request can use: what is held for it, and booked
	// where the answer does not tell.
	MaxInputTokens int64 `yaml:"max_input_tokens" range:"0..1000000000000"`

	// The most output tokens that one request can use, likewise.
	MaxOutputTokens int64 `yaml:"max_output_tokens" range:"0..1000000000000"`
}

// PriceRow is a model of the catalogue, with the names that the built-in list
// uses.
type PriceRow struct {
	// Slug of the provider.
	Provider string `yaml:"provider"`

	// The provider's own name of the model; `*` stands for any characters.
	Model string `yaml:"model"`

	// Tokens of its context window.
	Context int64 `yaml:"context" range:"0..1000000000000"`

	// Tokens it writes at most in one answer.
	MaxOutput int64 `yaml:"max_output" range:"0..1000000000000"`

	TokenPrices `yaml:",inline"`

	// Dollars for one image.
	Image *money.Price `yaml:"image"`

	// Dollars for one second of sound.
	Second *money.Price `yaml:"second"`

	// Dollars per million characters.
	Characters *money.Price `yaml:"characters"`

	// Dollars for one search unit.
	Search *money.Price `yaml:"search"`

	// Prices of whole requests with more input tokens than `above`.
	Tiers []PriceTier `yaml:"tiers"`

	// Other names by which the provider takes the model.
	Aliases []string `yaml:"aliases"`

	// What it is for: chat, completions, responses, embeddings, images, speech,
	// transcriptions, moderations, rerank, realtime. Chat when nothing is said.
	Capabilities []string `yaml:"capabilities"`
}

// PriceTier is the prices of large requests.
type PriceTier struct {
	// Input tokens above which the tier holds.
	Above int64 `yaml:"above"`

	TokenPrices `yaml:",inline"`
}

// TokenPrices is dollars per million tokens of each class. A class without a
// price costs what input or output costs.
type TokenPrices struct {
	// Dollars per million input tokens.
	Input *money.Price `yaml:"input"`

	// Dollars per million output tokens.
	Output *money.Price `yaml:"output"`

	// Input tokens read from the provider's cache.
	CacheRead *money.Price `yaml:"cache_read"`

	// Input tokens written to the cache for five minutes.
	CacheWrite *money.Price `yaml:"cache_write"`

	// Input tokens written to the cache for an hour; `cache_write` where missing.
	CacheWrite1h *money.Price `yaml:"cache_write_1h"`

	// Output tokens of hidden reasoning.
	Reasoning *money.Price `yaml:"reasoning"`

	// Input tokens of sound.
	InputAudio *money.Price `yaml:"input_audio"`

	// Output tokens of sound.
	OutputAudio *money.Price `yaml:"output_audio"`
}

// Log is what is logged, and how.
type Log struct {
	// The least severe messages to write.
	Level string `yaml:"level" oneof:"debug info warn error"`

	// One JSON object a line, or text for people.
	Format string `yaml:"format" oneof:"json text"`

	// One line for each request, at level info. It never holds prompts, answers
	// or keys.
	Requests bool `yaml:"requests"`
}

// Default is the configuration without a file and without variables.
func Default() *Config {
	return &Config{
		Listen:              "127.0.0.1:8080",
		Data:                "./tollgate-data",
		KeyPrefix:           "tg_",
		ManagementKeyPrefix: "tgm_",
		Timezone:            "UTC",
		OnDisconnect:        "auto",
		DrainTimeout:        30 * time.Second,
		ShutdownTimeout:     30 * time.Second,
		Limits: Limits{
			MaxBodyBytes:       32 * MiB,
			MaxBufferedBytes:   GiB,
			MaxHeaderBytes:     64 * KiB,
			ReadHeaderTimeout:  10 * time.Second,
			BodyIdleTimeout:    30 * time.Second,
			WriteIdleTimeout:   time.Minute,
			SocketIdleTimeout:  10 * time.Minute,
			MaxRequestDuration: time.Hour,
			MinOutputTokens:    64,
			OfflineGrace:       5 * time.Minute,
		},
		// The dearest ordinary image is some 48,000 tokens (eight tiles of a model
		// that bills 5,667 for each), and 50,000 tokens of sound are 26 minutes
		// where a second is billed as 32. A file has no such figure.
		Bounds: Bounds{ImageTokens: 50_000, RemoteImageTokens: 50_000, AudioTokens: 50_000, AudioBytesPerSecond: 500},
		Journal: Journal{
			SyncInterval:  50 * time.Millisecond,
			SegmentBytes:  64 * MiB,
			ApplyInterval: 200 * time.Millisecond,
		},
		Upstream: Upstream{
			DialTimeout:           10 * time.Second,
			ResponseHeaderTimeout: 10 * time.Minute,
			MaxIdlePerHost:        512,
			IdleTimeout:           55 * time.Second,
		},
		Credentials: Credentials{CheckNew: true, CheckInterval: 24 * time.Hour, CheckTimeout: 10 * time.Second, ChecksPerMinute: 10},
		Vault:       Vault{Transit: Transit{Mount: "transit", Key: "tollgate", Timeout: 10 * time.Second}},
		Log:         Log{Level: "info", Format: "json"},
	}
}
