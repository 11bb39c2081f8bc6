package sdk

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/config"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/secret"
	"tollgate/internal/server"
	"tollgate/internal/simulate"
)

// gate is the whole program before a simulated provider, which it knows as
// "demo", "openai", "anthropic", "google", "azure" and "cohere".
type gate struct {
	t        *testing.T
	root     string // as the SDKs take it that are not OpenAI's
	base     string // as OpenAI's SDK takes it
	admin    *client.Client
	provider *simulate.Provider
}

func open(t *testing.T) *gate {
	t.Helper()
	for _, name := range []string{
		"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS",
		"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL",
		"AZURE_OPENAI_API_KEY", "CO_API_KEY", "COHERE_API_KEY",
	} {
		t.Setenv(name, "") // the SDKs read them, and so would Tollgate
	}
	g := &gate{t: t, provider: simulate.New(simulate.Options{Keep: true})}
	upstream := httptest.NewUnstartedServer(g.provider)
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0) // an answer cut on purpose is no news
	upstream.Start()
	t.Cleanup(upstream.Close)

	cfg := config.Default()
	cfg.Listen, cfg.Data = "127.0.0.1:0", t.TempDir()
	cfg.RootKey = key.New(key.ManagementPrefix)
	cfg.Providers = map[string]config.Provider{
		"demo":   {Kind: "demo", BaseURL: upstream.URL + "/v1", APIKey: secret.New("sk-demo")},
		"openai": {BaseURL: upstream.URL + "/v1", APIKey: secret.New("sk-openai")},

		"anthropic": {BaseURL: upstream.URL, APIKey: secret.New("sk-ant")},
		"google":    {BaseURL: upstream.URL, APIKey: secret.New("AIza")},
		"azure":     {BaseURL: upstream.URL, APIKey: secret.New("azure-credential")},
		"cohere":    {BaseURL: upstream.URL, APIKey: secret.New("cohere-credential")},
	}
	ctx, stop := context.WithCancel(context.Background())
	srv, err := server.New(ctx, cfg, server.Options{})
	if err != nil {
		stop()
		t.Fatalf("start: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	g.root = "http://" + srv.Addr().String()
	g.base = g.root + "/v1"
	g.admin = client.New(g.root, cfg.RootKey.Reveal())
	return g
}

// key makes a key.
func (g *gate) key(in api.KeyInput) api.KeyCreated {
	g.t.Helper()
	in.Name = api.Set("test")
	created, err := g.admin.CreateKey(g.t.Context(), in)
	if err != nil {
		g.t.Fatalf("create a key: %v", err)
	}
	return created
}

// sent counts the requests that an SDK sends, retries too.
type sent struct{ atomic.Int64 }

func (s *sent) count(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	s.Add(1)
	return next(req)
}

// sdk is the official client, told where Tollgate is and with which key.
func (g *gate) sdk(key string) (openai.Client, *sent) { return sdkAt(g.base, key) }

// sdkAt is the official client, told of one address and one key.
func sdkAt(base, key string) (openai.Client, *sent) {
	s := new(sent)
	return openai.NewClient(option.WithBaseURL(base), option.WithAPIKey(key), option.WithMiddleware(s.count)), s
}

// client is an SDK with a key that is limited in nothing, but for what in says.
func (g *gate) client(in api.KeyInput) (openai.Client, *sent) {
	g.t.Helper()
	return g.sdk(g.key(in).SecretKey)
}

// served is the only request that the provider has billed.
func (g *gate) served() simulate.Served {
	g.t.Helper()
	all := g.provider.Served()
	if len(all) != 1 {
		g.t.Fatalf("the provider served %d requests, want 1", len(all))
	}
	return all[0]
}

// prices are what a token of each class costs, in nano-dollars.
type prices struct{ input, cacheRead, cacheWrite, cacheWrite1h, audio, output int64 }

// booked checks the only entry of a key against what the provider billed, to the
// token and to the nano-dollar.
func (g *gate) booked(keyID, format string, p prices) {
	g.t.Helper()
	rows, err := g.admin.Usage(g.t.Context(), client.UsageQuery{KeyID: keyID})
	if err != nil || len(rows.Usage) != 1 {
		g.t.Fatalf("rows %+v, %v", rows, err)
	}
	row, s := rows.Usage[0], g.served()
	if row.Outcome != "settled" || row.APIFormat != format || row.UpstreamRequestID != s.UpstreamID {
		g.t.Errorf("booked %+v", row)
	}
	if row.InputTokens+row.CacheReadTokens+row.CacheWriteTokens != s.InputTokens || row.CacheReadTokens != s.CachedTokens ||
		row.CacheWriteTokens != s.CacheWriteTokens || row.OutputTokens != s.OutputTokens || row.ReasoningTokens != s.ReasoningTokens {
		g.t.Errorf("booked %+v, the provider billed %+v", row, s)
	}
	fresh := s.InputTokens - s.CachedTokens - s.CacheWriteTokens - s.InputAudioTokens
	cost := fresh*p.input + s.CachedTokens*p.cacheRead + (s.CacheWriteTokens-s.CacheWrite1h)*p.cacheWrite + s.CacheWrite1h*p.cacheWrite1h +
		s.InputAudioTokens*p.audio + s.OutputTokens*p.output
	if want := money.NanoUSD(cost).String(); row.CostUSD != want {
		g.t.Errorf("cost %s, want %s: %+v", row.CostUSD, want, s)
	}
}

// until waits for what no caller sees the moment of.
func (g *gate) until(what string, done func() bool) {
	g.t.Helper()
	for deadline := time.After(10 * time.Second); !done(); {
		select {
		case <-deadline:
			g.t.Fatalf("in vain waited for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// simulated tells the provider how to answer.
func simulated(name, value string) option.RequestOption {
	return option.WithHeader("X-Simulate-"+name, value)
}

func hello(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model,
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("You are terse."), openai.UserMessage("Hello"),
		},
	}
}
