package sdk

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"tollgate/api"
)

var sonnet = prices{input: 3000, cacheRead: 300, cacheWrite: 3750, cacheWrite1h: 6000, output: 15_000}

// claude is Anthropic's SDK with a key, which it sends in x-api-key.
func (g *gate) claude(key string, opts ...option.RequestOption) (anthropic.Client, *sent) {
	s := new(sent)
	count := func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		s.Add(1)
		return next(req)
	}
	opts = append([]option.RequestOption{option.WithBaseURL(g.root), option.WithAPIKey(key), option.WithMiddleware(count)}, opts...)
	return anthropic.NewClient(opts...), s
}

// answering tells the provider how to answer.
func answering(fields ...string) (opts []option.RequestOption) {
	for i := 0; i < len(fields); i += 2 {
		opts = append(opts, option.WithHeader("X-Simulate-"+fields[i], fields[i+1]))
	}
	return opts
}

func question() anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: "claude-sonnet-4-5", MaxTokens: 2000,
		System:   []anthropic.TextBlockParam{{Text: "You are terse."}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello"))},
	}
}

func withWeather() anthropic.MessageNewParams {
	p := question()
	p.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "get_weather", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"text": map[string]string{"type": "string"}}},
	}}}
	return p
}

// accumulated reads a stream to its end, as the SDK puts it together.
func accumulated(t *testing.T, c anthropic.Client, p anthropic.MessageNewParams, opts ...option.RequestOption) (m anthropic.Message) {
	t.Helper()
	stream := c.Messages.NewStreaming(t.Context(), p, opts...)
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestClaude asks in each way, and holds the SDK's usage and the entry's against
// what the provider billed.
func TestClaude(t *testing.T) {
	for name, c := range map[string]struct {
		params   anthropic.MessageNewParams
		simulate []string
		check    func(t *testing.T, m anthropic.Message)
	}{
		"text": {question(), []string{"Output-Tokens", "12"}, nil},
		"thinking": {thinking(), []string{"Reasoning-Tokens", "30"}, func(t *testing.T, m anthropic.Message) {
			if m.Content[0].Type != "thinking" || m.Content[0].Signature == "" || m.Usage.OutputTokensDetails.ThinkingTokens != 30 {
				t.Errorf("answer %s", m.RawJSON())
			}
		}},
		"cached": {question(), []string{"Input-Tokens", "9000", "Cached-Tokens", "6001", "Cache-Write-Tokens", "1503", "Cache-Write-1h-Tokens", "1001"}, nil},
		"tools": {withWeather(), []string{"Tool", "get_weather", "Tool-Calls", "2"}, func(t *testing.T, m anthropic.Message) {
			calls := 0
			for _, block := range m.Content {
				if use, ok := block.AsAny().(anthropic.ToolUseBlock); ok {
					calls++
					var args struct{ Text *string }
					if err := json.Unmarshal(use.Input, &args); err != nil || args.Text == nil || use.Name != "get_weather" {
						t.Errorf("call %s: %v", use.RawJSON(), err)
					}
				}
			}
			if calls != 2 || m.StopReason != anthropic.StopReasonToolUse {
				t.Errorf("%d calls, stop reason %q", calls, m.StopReason)
			}
		}},
		"novelties": {question(), []string{"Fault", "novelties"}, nil},
		"twice":     {question(), []string{"Fault", "usage-twice"}, nil},
		"the cap": {question(), []string{"Output-Tokens", "5000"}, func(t *testing.T, m anthropic.Message) {
			if m.StopReason != anthropic.StopReasonMaxTokens || m.Usage.OutputTokens != 2000 {
				t.Errorf("stop reason %q, %+v", m.StopReason, m.Usage)
			}
		}},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", whole", true: ", streamed"}[stream], func(t *testing.T) {
				if name == "twice" && !stream {
					t.Skip("the SDK reads the first of two members, and there are none such")
				}
				g := open(t)
				key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)})
				client, _ := g.claude(key.SecretKey)
				var m anthropic.Message
				if stream {
					m = accumulated(t, client, c.params, answering(c.simulate...)...)
				} else {
					var raw *http.Response
					answer, err := client.Messages.New(t.Context(), c.params, append(answering(c.simulate...), option.WithResponseInto(&raw))...)
					if err != nil {
						t.Fatal(err)
					}
					m = *answer
					if raw.Header.Get("Request-Id") != g.served().UpstreamID || raw.Header.Get("X-Tollgate-Cost-Usd") == "" {
						t.Errorf("headers %v", raw.Header)
					}
				}
				s, u := g.served(), m.Usage
				if u.InputTokens+u.CacheReadInputTokens+u.CacheCreationInputTokens != s.InputTokens || u.OutputTokens != s.OutputTokens ||
					u.CacheCreation.Ephemeral1hInputTokens != s.CacheWrite1h || m.ID == "" || len(m.Content) == 0 || m.StopReason == "" {
					t.Errorf("answer %+v, the provider billed %+v", m, s)
				}
				if c.check != nil {
					c.check(t, m)
				}
				g.booked(key.APIKey.ID, "anthropic", sonnet)
			})
		}
	}
}

