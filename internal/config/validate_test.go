package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/secret"
)

func TestValidateTellsEverythingAtOnce(t *testing.T) {
	c := &config.Config{ // every value is wrong
		Listen: "nowhere", DatabaseURL: secret.New("postgres://planted"), RedisURL: secret.New("redis://planted"),
		RootKey: secret.New("planted"), KeyPrefix: "toolong8_", ManagementKeyPrefix: "toolong8_",
		TrustedProxies: []netip.Prefix{{}}, Timezone: "Local", DefaultPrice: config.DefaultPrice{Input: price("1")},
		OnDisconnect: "stay", DrainTimeout: time.Millisecond, ShutdownTimeout: -1,
		Limits: config.Limits{
			MaxBodyBytes: 1, MaxHeaderBytes: 1, ReadHeaderTimeout: 1, BodyIdleTimeout: 1, WriteIdleTimeout: 1,
			MaxRequestDuration: 1, MinOutputTokens: 0, OfflineGrace: -1,
		},
		Bounds:   config.Bounds{ImageTokens: -1, RemoteImageTokens: -1, AudioTokens: -1, FileTokens: -1},
		Journal:  config.Journal{SyncInterval: 0, SegmentBytes: 1, ApplyInterval: 0},
		Upstream: config.Upstream{DialTimeout: 0, ResponseHeaderTimeout: 0, MaxIdlePerHost: 0, IdleTimeout: 0},
		Log:      config.Log{Level: "loud", Format: "xml"},
		Providers: map[string]config.Provider{
			"Bad Slug": {Kind: "other", BaseURL: "ftp://h", APIKey: secret.New("planted\nX: y"), APIKeyEnv: "A=B"},
			"openai":   {Kind: "custom", BaseURL: "https://user:planted@h/v1"},
			"mine":     {APIKey: secret.New("planted")},
			"query":    {BaseURL: "http://h/?a=b"},
		},
		Prices: []config.PriceRow{
			{Provider: "nobody", Model: "a b", Context: -1, MaxOutput: -1, TokenPrices: config.TokenPrices{CacheRead: price("1")}, Aliases: []string{"*"}, Capabilities: []string{"dance"}},
			{Provider: "mine", Model: "m", Tiers: []config.PriceTier{{Above: 5}, {Above: 5}}},
		},
		Aliases: map[string][]string{"a b": {"gpt-4o"}, "c": {"nobody/x"}, "d": {"mine/"}},
	}
	err := c.Validate()
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	got := map[string]int{}
	for _, p := range problems {
		got[p.Field]++
		if p.Reason == "" {
			t.Errorf("%s has no reason", p.Field)
		}
	}
	for _, field := range strings.Fields(`
		listen data database_url redis_url root_key key_prefix management_key_prefix timezone default_price
		on_disconnect drain_timeout shutdown_timeout
		limits.max_body_bytes limits.max_header_bytes limits.read_header_timeout limits.body_idle_timeout
		limits.write_idle_timeout limits.max_request_duration limits.min_output_tokens limits.offline_grace
		bounds.image_tokens bounds.remote_image_tokens bounds.audio_tokens bounds.file_tokens
		journal.sync_interval journal.segment_bytes journal.apply_interval
		upstream.dial_timeout upstream.response_header_timeout upstream.max_idle_per_host upstream.idle_timeout
		log.level log.format
		providers.openai.kind providers.openai.base_url providers.mine.base_url providers.query.base_url
		prices[0].provider prices[0].model prices[0].context prices[0].max_output prices[0].input prices[0].output
		prices[0].aliases[0] prices[0].capabilities[0]
		prices[1].tiers prices[1].tiers[0].input prices[1].tiers[0].output prices[1].tiers[1].above
		aliases.c aliases.d`) {
		if got[field] == 0 {
			t.Errorf("%s is not told", field)
		}
	}
	for _, field := range []string{"providers.Bad Slug", "providers.Bad Slug.kind", "providers.Bad Slug.base_url", "providers.Bad Slug.api_key", "providers.Bad Slug.api_key_env"} {
		if got[field] != 1 {
			t.Errorf("%s is told %d times", field, got[field])
		}
	}
	if got["aliases.a b"] != 2 { // the name and the target
		t.Errorf("aliases.a b is told %d times", got["aliases.a b"])
	}
	if strings.Contains(err.Error(), "planted") {
		t.Errorf("a secret is shown:\n%v", err)
	}
}

