package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

const (
	demoCredential   = "sk-demo-credential-4711"
	openaiCredential = "sk-openai-credential-0815"
)

// gate is the whole program before a simulated provider, on ports of its own.
// The tests go through its doors: the data plane over HTTP, everything else over
// the management API.
type gate struct {
	t        *testing.T
	base     string
	root     string
	admin    *client.Client
	http     *http.Client
	provider *provider
	log      *logged
}

// provider is a simulated provider that remembers the latest request and can be
// told to answer otherwise.
type provider struct {
	*simulate.Provider
	url string

	mu     sync.Mutex
	uri    string // path and query
	header http.Header
	body   []byte
	answer http.HandlerFunc // nil = the simulated provider
	left   chan struct{}    // gets one for each request whose connection the gate closed
}

// ServeHTTP takes a note and answers.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	p.uri, p.header, p.body = r.URL.RequestURI(), r.Header.Clone(), body
	answer := p.answer
	p.mu.Unlock()
	defer context.AfterFunc(r.Context(), func() {
		select {
		case p.left <- struct{}{}:
		default:
		}
	})()
	if answer != nil {
		answer(w, r)
		return
	}
	p.Provider.ServeHTTP(w, r)
}

// latest is the request that came last, as the provider got it.
func (p *provider) latest() (http.Header, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.header, string(p.body)
}

// latestURI is the path and the query of the request that came last.
func (p *provider) latestURI() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uri
}

