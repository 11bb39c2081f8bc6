package chaos

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/config"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/secret"
	"tollgate/internal/server"
	"tollgate/internal/simulate"
)

// gate is a running Tollgate, in this process or in a child, as its callers see
// it.
type gate struct {
	base  string
	root  string // the root management key
	admin *client.Client
	http  *http.Client
	log   *transcript
}

func newGate(t *testing.T, base, root string, log *transcript) *gate {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 600, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &gate{base: base, root: root, admin: client.New(base, root), http: &http.Client{Transport: transport}, log: log}
}

// provider is a simulated provider on a port of its own.
type provider struct {
	*simulate.Provider
	url string // as base_url takes it
}

func newProvider(t *testing.T, b simulate.Behaviour, wrap func(http.Handler) http.Handler) *provider {
	t.Helper()
	p := &provider{Provider: simulate.New(simulate.Options{Behaviour: b, Keep: true})}
	var h http.Handler = p
	if wrap != nil {
		h = wrap(h)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet()
	s.Start()
	t.Cleanup(s.Close)
	p.url = s.URL + "/v1"
	return p
}

// start runs a gate in this process before the provider, until the test ends or
// the returned function is called.
func start(t *testing.T, p *provider, change func(*config.Config)) (*gate, func()) {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data = "127.0.0.1:0", t.TempDir()
	cfg.RootKey = key.New(key.ManagementPrefix)
	cfg.Providers = map[string]config.Provider{"demo": {Kind: "demo", BaseURL: p.url, APIKey: secret.New("sk-provider-credential")}}
	if change != nil {
		change(cfg)
	}
	log := &transcript{}
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, cfg, server.Options{Log: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	end := func() {
		if ended {
			return
		}
		ended = true
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
	t.Cleanup(end)
	return newGate(t, "http://"+s.Addr().String(), cfg.RootKey.Reveal(), log), end
}

// newKey makes a key without rate limits, but for what in says.
func (g *gate) newKey(t *testing.T, in api.KeyInput) api.KeyCreated {
	t.Helper()
	for _, rate := range []*api.Optional[int64]{&in.RateLimitPerMinute, &in.RateLimitPerHour, &in.RateLimitPerDay} {
		if rate.IsZero() {
			*rate = api.Null[int64]()
		}
	}
	if in.Name.IsZero() {
		in.Name = api.Set(t.Name())
	}
	created, err := g.admin.CreateKey(t.Context(), in)
	if err != nil {
		t.Fatalf("create a key: %v", err)
	}
	return created
}

// rows are all entries of a key ("" = of all keys), newest first.
func (g *gate) rows(t *testing.T, keyID string) []api.UsageRow {
	t.Helper()
	var all []api.UsageRow
	for page := 1; ; page++ {
		list, err := g.admin.Usage(t.Context(), client.UsageQuery{KeyID: keyID, Page: page, Size: 1000})
		if err != nil {
			t.Fatalf("list usage: %v", err)
		}
		all = append(all, list.Usage...)
		if len(list.Usage) == 0 || len(all) >= list.Total {
			return all
		}
	}
}

// counters are the figures of one limit that key is under, by its subject and the
// field it was set with.
func (g *gate) counters(t *testing.T, key api.KeyCreated, subject, field string) (used, held, max int64) {
	t.Helper()
	result, err := g.admin.Explain(t.Context(), api.ExplainRequest{Key: key.SecretKey, Model: "demo-large"})
	if err != nil {
		t.Fatalf("explain: %v", err)
	}
	for _, step := range result.Steps {
		if l := step.Limit; l != nil && step.Rule == field && l.SubjectID == subject {
			return figure(t, l.Used), figure(t, l.Held), figure(t, l.Max)
		}
	}
	t.Fatalf("explain has no step %s of %s: %+v", field, subject, result.Steps)
	return 0, 0, 0
}

// figure is an amount in its own unit; money in nano-dollars.
func figure(t *testing.T, a api.Amount) int64 {
	t.Helper()
	switch {
	case a.USD != nil:
		return nano(t, *a.USD)
	case a.Tokens != nil:
		return *a.Tokens
	case a.Requests != nil:
		return *a.Requests
	case a.InFlight != nil:
		return *a.InFlight
	}
	t.Fatal("an amount without a unit")
	return 0
}

func nano(t *testing.T, usd string) int64 {
	t.Helper()
	n, err := money.ParseUSD(usd)
	if err != nil {
		t.Fatalf("cost %q: %v", usd, err)
	}
	return int64(n)
}

// cost is what a request costs by the demo's price list, in nano-dollars, worked
// out here again: $0.15 and $0.60 a million tokens are 150 and 600 nano-dollars
// for each.
func cost(s simulate.Served) int64 {
	in, out := int64(150), int64(600)
	if s.Model == "demo-large" {
		in, out = 2_500, 10_000
	}
	return s.InputTokens*in + s.OutputTokens*out
}

// tokens are what a request used.
func tokens(s simulate.Served) int64 { return s.InputTokens + s.OutputTokens }

// rowTokens are all tokens of an entry.
func rowTokens(r api.UsageRow) int64 {
	return r.InputTokens + r.CacheReadTokens + r.CacheWriteTokens + r.OutputTokens
}

// rounds is how many rounds to go: otherwise, unless the environment says.
func rounds(t *testing.T, otherwise int) int {
	t.Helper()
	v := os.Getenv("TOLLGATE_CHAOS_ROUNDS")
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("TOLLGATE_CHAOS_ROUNDS=%q is no number of rounds", v)
	}
	return n
}

// within is a context that ends a test which hangs.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func drain(r io.ReadCloser) {
	_, _ = io.Copy(io.Discard, r)
	_ = r.Close()
}