// Each border, from just outside to just inside.
func TestValidateBorders(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Config)
		ok     bool
	}{
		"port 0":                  {func(c *config.Config) { c.Listen = ":0" }, true},
		"port 65535":              {func(c *config.Config) { c.Listen = "[::1]:65535" }, true},
		"port 65536":              {func(c *config.Config) { c.Listen = ":65536" }, false},
		"a port's name":           {func(c *config.Config) { c.Listen = ":http" }, false},
		"body 1023":               {func(c *config.Config) { c.Limits.MaxBodyBytes = 1023 }, false},
		"body 1 KiB":              {func(c *config.Config) { c.Limits.MaxBodyBytes = 1024 }, true},
		"body 1 GiB":              {func(c *config.Config) { c.Limits.MaxBodyBytes = config.GiB }, true},
		"body 1 GiB + 1":          {func(c *config.Config) { c.Limits.MaxBodyBytes = config.GiB + 1 }, false},
		"no grace":                {func(c *config.Config) { c.Limits.OfflineGrace = 0 }, true},
		"prefix of one letter":    {func(c *config.Config) { c.KeyPrefix = "k_" }, true},
		"prefix of seven":         {func(c *config.Config) { c.KeyPrefix = "abcdefg_" }, true},
		"prefix of eight":         {func(c *config.Config) { c.KeyPrefix = "abcdefgh_" }, false},
		"prefix of none":          {func(c *config.Config) { c.KeyPrefix = "_" }, false},
		"prefix without _":        {func(c *config.Config) { c.KeyPrefix = "tg" }, false},
		"prefix with _ in it":     {func(c *config.Config) { c.KeyPrefix = "t_g_" }, false},
		"the same prefix twice":   {func(c *config.Config) { c.KeyPrefix = c.ManagementKeyPrefix }, false},
		"root key":                {func(c *config.Config) { c.RootKey = secret.New("tgm_" + strings.Repeat("x", 12)) }, true},
		"root key of 15":          {func(c *config.Config) { c.RootKey = secret.New("tgm_" + strings.Repeat("x", 11)) }, false},
		"root key of 256":         {func(c *config.Config) { c.RootKey = secret.New("tgm_" + strings.Repeat("x", 252)) }, true},
		"root key of 257":         {func(c *config.Config) { c.RootKey = secret.New("tgm_" + strings.Repeat("x", 253)) }, false},
		"data-plane key as root":  {func(c *config.Config) { c.RootKey = secret.New("tg_x") }, false},
		"free default price":      {func(c *config.Config) { c.DefaultPrice = config.DefaultPrice{Input: price("0"), Output: price("0")} }, true},
		"slug of 40":              {func(c *config.Config) { c.Providers = slug(strings.Repeat("a", 40)) }, true},
		"slug of 41":              {func(c *config.Config) { c.Providers = slug(strings.Repeat("a", 41)) }, false},
		"slug with a digit first": {func(c *config.Config) { c.Providers = slug("1a") }, false},
		"passes, free": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", Free: true}}}}
		}, true},
		"passes, priced": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Method: "POST", Path: "/v1/*", Request: price("1")}}}}
		}, true},
		"passes, told": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", Usage: "openai", Model: "m", MaxOutputTokens: 1}}}}
		}, true},
		"passes, pointed": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", InputTokens: "/a", OutputTokens: "/b", MaxInputTokens: 1}}}}
		}, true},
		"passes, unmetered": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*"}}}}
		}, false},
		"passes, two ways": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", Free: true, Request: price("1")}}}}
		}, false},
		"passes, unbounded": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", Usage: "openai"}}}}
		}, false},
		"passes, no pointer": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", InputTokens: "a", MaxInputTokens: 1}}}}
		}, false},
		"passes, a bound for nothing": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/v1/*", Free: true, MaxInputTokens: 1}}}}
		}, false},
		"passes, no path": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "v1", Free: true}}}}
		}, false},
		"passes, no method": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Method: "TRACE", Path: "/", Free: true}}}}
		}, false},
		"passes, no format": {func(c *config.Config) {
			c.Providers = map[string]config.Provider{"mine": {BaseURL: "http://x/v1", Passthrough: []config.Passthrough{{Path: "/", Usage: "cobol", MaxInputTokens: 1}}}}
		}, false},
		"alias of several":        {func(c *config.Config) { c.Aliases = map[string][]string{"a": {"demo/x", "openai/y"}} }, true},
		"alias of the same twice": {func(c *config.Config) { c.Aliases = map[string][]string{"a": {"demo/x", "demo/x"}} }, false},
		"alias of nothing":        {func(c *config.Config) { c.Aliases = map[string][]string{"a": {}} }, false},
		"alias of too many": {func(c *config.Config) {
			c.Aliases = map[string][]string{"a": nil}
			for i := range 17 {
				c.Aliases["a"] = append(c.Aliases["a"], fmt.Sprintf("demo/%d", i))
			}
		}, false},
		"alias to the operator's":  {func(c *config.Config) { c.Providers = slug("mine"); c.Aliases = map[string][]string{"a": {"mine/x/y"}} }, true},
		"unpriced row":             {func(c *config.Config) { c.Prices = []config.PriceRow{{Provider: "demo", Model: "m"}} }, true},
		"row that starts as a >":   {func(c *config.Config) { c.Prices = []config.PriceRow{{Provider: "demo", Model: ">m"}} }, false},
		"a timezone":               {func(c *config.Config) { c.Timezone = "America/St_Johns" }, true},
		"no timezone":              {func(c *config.Config) { c.Timezone = "" }, false},
		"address without a scheme": {func(c *config.Config) { c.Providers = map[string]config.Provider{"x": {BaseURL: "h/v1"}} }, false},
		"address without a host":   {func(c *config.Config) { c.Providers = map[string]config.Provider{"x": {BaseURL: "http:///v1"}} }, false},
		"address that is none":     {func(c *config.Config) { c.Providers = map[string]config.Provider{"x": {BaseURL: "http://h:port"}} }, false},
		"address with a fragment":  {func(c *config.Config) { c.Providers = map[string]config.Provider{"x": {BaseURL: "http://h/#a"}} }, false},
	} {
		c := config.Default()
		tt.change(c)
		if err := c.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func slug(s string) map[string]config.Provider {
	return map[string]config.Provider{s: {BaseURL: "http://h"}}
}

func TestProblemsReadWell(t *testing.T) {
	c := config.Default()
	c.Limits.MaxRequestDuration = 25 * time.Hour
	c.Limits.MaxBodyBytes = 2 * config.GiB
	c.DatabaseURL = secret.New("postgres://x")
	c.Data = strings.Repeat("x", 300)
	c.OnDisconnect = strings.Repeat("y", 300)
	want := strings.Join([]string{
		`on_disconnect: "` + strings.Repeat("y", 200) + `…": must be one of auto, drain, cancel`,
		`limits.max_body_bytes: "2GiB": must be from 1KiB to 1GiB`,
		`limits.max_request_duration: "25h": must be from 1s to 24h`,
		`database_url: this build supports the embedded database only: leave this out, and let data say where it is kept`,
	}, "\n")
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What may be a password or a token in an address is never printed.
func TestShownURL(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "http://h:8080/v1": "http://h:8080/v1", "h/v1": "h/v1", "http://h:port": "",
		"https://user:planted@h/v1": "https://h", "https://planted@h:1/v1": "https://h:1", "http://h/v1?key=planted": "http://h",
		"http://h#planted": "http://h", "https://user:pl/anted@h": "", "https://user:pl?anted@h": "", "https://pl@anted@h": "",
		"https://planted/x@h": "", "user:planted@h": "", "planted@h": "", "?planted": "",
	} {
		if got := config.ShownURL(s); got != want {
			t.Errorf("%q is shown as %q, want %q", s, got, want)
		}
		c := config.Default()
		c.Providers = map[string]config.Provider{"x": {BaseURL: s}}
		if err := c.Validate(); err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("%v", err)
		}
	}
}

func TestBytesString(t *testing.T) {
	for want, b := range map[string]config.Bytes{"0": 0, "1023": 1023, "1KiB": 1024, "1025": 1025, "32MiB": 32 * config.MiB, "1536KiB": 1536 * config.KiB, "3GiB": 3 * config.GiB} {
		if b.String() != want {
			t.Errorf("%d is %s, want %s", int64(b), b, want)
		}
	}
}