func thinking() anthropic.MessageNewParams {
	p := question()
	p.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	return p
}

// TestClaudeGoesOn sends back what came: calls with their results, thoughts with
// their signatures, a picture.
func TestClaudeGoesOn(t *testing.T) {
	g := open(t)
	client, _ := g.claude(g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)}).SecretKey)
	p := withWeather()
	p.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	m := accumulated(t, client, p, answering("Tool", "get_weather", "Reasoning-Tokens", "9")...)
	call := m.Content[len(m.Content)-1].AsToolUse()
	p.Messages = append(p.Messages, m.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(call.ID, "sunny", false), anthropic.NewImageBlockBase64("image/png", "iVBORw0KGgo="),
	))
	if _, err := client.Messages.New(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// TestClaudeSends the key as a bearer token, and only the environment is changed.
func TestClaudeSends(t *testing.T) {
	g := open(t)
	key := g.key(api.KeyInput{}).SecretKey
	for _, name := range []string{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, key)
			t.Setenv("ANTHROPIC_BASE_URL", g.root+"/anthropic")
			client := anthropic.NewClient()
			if _, err := client.Messages.New(t.Context(), question()); err != nil {
				t.Error(err)
			}
		})
	}
	client, _ := g.claude(key)
	beta, err := client.Beta.Messages.New(t.Context(), anthropic.BetaMessageNewParams{
		Model: "claude-sonnet-4-5", MaxTokens: 100, Betas: []anthropic.AnthropicBeta{"context-1m-2025-08-07"},
		Messages: []anthropic.BetaMessageParam{anthropic.NewBetaUserMessage(anthropic.NewBetaTextBlock("Hello"))},
	})
	if err != nil || len(beta.Content) == 0 {
		t.Errorf("a beta: %v", err)
	}
	count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: "claude-sonnet-4-5", Messages: question().Messages})
	if err != nil || count.InputTokens == 0 {
		t.Errorf("counted %+v, %v", count, err)
	}
	var names []string
	pages := client.Models.ListAutoPaging(t.Context(), anthropic.ModelListParams{})
	for pages.Next() {
		if m := pages.Current(); strings.HasPrefix(m.ID, "claude-") {
			names = append(names, m.ID)
			if m.CreatedAt.IsZero() || m.DisplayName == "" {
				t.Errorf("model %s", m.RawJSON())
			}
		}
	}
	if err := pages.Err(); err != nil || len(names) < 10 {
		t.Errorf("models %v, %v", names, err)
	}
	if m, err := client.Models.Get(t.Context(), "claude-opus-5", anthropic.ModelGetParams{}); err != nil || m.ID != "claude-opus-5" {
		t.Errorf("claude-opus-5: %v", err)
	}
}