// answers makes the provider answer with f; nil = simulated.
func (p *provider) answers(f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// open starts a gate with three providers: "demo" and "openai", which are the
// simulated one, and "dead", where nobody listens.
func open(t *testing.T, change func(*config.Config)) *gate {
	t.Helper()
	p := &provider{Provider: simulate.New(simulate.Options{Keep: true}), left: make(chan struct{}, 16)}
	s := httptest.NewUnstartedServer(p)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	p.url = s.URL

	cfg := config.Default()
	cfg.Listen, cfg.Data = "127.0.0.1:0", t.TempDir()
	cfg.RootKey = key.New(key.ManagementPrefix)
	cfg.Credentials.CheckNew = false // or the provider gets requests that the tests did not send
	one := price(t, "1.00")
	cfg.Providers = map[string]config.Provider{
		"demo":   {Kind: "demo", BaseURL: s.URL + "/v1", APIKey: secret.New(demoCredential)},
		"openai": {BaseURL: s.URL + "/v1", APIKey: secret.New(openaiCredential)},
		"dead":   {BaseURL: "http://" + nobody(t) + "/v1"},
	}
	cfg.Prices = []config.PriceRow{{Provider: "dead", Model: "ghost", MaxOutput: 1000, TokenPrices: config.TokenPrices{Input: one, Output: one}}}
	cfg.Aliases = map[string][]string{"house-model": {"demo/demo-large"}}
	if change != nil {
		change(cfg)
	}
	g := &gate{t: t, root: cfg.RootKey.Reveal(), provider: p, log: &logged{}}
	ctx, stop := context.WithCancel(context.Background())
	srv, err := server.New(ctx, cfg, server.Options{Log: slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
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
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	g.base = "http://" + srv.Addr().String()
	g.http = &http.Client{Transport: transport}
	g.admin = client.New(g.base, g.root)
	return g
}

// nobody is an address where nobody listens while the test runs: its port is in
// use as the near end of a connection, so no listener can be given it.
func nobody(t *testing.T) string {
	t.Helper()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	near, err := net.Dial("tcp", far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	return near.LocalAddr().String()
}

func price(t *testing.T, usd string) *money.Price {
	t.Helper()
	p, err := money.ParsePrice(usd)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// key makes a key without rate limits, but for what in says.
func (g *gate) key(in api.KeyInput) api.KeyCreated {
	g.t.Helper()
	for _, rate := range []*api.Optional[int64]{&in.RateLimitPerMinute, &in.RateLimitPerHour, &in.RateLimitPerDay} {
		if rate.IsZero() {
			*rate = api.Null[int64]()
		}
	}
	if in.Name.IsZero() {
		in.Name = api.Set("test")
	}
	created, err := g.admin.CreateKey(g.t.Context(), in)
	if err != nil {
		g.t.Fatalf("create a key: %v", err)
	}
	return created
}

// hard is a key with a budget that no test uses up.
func hard() api.KeyInput { return api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)} }

// rows are the entries of a key, newest first.
func (g *gate) rows(keyID string) []api.UsageRow {
	g.t.Helper()
	list, err := g.admin.Usage(g.t.Context(), client.UsageQuery{KeyID: keyID, Size: 1000})
	if err != nil {
		g.t.Fatalf("usage: %v", err)
	}
	return list.Usage
}

// eventually waits until done says so, for what the caller cannot see the end
// of, because it has left.
func (g *gate) eventually(what string, done func() bool) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 10*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			g.t.Fatalf("in vain waited for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// row waits for the only entry of a key.
func (g *gate) row(keyID string) api.UsageRow {
	g.t.Helper()
	var rows []api.UsageRow
	g.eventually("an entry", func() bool { rows = g.rows(keyID); return len(rows) > 0 })
	if len(rows) != 1 {
		g.t.Fatalf("%d entries, not 1: %+v", len(rows), rows)
	}
	return rows[0]
}

// logged is the server's log. It is safe for concurrent use.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// ask is a request to the data plane. The zero value of a field is the usual.
type ask struct {
	method, path string // POST /v1/chat/completions
	key          string // in Authorization; "" = no key
	body         string // "" = chat(model, …)
	model        string // demo-large
	stream       bool
	max          int // max_tokens
	header       map[string]string
}

// chat is a body of a chat completion.
func chat(model string, stream bool, max int) string {
	b := map[string]any{"model": model, "messages": []any{map[string]any{"role": "user", "content": "Hello, who are you?"}}}
	if stream {
		b["stream"] = true
	}
	if max > 0 {
		b["max_tokens"] = max
	}
	text, _ := json.Marshal(b) // plain values: cannot fail
	return string(text)
}

// request builds a.
func (g *gate) request(ctx context.Context, a ask) *http.Request {
	g.t.Helper()
	if a.method == "" {
		a.method = http.MethodPost
	}
	if a.path == "" {
		a.path = "/v1/chat/completions"
	}
	if a.model == "" {
		a.model = "demo-large"
	}
	if a.body == "" && a.method == http.MethodPost {
		a.body = chat(a.model, a.stream, a.max)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, g.base+a.path, strings.NewReader(a.body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	for name, value := range a.header {
		if value == "" {
			req.Header.Del(name)
			continue
		}
		req.Header.Set(name, value)
	}
	return req
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	fault  openaiError // of an error
	err    error       // of reading the body
}

// do sends a and reads the answer.
func (g *gate) do(a ask) reply {
	g.t.Helper()
	resp, err := g.http.Do(g.request(g.t.Context(), a))
	if err != nil {
		g.t.Fatalf("no answer: %v", err)
	}
	return read(resp)
}

func read(resp *http.Response) reply {
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(b), err: err}
	_ = json.Unmarshal(b, &r.fault) // what is no error stays empty
	return r
}

// openaiError is the error object of the OpenAI API reference.
type openaiError struct {
	Error struct {
		Message string
		Type    string
		Param   *string
		Code    string
	}
}

// complete reports whether the answer is whole.
func (r reply) complete(stream bool) bool {
	if stream {
		return r.status == http.StatusOK && strings.HasSuffix(r.body, "data: [DONE]\n\n")
	}
	return r.status == http.StatusOK && r.err == nil && json.Valid([]byte(r.body))
}

// want fails unless the answer is an error of this status and code.
func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.fault.Error.Code != code {
		t.Errorf("status %d, code %q, not %d %s: %.500s", r.status, r.fault.Error.Code, status, code, r.body)
	}
}

// nano is an amount of dollars in nano-dollars.
func nano(t *testing.T, usd string) int64 {
	t.Helper()
	n, err := money.ParseUSD(usd)
	if err != nil {
		t.Fatalf("cost %q: %v", usd, err)
	}
	return int64(n)
}

func usd(nano int64) string { return money.NanoUSD(nano).String() }

// figure is an amount in its own unit; money in nano-dollars.
func figure(a api.Amount) int64 {
	switch {
	case a.USD != nil:
		n, _ := money.ParseUSD(*a.USD)
		return int64(n)
	case a.Tokens != nil:
		return *a.Tokens
	case a.Requests != nil:
		return *a.Requests
	case a.InFlight != nil:
		return *a.InFlight
	}
	return 0
}
