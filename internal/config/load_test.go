package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"tollgate/internal/config"
	"tollgate/internal/money"
	"tollgate/internal/secret"
)

// file writes a configuration file.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load expects no error and no warning.
func load(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	path := ""
	if text != "" {
		path = file(t, text)
	}
	c, warnings, err := config.Load(path, environ)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	return c
}

func price(s string) *money.Price {
	p, err := money.ParsePrice(s)
	if err != nil {
		panic(err)
	}
	return &p
}

func TestDefaultsWork(t *testing.T) {
	for name, text := range map[string]string{"no file": "", "an empty file": "\n", "a comment": "# nothing\n", "null": "~\n", "empty names": "limits:\nlisten:\nproviders:\n"} {
		c := load(t, text)
		if diff := cmp.Diff(config.Default(), c, cmp.AllowUnexported(secret.Text{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.Configured()) != 0 {
			t.Errorf("%s: configured: %v", name, c.Configured())
		}
	}
}

func TestFile(t *testing.T) {
	c := load(t, `
listen: :9000
data: /var/lib/tollgate
root_key: acmem_abcdefghijkl
key_prefix: acme_
management_key_prefix: acmem_
trusted_proxies: [10.1.2.3/8, 192.0.2.7, "::1"]
timezone: Europe/Berlin
default_price: {input: 1.5, output: 3}
on_disconnect: drain
drain_timeout: 1m30s
shutdown_timeout: 0s
limits: &l
  max_body_bytes: 1048576
  max_header_bytes: 8 KiB
  min_output_tokens: 1
journal: {segment_bytes: 1GiB}
log: {level: debug, format: text, requests: true}
aliases:
  fast: openai/gpt-4o-mini
  good: [openai/gpt-4.1, demo/demo-large]
prices:
  - provider: openai
    model: ft:gpt-4o-mini*
    context: 128000
    max_output: 16384
    input: 0.30
    output: 1.20
    cache_read: 0
    image: 0.04
    aliases: [a, b]
    capabilities: chat, images
    tiers: [{above: 200000, input: 0.6, output: 2.4, cache_write_1h: 5}]
`)
	want := config.Default()
	want.Listen, want.Data = ":9000", "/var/lib/tollgate"
	want.RootKey, want.KeyPrefix, want.ManagementKeyPrefix = secret.New("acmem_abcdefghijkl"), "acme_", "acmem_"
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128")}
	want.Timezone = "Europe/Berlin"
	want.DefaultPrice = config.DefaultPrice{Input: price("1.5"), Output: price("3")}
	want.OnDisconnect, want.DrainTimeout, want.ShutdownTimeout = "drain", 90*time.Second, 0
	want.Limits.MaxBodyBytes, want.Limits.MaxHeaderBytes, want.Limits.MinOutputTokens = config.MiB, 8*config.KiB, 1
	want.Journal.SegmentBytes = config.GiB
	want.Log = config.Log{Level: "debug", Format: "text", Requests: true}
	want.Aliases = map[string][]string{"fast": {"openai/gpt-4o-mini"}, "good": {"openai/gpt-4.1", "demo/demo-large"}}
	want.Prices = []config.PriceRow{{
		Provider: "openai", Model: "ft:gpt-4o-mini*", Context: 128000, MaxOutput: 16384,
		TokenPrices: config.TokenPrices{Input: price("0.30"), Output: price("1.20"), CacheRead: price("0")},
		Image:       price("0.04"), Aliases: []string{"a", "b"}, Capabilities: []string{"chat", "images"},
		Tiers: []config.PriceTier{{Above: 200000, TokenPrices: config.TokenPrices{Input: price("0.6"), Output: price("2.4"), CacheWrite1h: price("5")}}},
	}}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(secret.Text{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestRowText(t *testing.T) {
	for want, row := range map[string]config.PriceRow{
		"openai ft:* 128000 16384 0.30 1.20 cache_read=0.00 image=0.04 alias=a alias=b chat images >200000 0.60 2.40 cache_write_1h=5.00": {
			Provider: "openai", Model: "ft:*", Context: 128000, MaxOutput: 16384,
			TokenPrices: config.TokenPrices{Input: price("0.3"), Output: price("1.2"), CacheRead: price("0")},
			Image:       price("0.04"), Aliases: []string{"a", "b"}, Capabilities: []string{"chat", "images"},
			Tiers: []config.PriceTier{{Above: 200000, TokenPrices: config.TokenPrices{Input: price("0.6"), Output: price("2.4"), CacheWrite1h: price("5")}}},
		},
		"cohere rerank-x - - - - search=0.002": {Provider: "cohere", Model: "rerank-x", Search: price("0.002")},
	} {
		if got := row.Text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// A flag is laid over the result of Load by its owner, so it wins as well.
func TestPrecedence(t *testing.T) {
	const text = "listen: file:1\n"
	if c := load(t, ""); c.Listen != "127.0.0.1:8080" {
		t.Errorf("default: %s", c.Listen)
	}
	if c := load(t, text); c.Listen != "file:1" {
		t.Errorf("the file over the default: %s", c.Listen)
	}
	c := load(t, text, "TOLLGATE_LISTEN=env:2")
	if c.Listen != "env:2" {
		t.Errorf("the variable over the file: %s", c.Listen)
	}
	c.Listen = "flag"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `listen: "flag"`) {
		t.Errorf("the flag over the variable, and looked at: %v", err)
	}
}

func TestVariables(t *testing.T) {
	c := load(t, "aliases: {a: openai/x, b: openai/y}\ntrusted_proxies: [10.0.0.0/8]\n",
		"PATH=/bin", "TOLLGATE_URL=http://x", "TOLLGATE_TOKEN=tgm_x", "TOLLGATE_KEY=tg_x", "TOLLGATE_CONFIG=x.yaml", "TOLLGATE_DATA=", "TOLLGATE_TIMEZONE=x", "TOLLGATE_TIMEZONE=",
		"TOLLGATE_LIMITS_MAX_BODY_BYTES=1MiB",
		"TOLLGATE_LOG_REQUESTS=true",
		"TOLLGATE_KEY_PREFIX=0123_",
		"TOLLGATE_ROOT_KEY= tgm_root\n",
		"TOLLGATE_DEFAULT_PRICE_INPUT=0.5", "TOLLGATE_DEFAULT_PRICE_OUTPUT=0",
		"TOLLGATE_TRUSTED_PROXIES=192.0.2.0/24, 2001:db8::/32,",
		"TOLLGATE_ALIASES=b=openai/z, c=demo/demo-mini",
		`TOLLGATE_PRICES= [{"provider": "demo", "model": "m", "input": 1, "output": 2}]`,
		"TOLLGATE_DATABASE_URL=postgres://u:p@h/db", "TOLLGATE_REDIS_URL=redis://h",
	)
	if c.Data != "./tollgate-data" || c.Timezone != "UTC" {
		t.Errorf("an empty variable counts as set: %q, %q", c.Data, c.Timezone)
	}
	if c.Limits.MaxBodyBytes != config.MiB || !c.Log.Requests || c.KeyPrefix != "0123_" || c.RootKey.Reveal() != "tgm_root" {
		t.Errorf("%+v, root key %q", c, c.RootKey.Reveal())
	}
	if *c.DefaultPrice.Input != 500_000 || *c.DefaultPrice.Output != 0 {
		t.Errorf("default price %+v", c.DefaultPrice)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}; !slices.Equal(c.TrustedProxies, want) {
		t.Errorf("proxies %v", c.TrustedProxies)
	}
	if diff := cmp.Diff(map[string][]string{"a": {"openai/x"}, "b": {"openai/z"}, "c": {"demo/demo-mini"}}, c.Aliases); diff != "" {
		t.Error(diff)
	}
	if len(c.Prices) != 1 || c.Prices[0].Model != "m" {
		t.Errorf("prices %+v", c.Prices)
	}
	if c.DatabaseURL.IsZero() || c.RedisURL.IsZero() {
		t.Error("the database variables are not read")
	}
}

func TestProviders(t *testing.T) {
	const text = `
providers:
  openai: {api_key: from-file}
  google: {api_key_env: MY_GOOGLE}
  vllm-2: {base_url: "http://10.0.0.5:8000/v1/"}
  second: {kind: anthropic, api_key: k2}
  unused: {}
`
	type endpoint struct{ slug, kind, base, key string }
	for _, tt := range []struct {
		name    string
		text    string
		environ []string
		want    []endpoint
	}{
		{"usual variables", "", []string{"OPENAI_API_KEY=o", "ANTHROPIC_API_KEY=a", "GEMINI_API_KEY=g", "GOOGLE_API_KEY=no", "COHERE_API_KEY=c", "HF_TOKEN=h\n"}, []endpoint{
			{"anthropic", "anthropic", "https://api.anthropic.com", "a"},
			{"cohere", "cohere", "https://api.cohere.com", "c"},
			{"google", "google", "https://generativelanguage.googleapis.com", "g"},
			{"huggingface", "huggingface", "https://router.huggingface.co/v1", "h"},
			{"openai", "openai", "https://api.openai.com/v1", "o"},
		}},
		{"the other Google variable", "", []string{"GOOGLE_API_KEY=g"}, []endpoint{{"google", "google", "https://generativelanguage.googleapis.com", "g"}}},
		{"azure with its address", "", []string{"AZURE_OPENAI_API_KEY=z", "TOLLGATE_AZURE_BASE_URL=https://x.openai.azure.com"}, []endpoint{{"azure", "azure", "https://x.openai.azure.com", "z"}}},
		{"a private server without a key", "", []string{"TOLLGATE_OPENAI_BASE_URL=http://127.0.0.1:9000/v1", "TOLLGATE_CUSTOM_BASE_URL=http://127.0.0.1:1/v1"}, []endpoint{
			{"custom", "custom", "http://127.0.0.1:1/v1", ""}, {"openai", "openai", "http://127.0.0.1:9000/v1", ""},
		}},
		{"file", text, []string{"MY_GOOGLE=mine", "GEMINI_API_KEY=usual"}, []endpoint{
			{"google", "google", "https://generativelanguage.googleapis.com", "mine"},
			{"openai", "openai", "https://api.openai.com/v1", "from-file"},
			{"second", "anthropic", "https://api.anthropic.com", "k2"},
			{"vllm-2", "custom", "http://10.0.0.5:8000/v1", ""},
		}},
		{"variables over the file", text, []string{
			"MY_GOOGLE=mine", "OPENAI_API_KEY=usual", "TOLLGATE_VLLM_2_BASE_URL=http://h/v1", "TOLLGATE_VLLM_2_API_KEY=v",
			"TOLLGATE_PROVIDERS_SECOND_KIND=cohere", "TOLLGATE_PROVIDERS_GOOGLE_API_KEY=ours",
		}, []endpoint{
			{"google", "google", "https://generativelanguage.googleapis.com", "ours"},
			{"openai", "openai", "https://api.openai.com/v1", "usual"},
			{"second", "cohere", "https://api.cohere.com", "k2"},
			{"vllm-2", "custom", "http://h/v1", "v"},
		}},
		{"only in variables", "", []string{"TOLLGATE_PROVIDERS_MY_LLM_BASE_URL=http://h/v1", "TOLLGATE_PROVIDERS_MY_LLM_API_KEY_ENV=K", "K=k"}, []endpoint{{"my-llm", "custom", "http://h/v1", "k"}}},
		{"as one variable", "", []string{"TOLLGATE_PROVIDERS={x: {base_url: 'http://h'}, y: {base_url: 'http://i'}}"}, []endpoint{{"x", "custom", "http://h", ""}, {"y", "custom", "http://i", ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tt.text, tt.environ...)
			var got []endpoint
			for _, e := range c.Configured() {
				got = append(got, endpoint{e.Slug, e.Kind, e.BaseURL, e.APIKey.Reveal()})
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
			if err := c.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	c, warnings, err := config.Load(file(t, "providers: {mine: {base_url: 'http://h', api_key_env: NOT_THERE}}\n"), []string{
		"TOLLGATE_LISTN=x", "TOLLGATE_LIMITS_MAX_BODY_BYTE=1", "TOLLGATE_OPENAI_BASEURL=x", "TOLLGATE_TOKENS=x", "TOLLGATE_ZZZZZZZZZZZZZZZZZZZZZZZZZZZ=x",
		"TOLLGATE_PROVIDERS_BASE_URL=x", "NOT_OURS=x", "AZURE_OPENAI_API_KEY=z",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, w := range warnings {
		got[w.Name] = w.Text
		if w.String() != w.Name+": "+w.Text {
			t.Errorf("%q", w)
		}
	}
	for name, want := range map[string]string{
		"TOLLGATE_LISTN":                       "did you mean TOLLGATE_LISTEN?",
		"TOLLGATE_LIMITS_MAX_BODY_BYTE":        "did you mean TOLLGATE_LIMITS_MAX_BODY_BYTES?",
		"TOLLGATE_OPENAI_BASEURL":              "did you mean TOLLGATE_OPENAI_BASE_URL?",
		"TOLLGATE_TOKENS":                      "did you mean TOLLGATE_TOKEN?",
		"TOLLGATE_ZZZZZZZZZZZZZZZZZZZZZZZZZZZ": "unknown variable, ignored",
		"TOLLGATE_PROVIDERS_BASE_URL":          "unknown variable, ignored; did you mean",
		"providers.mine.api_key_env":           "the variable NOT_THERE is not set",
		"providers.azure.base_url":             "TOLLGATE_AZURE_BASE_URL",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q lacks %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("further warnings: %v", got)
	}
	if len(c.Configured()) != 1 {
		t.Errorf("azure without an address is configured: %+v", c.Configured())
	}
}

func TestLoadTellsEverythingAtOnce(t *testing.T) {
	c, _, err := config.Load(file(t, `listn: x
limits:
  max_body_byte: 1
  max_body_bytes: lots
  read_header_timeout: 10
  min_output_tokens: 1.5
trusted_proxies: [10.0.0.0/8, nowhere, 10.0.0.0/99]
log: {requests: yes, level: [info]}
journal: 5
root_key: {a: planted-secret}
default_price: {input: 1e3, output: -1}
listen: a:1
listen: b:2
prices: {provider: openai}
providers: {x: {base_url: http://h, base: y}}
aliases: fast
? [1, 2]
: 3
`), []string{"TOLLGATE_LIMITS_OFFLINE_GRACE=never", "TOLLGATE_PRICES= [{", "TOLLGATE_PROVIDERS_Y_KIND=custom"})
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	text := err.Error()
	for _, want := range []string{
		"listn (tollgate.yaml line 1): unknown name; did you mean listen?",
		"limits.max_body_byte (tollgate.yaml line 3): unknown name; did you mean max_body_bytes?",
		`limits.max_body_bytes (tollgate.yaml line 4): "lots": want a size like 32MiB`,
		`limits.read_header_timeout (tollgate.yaml line 5): "10": want a time like 30s`,
		`limits.min_output_tokens (tollgate.yaml line 6): "1.5": want a whole number`,
		`trusted_proxies[1] (tollgate.yaml line 7): "nowhere": want an IP address`,
		`trusted_proxies[2] (tollgate.yaml line 7): "10.0.0.0/99"`,
		`log.requests (tollgate.yaml line 8): "yes": want true or false`,
		"log.level (tollgate.yaml line 8): want one value, not a list",
		"journal (tollgate.yaml line 9): want a table",
		"root_key (tollgate.yaml line 10): want one value",
		`default_price.input (tollgate.yaml line 11): "1e3": not a decimal number`,
		`default_price.output (tollgate.yaml line 11): "-1"`,
		"listen (tollgate.yaml line 13): given twice",
		"prices (tollgate.yaml line 14): want a list",
		"providers.x.base (tollgate.yaml line 15): unknown name; did you mean base_url?",
		"aliases (tollgate.yaml line 16): want a table",
		"(tollgate.yaml line 17): want a plain name",
		`limits.offline_grace (TOLLGATE_LIMITS_OFFLINE_GRACE): "never"`,
		"prices (TOLLGATE_PRICES): not YAML",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if len(problems) != 20 {
		t.Errorf("%d problems:\n%s", len(problems), text)
	}
	if strings.Contains(text, "planted-secret") {
		t.Error("a secret is shown")
	}
	if c.Listen != "a:1" || c.Limits.MaxBodyBytes != 32*config.MiB || c.DefaultPrice.Input != nil {
		t.Errorf("what could be read is not there, or what could not is: %+v", c)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("a value that was not read is told twice: %v", err)
	}
}

func TestLoadFileTrouble(t *testing.T) {
	for name, want := range map[string]string{
		file(t, "a: b: c\n"):                         "not YAML",
		file(t, "\t- x"):                             "not YAML",
		file(t, "{}\n---\n{}\n"):                     "more than one YAML document",
		file(t, "- listen\n"):                        "want a table",
		file(t, "x: &a [*a]\n"):                      "unknown name",
		file(t, "log: &a {x: *a}"):                   "log.x",
		file(t, "log: {level: !!binary x, a: !x y}"): "log.a",
	} {
		if _, _, err := config.Load(name, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	c, _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if !errors.Is(err, fs.ErrNotExist) || c == nil {
		t.Errorf("no file: %v, %v", c, err)
	}
}

func TestAnchorsWork(t *testing.T) {
	c := load(t, "providers: {a: &p {base_url: 'http://h', api_key: k}, b: *p}\n")
	if got := c.Configured(); len(got) != 2 || got[1].BaseURL != "http://h" {
		t.Errorf("%+v", got)
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	c := load(t, "providers: {x: {base_url: 'http://h', api_key: planted-1}}\n",
		"TOLLGATE_ROOT_KEY=planted-2", "TOLLGATE_DATABASE_URL=planted-3", "OPENAI_API_KEY=planted-4")
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(asJSON), string(asYAML), fmt.Sprintf("%v %+v %#v %v", c, c, c, *c), fmt.Sprintf("%+v", c.Configured()), fmt.Sprint(c.Validate())} {
		if strings.Contains(text, "planted") {
			t.Errorf("a secret is shown: %s", text)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{"", "listen: x", "limits: {max_body_bytes: 1KiB}", "aliases: {a: b}", "prices: [{input: 1}]", "providers: {x: {}}", "a: &a [*a]", "log: *x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, _ := config.Load(path, []string{"TOLLGATE_PRICES=" + strings.ReplaceAll(text, "\x00", "")})
		_ = c.Validate()
		for _, row := range c.Prices {
			_ = row.Text()
		}
	})
}

func TestPassthroughIsRead(t *testing.T) {
	c := load(t, "providers: {mine: {base_url: http://x/v1, passthrough: [{path: /v1/files*, free: true}, {method: POST, path: /v1/jobs, request: 0.50}]}}\n",
		`TOLLGATE_PROVIDERS_OPENAI_PASSTHROUGH=[{path: /v1/told, usage: openai, model: gpt-4o, max_output_tokens: 9}]`)
	want := map[string][]config.Passthrough{
		"mine":   {{Path: "/v1/files*", Free: true}, {Method: "POST", Path: "/v1/jobs", Request: price("0.50")}},
		"openai": {{Path: "/v1/told", Usage: "openai", Model: "gpt-4o", MaxOutputTokens: 9}},
	}
	for slug, rules := range want {
		if diff := cmp.Diff(rules, c.Providers[slug].Passthrough); diff != "" {
			t.Errorf("%s: %s", slug, diff)
		}
	}
}
