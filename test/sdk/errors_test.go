package sdk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"

	"tollgate/api"
)

// expect is an error as the SDK's caller reads it, and how often it was asked.
type expect struct {
	status int
	code   string
	sent   int64
}

func (e expect) check(t *testing.T, err error, requests int64) {
	t.Helper()
	var got *openai.Error
	if !errors.As(err, &got) {
		t.Fatalf("%T %v, want an *openai.Error", err, err)
	}
	if got.StatusCode != e.status || got.Code != e.code {
		t.Errorf("%d %q (%s), want %d %q", got.StatusCode, got.Code, got.Message, e.status, e.code)
	}
	if e.code != "" && (got.Message == "" || got.Type == "") {
		t.Errorf("message %q, type %q", got.Message, got.Type)
	}
	if requests != e.sent {
		t.Errorf("%d requests were sent, want %d", requests, e.sent)
	}
}

func TestErrorsAreTheSDKsOwn(t *testing.T) {
	cents := func(n int64) api.KeyInput { return api.KeyInput{BudgetLimitCents: api.Set(n)} }
	for _, row := range []struct {
		name   string
		key    api.KeyInput
		change func(*openai.ChatCompletionNewParams)
		opts   []option.RequestOption
		want   expect
	}{
		{name: "wrong key", opts: []option.RequestOption{option.WithAPIKey("tg_wrong")}, want: expect{401, "key_invalid", 1}},
		{name: "OpenAI's own key", opts: []option.RequestOption{option.WithAPIKey("sk-proj-0123456789")}, want: expect{401, "key_invalid", 1}},
		{name: "nothing left", key: cents(0), want: expect{402, "budget_exceeded", 1}},
		{name: "model not allowed", key: api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})}, want: expect{403, "model_denied", 1}},
		{name: "scope not given", key: api.KeyInput{Scopes: api.Set([]string{"embeddings.create"})}, want: expect{403, "scope_denied", 1}},
		{name: "address not allowed", key: api.KeyInput{AllowedIPs: api.Set([]string{"192.0.2.0/24"})}, want: expect{403, "ip_denied", 1}},
		{name: "unknown model", change: func(p *openai.ChatCompletionNewParams) { p.Model = "no-such-model" }, want: expect{404, "model_not_found", 1}},
		{name: "no price", key: cents(100), change: func(p *openai.ChatCompletionNewParams) { p.Model = "demo/no-such-model" }, want: expect{403, "model_unpriced", 1}},
		{name: "wrong field", change: func(p *openai.ChatCompletionNewParams) { p.MaxTokens = param.NewOpt[int64](-1) }, want: expect{400, "invalid_field", 1}},
		{name: "the provider's 400", opts: []option.RequestOption{simulated("Fault", "status=400")}, want: expect{400, "", 1}},
		{name: "the provider's 500", opts: []option.RequestOption{simulated("Fault", "status=500"), option.WithMaxRetries(1)}, want: expect{500, "", 2}},
		{name: "no answer", opts: []option.RequestOption{simulated("Fault", "cut-before"), option.WithMaxRetries(1)}, want: expect{502, "upstream_unavailable", 2}},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%t", row.name, stream), func(t *testing.T) {
				g := open(t)
				c, sent := g.client(row.key)
				params := hello("demo-large")
				if row.change != nil {
					row.change(&params)
				}
				var err error
				if stream {
					s := c.Chat.Completions.NewStreaming(t.Context(), params, row.opts...)
					if s.Next() {
						t.Errorf("a chunk: %s", s.Current().RawJSON())
					}
					err = s.Err()
				} else {
					_, err = c.Chat.Completions.New(t.Context(), params, row.opts...)
				}
				row.want.check(t, err, sent.Load())
			})
		}
	}
}