// TestClaudesErrors are the SDK's own, with the type that a program switches on.
func TestClaudesErrors(t *testing.T) {
	cents := func(n int64) api.KeyInput { return api.KeyInput{BudgetLimitCents: api.Set(n)} }
	for _, row := range []struct {
		name     string
		key      api.KeyInput
		change   func(*anthropic.MessageNewParams)
		opts     []option.RequestOption
		status   int
		kind     string
		code     string
		requests int64
	}{
		{name: "wrong key", opts: []option.RequestOption{option.WithAPIKey("tg_wrong")}, status: 401, kind: "authentication_error", code: "key_invalid", requests: 1},
		{name: "nothing left", key: cents(0), status: 402, kind: "billing_error", code: "budget_exceeded", requests: 1},
		{name: "model not allowed", key: api.KeyInput{AllowedModels: api.Set([]string{"claude-opus-5"})}, status: 403, kind: "permission_error", code: "model_denied", requests: 1},
		{name: "unknown model", change: func(p *anthropic.MessageNewParams) { p.Model = "no-such" }, status: 404, kind: "not_found_error", code: "model_not_found", requests: 1},
		{name: "wrong field", change: func(p *anthropic.MessageNewParams) { p.MaxTokens = -1 }, status: 400, kind: "invalid_request_error", code: "invalid_field", requests: 1},
		{name: "the provider's 400", change: func(p *anthropic.MessageNewParams) { p.Thinking = anthropic.ThinkingConfigParamOfEnabled(100) }, status: 400, kind: "invalid_request_error", requests: 1},
		{name: "the provider's 529", opts: append(answering("Fault", "status=529"), option.WithMaxRetries(1)), status: 529, kind: "overloaded_error", requests: 2},
		{name: "no answer", opts: append(answering("Fault", "cut-before"), option.WithMaxRetries(1)), status: 502, kind: "api_error", code: "upstream_unavailable", requests: 2},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(row.name+map[bool]string{false: ", whole", true: ", streamed"}[stream], func(t *testing.T) {
				g := open(t)
				client, sent := g.claude(g.key(row.key).SecretKey)
				p := question()
				if row.change != nil {
					row.change(&p)
				}
				var err error
				if stream {
					s := client.Messages.NewStreaming(t.Context(), p, row.opts...)
					if s.Next() {
						t.Errorf("an event: %s", s.Current().RawJSON())
					}
					err = s.Err()
				} else {
					_, err = client.Messages.New(t.Context(), p, row.opts...)
				}
				var e *anthropic.Error
				if !errors.As(err, &e) {
					t.Fatalf("%T %v, want an *anthropic.Error", err, err)
				}
				var body struct{ Error struct{ Code string } }
				if err := json.Unmarshal([]byte(e.RawJSON()), &body); err != nil || e.StatusCode != row.status || string(e.Type()) != row.kind || body.Error.Code != row.code {
					t.Errorf("%d %s: %s", e.StatusCode, e.Type(), e.RawJSON())
				}
				if e.RequestID == "" || sent.Load() != row.requests {
					t.Errorf("request id %q, %d requests were sent, want %d", e.RequestID, sent.Load(), row.requests)
				}
			})
		}
	}
}

// TestClaudeRetries as Retry-After says, and then gets its answer.
func TestClaudeRetries(t *testing.T) {
	g := open(t)
	client, sent := g.claude(g.key(api.KeyInput{ConcurrentLimit: api.Set[int64](1)}).SecretKey)
	ended := make(chan error, 1)
	go func() {
		_, err := client.Messages.New(t.Context(), question(), append(answering("Latency", "500ms"), option.WithMaxRetries(0))...)
		ended <- err
	}()
	g.until("the first request at the provider", func() bool { return g.provider.Stats().InFlight == 1 })
	begun := time.Now()
	if _, err := client.Messages.New(t.Context(), question()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < time.Second || sent.Load() != 3 {
		t.Errorf("it took %v, and %d requests", took, sent.Load())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestClaudesBrokenStreamIsAnError, whoever broke it.
func TestClaudesBrokenStreamIsAnError(t *testing.T) {
	for fault, want := range map[string]string{"cut": "broke off", "error-mid": "Overloaded"} {
		g := open(t)
		client, _ := g.claude(g.key(api.KeyInput{}).SecretKey)
		stream := client.Messages.NewStreaming(t.Context(), question(), answering("Fault", fault, "Output-Tokens", "50")...)
		events := 0
		for stream.Next() {
			events++
		}
		if err := stream.Err(); err == nil || !strings.Contains(err.Error(), want) || events == 0 {
			t.Errorf("%s: after %d events: %v", fault, events, err)
		}
	}
}
