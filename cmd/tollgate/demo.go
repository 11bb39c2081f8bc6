package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/config"
	"tollgate/internal/key"
	"tollgate/internal/secret"
	"tollgate/internal/server"
	"tollgate/internal/simulate"
)

// demoCmd starts a throw-away server.
type demoCmd struct {
	Listen      string `default:"127.0.0.1:8080" help:"Address to listen on."`
	BudgetCents int64  `default:"1" help:"Budget of the key, in US cents."`

	OutputTokens int64         `default:"0" help:"Tokens that the simulated provider answers with (32)."`
	Latency      time.Duration `default:"0" help:"How long the simulated provider thinks."`
	ChunkDelay   time.Duration `default:"20ms" help:"How long it waits before each piece of a stream."`
	Fault        string        `default:"" help:"How every answer goes wrong: cut, cut-before, hang, hang-mid, no-usage, status=429, …"`
}

// Help says what comes with it.
func (demoCmd) Help() string {
	return `Starts a server in a temporary directory, with a simulated provider ("demo") that speaks the OpenAI, Anthropic and Gemini formats and needs no account, and with a key that has a small budget. Prints lines to try; everything is deleted when it ends.

The simulated provider is told by request headers how to behave, too:
X-Simulate-Output-Tokens, X-Simulate-Latency, X-Simulate-Chunk-Delay, X-Simulate-Fault, …

Examples:

	tollgate demo
	tollgate demo --listen 127.0.0.1:9090 --budget-cents 5 --latency 300ms`
}

// demoFaults are the words that the simulated provider knows for faults, beside
// status=N.
func demoFaults() []string {
	return []string{"cut", "cut-before", "hang", "hang-mid", "no-usage", "usage-twice", "bad-json", "gzip"}
}

func knownFault(text string) bool {
	if status, ok := strings.CutPrefix(text, "status="); ok {
		code, err := strconv.Atoi(status)
		return err == nil && code >= 400 && code <= 599
	}
	return text == "" || slices.Contains(demoFaults(), text)
}

// Run serves until the context ends.
func (c *demoCmd) Run(ctx context.Context, t *terminal) (err error) {
	if !knownFault(c.Fault) {
		return misuse("--fault: %q is not known; there are %s and status=400 to status=599", c.Fault, strings.Join(demoFaults(), ", "))
	}
	dir, err := os.MkdirTemp("", "tollgate-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	provider, err := server.Simulate(ctx, simulate.Behaviour{
		OutputTokens: c.OutputTokens, Latency: c.Latency, ChunkDelay: c.ChunkDelay, Fault: c.Fault,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provider.Close()) }()

	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.ShutdownTimeout = c.Listen, dir, 3*time.Second
	cfg.RootKey = key.New(key.ManagementPrefix)
	cfg.Providers = map[string]config.Provider{"demo": {Kind: "demo", BaseURL: provider.BaseURL, APIKey: secret.New("demo-credential")}}
	cfg.Log.Format = "text"
	s, err := server.New(ctx, cfg, server.Options{Log: newLog(cfg.Log, t.stderr), Version: version()})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	base := "http://" + s.Addr().String()
	created, err := client.New(base, cfg.RootKey.Reveal()).CreateKey(ctx, api.KeyInput{
		Name: api.Set("demo"), BudgetLimitCents: api.Set(c.BudgetCents),
	})
	if err != nil {
		stop()
		return errors.Join(err, <-done)
	}
	c.invite(t, base, created.SecretKey, cfg.RootKey.Reveal(), created.APIKey.ID)
	return <-done
}

// invite prints what to try.
func (c *demoCmd) invite(t *terminal, base, secretKey, root, id string) {
	t.printf(`Tollgate is running on %[1]s with a simulated provider.
A key with a budget of %[5]d cent:

    export TOLLGATE_KEY=%[2]s

Ask, whole and streamed:

    curl -i %[1]s/v1/chat/completions -H "Authorization: Bearer %[2]s" -H 'Content-Type: application/json' -d '{"model":"demo-mini","messages":[{"role":"user","content":"Hello"}]}'

    curl -N %[1]s/v1/chat/completions -H "Authorization: Bearer %[2]s" -H 'Content-Type: application/json' -d '{"model":"demo-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

Spend until the cap stops it (200, 200, …, 402), and not a nano-dollar further:

    for i in $(seq 60); do curl -s -o /dev/null -w '%%{http_code} ' %[1]s/v1/chat/completions -H "Authorization: Bearer %[2]s" -H 'Content-Type: application/json' -d '{"model":"demo-large","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}'; done; echo

What it has used, and why it is refused:

    curl -s %[1]s/api/v1/api-keys/%[4]s/usage -H "Authorization: Bearer %[3]s"

    TOLLGATE_URL=%[1]s TOLLGATE_TOKEN=%[3]s tollgate explain --key-id %[4]s --model demo-large

Ctrl-C ends it; nothing is kept.
`, base, secretKey, root, id, c.BudgetCents)
}