// A budget that is used up does not come back by asking again.
func TestBudgetIsNotAskedAgain(t *testing.T) {
	g := open(t)
	c, sent := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
	params := hello("demo-large")
	params.MaxTokens = param.NewOpt[int64](500) // half a cent
	answered := int64(0)
	for begun := time.Now(); ; answered++ {
		_, err := c.Chat.Completions.New(t.Context(), params, simulated("Output-Tokens", "500"))
		if err != nil {
			expect{402, "budget_exceeded", answered + 1}.check(t, err, sent.Load())
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			break
		}
	}
	if answered == 0 || answered > 10 {
		t.Errorf("a cent paid for %d answers", answered)
	}
	if got := g.provider.Stats().Requests; got != answered {
		t.Errorf("the provider got %d requests, %d were answered", got, answered)
	}
}

// A rate limit that opens within a minute is the SDK's to wait for; one that
// does not is told at once.
func TestRateLimit(t *testing.T) {
	g := open(t)
	c, sent := g.client(api.KeyInput{RateLimitPerHour: api.Set[int64](1)})
	if _, err := c.Chat.Completions.New(t.Context(), hello("demo-mini")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Chat.Completions.New(t.Context(), hello("demo-mini"))
	expect{429, "rate_limited", 2}.check(t, err, sent.Load())
}

// busy starts a request that the provider takes its time for.
func busy(g *gate, c openai.Client, params openai.ChatCompletionNewParams) (ended chan error) {
	ended = make(chan error, 1)
	go func() {
		_, err := c.Chat.Completions.New(g.t.Context(), params, simulated("Latency", "500ms"), option.WithMaxRetries(0))
		ended <- err
	}()
	g.until("the first request at the provider", func() bool { return g.provider.Stats().InFlight == 1 })
	return ended
}

// What another request holds is given back when it ends: the SDK waits as long
// as Retry-After says, and then gets its answer.
func TestWaitsForAnotherRequest(t *testing.T) {
	for code, in := range map[string]api.KeyInput{
		"concurrency_limited": {ConcurrentLimit: api.Set[int64](1)},
		"budget_held":         {BudgetLimitCents: api.Set[int64](1)},
	} {
		t.Run(code, func(t *testing.T) {
			g := open(t)
			c, sent := g.client(in)
			params := hello("demo-large")
			params.MaxTokens = param.NewOpt[int64](900) // 0.9 cents
			ended := busy(g, c, params)

			_, err := c.Chat.Completions.New(t.Context(), params, option.WithMaxRetries(0))
			expect{429, code, 2}.check(t, err, sent.Load())

			begun := time.Now()
			if _, err := c.Chat.Completions.New(t.Context(), params); err != nil {
				t.Fatal(err)
			}
			if got := sent.Load(); got != 4 {
				t.Errorf("%d requests were sent, want 4: one refused and one answered", got)
			}
			if took := time.Since(begun); took < time.Second || took > 5*time.Second {
				t.Errorf("it took %v, Retry-After was a second", took)
			}
			if err := <-ended; err != nil {
				t.Errorf("the first request: %v", err)
			}
		})
	}
}

func TestProvidersRateLimitIsRetried(t *testing.T) {
	g := open(t)
	c, sent := g.client(api.KeyInput{})
	begun := time.Now()
	_, err := c.Chat.Completions.New(t.Context(), hello("demo-mini"), simulated("Fault", "status=429"), option.WithMaxRetries(1))
	expect{429, "rate_limit_exceeded", 2}.check(t, err, sent.Load())
	if took := time.Since(begun); took < time.Second {
		t.Errorf("it took %v, the provider's Retry-After was a second", took)
	}
}

// A stream that breaks must not look like one that ended.
func TestBrokenStreamIsAnError(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{})
	stream := c.Chat.Completions.NewStreaming(t.Context(), hello("demo-mini"), simulated("Fault", "cut"), simulated("Output-Tokens", "50"))
	chunks := 0
	for stream.Next() {
		chunks++
	}
	if err := stream.Err(); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("after %d chunks: %v", chunks, err)
	}
	if chunks == 0 {
		t.Error("nothing came before it broke")
	}
}
