package sdk

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"tollgate/api"
)

var flash = prices{input: 300, cacheRead: 30, audio: 1000, output: 2500}

const gemini = "gemini-2.5-flash"

// counting counts what is sent, and tells the provider how to answer.
type counting struct {
	sent     sent
	simulate []string
}

// RoundTrip sends a request.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	for i := 0; i < len(c.simulate); i += 2 {
		r.Header.Set("X-Simulate-"+c.simulate[i], c.simulate[i+1])
	}
	return http.DefaultTransport.RoundTrip(r)
}

// gemini is Google's SDK with a key.
func (g *gate) gemini(key string, simulate ...string) (*genai.Client, *counting) {
	g.t.Helper()
	c := &counting{simulate: simulate}
	client, err := genai.NewClient(g.t.Context(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{Transport: c}, HTTPOptions: genai.HTTPOptions{BaseURL: g.root},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return client, c
}

// heard is what a stream or an answer brought: its last usage, all its parts.
type heard struct {
	usage  *genai.GenerateContentResponseUsageMetadata
	parts  []*genai.Part
	finish genai.FinishReason
	chunks int
}

func (h *heard) add(r *genai.GenerateContentResponse) {
	h.chunks++
	if r.UsageMetadata != nil {
		h.usage = r.UsageMetadata
	}
	for _, c := range r.Candidates {
		if c.Content != nil {
			h.parts = append(h.parts, c.Content.Parts...)
		}
		if c.FinishReason != "" {
			h.finish = c.FinishReason
		}
	}
}

// ask asks in one way or the other.
func (g *gate) ask(client *genai.Client, model string, config *genai.GenerateContentConfig, stream bool) (h heard, err error) {
	ctx, question := g.t.Context(), genai.Text("Hello")
	if !stream {
		r, err := client.Models.GenerateContent(ctx, model, question, config)
		if err == nil {
			h.add(r)
		}
		return h, err
	}
	for r, err := range client.Models.GenerateContentStream(ctx, model, question, config) {
		if err != nil {
			return h, err
		}
		h.add(r)
	}
	return h, nil
}

// TestGemini asks in each way, and holds the SDK's usage and the entry's against
// what the provider billed.
func TestGemini(t *testing.T) {
	weather := []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get_weather", ParametersJsonSchema: map[string]any{"type": "object"}}}}}
	budget := int32(1024)
	for name, c := range map[string]struct {
		config   *genai.GenerateContentConfig
		simulate []string
		check    func(t *testing.T, h heard)
	}{
		"text": {nil, []string{"Output-Tokens", "12"}, nil},
		"thoughts": {&genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: &budget, IncludeThoughts: true}}, []string{"Reasoning-Tokens", "30"}, func(t *testing.T, h heard) {
			if h.usage.ThoughtsTokenCount != 30 || !h.parts[0].Thought {
				t.Errorf("%+v %+v", h.usage, h.parts[0])
			}
		}},
		"cached": {nil, []string{"Input-Tokens", "9000", "Cached-Tokens", "6001"}, nil},
		"sound":  {nil, []string{"Input-Tokens", "9000", "Input-Audio-Tokens", "777"}, nil},
		"tools": {&genai.GenerateContentConfig{Tools: weather}, []string{"Tool", "get_weather", "Tool-Calls", "2"}, func(t *testing.T, h heard) {
			calls := 0
			for _, p := range h.parts {
				if p.FunctionCall != nil && p.FunctionCall.Name == "get_weather" {
					if _, ok := p.FunctionCall.Args["text"].(string); ok {
						calls++
					}
				}
			}
			if calls != 2 {
				t.Errorf("%d calls", calls)
			}
		}},
		"system and cap": {&genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("You are terse.", genai.RoleUser), MaxOutputTokens: 20, CandidateCount: 2}, []string{"Output-Tokens", "500"}, func(t *testing.T, h heard) {
			if h.finish != genai.FinishReasonMaxTokens || h.usage.CandidatesTokenCount != 40 {
				t.Errorf("%q %+v", h.finish, h.usage)
			}
		}},
		"twice": {nil, []string{"Fault", "usage-twice"}, nil},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", whole", true: ", streamed"}[stream], func(t *testing.T) {
				g := open(t)
				key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)})
				client, _ := g.gemini(key.SecretKey, c.simulate...)
				h, err := g.ask(client, gemini, c.config, stream)
				if err != nil {
					t.Fatal(err)
				}
				s := g.served()
				if int64(h.usage.PromptTokenCount) != s.InputTokens || int64(h.usage.CandidatesTokenCount+h.usage.ThoughtsTokenCount) != s.OutputTokens ||
					int64(h.usage.CachedContentTokenCount) != s.CachedTokens || len(h.parts) == 0 || h.finish == "" || stream != (h.chunks > 1) {
					t.Errorf("%d chunks, usage %+v, the provider billed %+v", h.chunks, h.usage, s)
				}
				if c.check != nil {
					c.check(t, h)
				}
				g.booked(key.APIKey.ID, "gemini", flash)
			})
		}
	}
}

// TestGeminiGoesOn sends back what came, in a chat of the SDK's.
func TestGeminiGoesOn(t *testing.T) {
	g := open(t)
	client, _ := g.gemini(g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)}).SecretKey, "Tool", "get_weather")
	chat, err := client.Chats.Create(t.Context(), gemini, &genai.GenerateContentConfig{
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get_weather"}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := chat.SendMessage(t.Context(), genai.Part{Text: "The weather?"}, genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("PNG")}})
	if err != nil || len(answer.FunctionCalls()) != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	if _, err := chat.SendMessage(t.Context(), *genai.NewPartFromFunctionResponse("get_weather", map[string]any{"sky": "blue"})); err != nil {
		t.Error(err)
	}
}

// TestGeminisOtherCalls counts, embeds and lists.
func TestGeminisOtherCalls(t *testing.T) {
	g := open(t)
	client, _ := g.gemini(g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)}).SecretKey)
	count, err := client.Models.CountTokens(t.Context(), gemini, genai.Text("Hello there"), nil)
	if err != nil || count.TotalTokens == 0 {
		t.Errorf("counted %+v, %v", count, err)
	}
	embedding, err := client.Models.EmbedContent(t.Context(), "gemini-embedding-001", []*genai.Content{genai.NewContentFromText("one", "user"), genai.NewContentFromText("two", "user")}, nil)
	if err != nil || len(embedding.Embeddings) != 2 || len(embedding.Embeddings[1].Values) == 0 {
		t.Errorf("embedded %+v, %v", embedding, err)
	}
	found := false
	for m, err := range client.Models.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || m.Name == "models/"+gemini && m.InputTokenLimit > 0
	}
	if !found {
		t.Errorf("%s is not in the list", gemini)
	}
	if m, err := client.Models.Get(t.Context(), gemini, nil); err != nil || m.Name != "models/"+gemini {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestGeminisErrors are the SDK's own.
func TestGeminisErrors(t *testing.T) {
	cents := func(n int64) api.KeyInput { return api.KeyInput{BudgetLimitCents: api.Set(n)} }
	for name, row := range map[string]struct {
		key      api.KeyInput
		secret   string
		model    string
		config   *genai.GenerateContentConfig
		simulate []string
		status   int
		word     string
		reason   string
	}{
		"wrong key":          {secret: "tg_wrong", status: 401, word: "UNAUTHENTICATED", reason: "KEY_INVALID"},
		"nothing left":       {key: cents(0), status: 402, word: "FAILED_PRECONDITION", reason: "BUDGET_EXCEEDED"},
		"model not allowed":  {key: api.KeyInput{AllowedModels: api.Set([]string{"gemini-2.5-pro"})}, status: 403, word: "PERMISSION_DENIED", reason: "MODEL_DENIED"},
		"unknown model":      {model: "no-such", status: 404, word: "NOT_FOUND", reason: "MODEL_NOT_FOUND"},
		"wrong field":        {config: &genai.GenerateContentConfig{MaxOutputTokens: -1}, status: 400, word: "INVALID_ARGUMENT", reason: "INVALID_FIELD"},
		"search":             {key: cents(100), config: &genai.GenerateContentConfig{Tools: []*genai.Tool{{GoogleSearch: &genai.GoogleSearch{}}}}, status: 403, word: "PERMISSION_DENIED", reason: "MODEL_UNPRICED"},
		"the provider's 400": {simulate: []string{"Fault", "status=400"}, status: 400, word: "INVALID_ARGUMENT"},
		"the provider's 503": {simulate: []string{"Fault", "status=503"}, status: 503, word: "UNAVAILABLE"},
		"no answer":          {simulate: []string{"Fault", "cut-before"}, status: 502, word: "UNAVAILABLE", reason: "UPSTREAM_UNAVAILABLE"},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", whole", true: ", streamed"}[stream], func(t *testing.T) {
				g := open(t)
				key := g.key(row.key).SecretKey
				if row.secret != "" {
					key = row.secret
				}
				client, _ := g.gemini(key, row.simulate...)
				model := gemini
				if row.model != "" {
					model = row.model
				}
				_, err := g.ask(client, model, row.config, stream)
				var e genai.APIError
				if !errors.As(err, &e) {
					t.Fatalf("%T %v, want a genai.APIError", err, err)
				}
				if e.Code != row.status || e.Status != row.word || e.Message == "" || row.reason != "" && e.Details[0]["reason"] != row.reason {
					t.Errorf("%+v", e)
				}
			})
		}
	}
}

// TestGeminiRetries gets its answer when another request has ended.
func TestGeminiRetries(t *testing.T) {
	g := open(t)
	key := g.key(api.KeyInput{ConcurrentLimit: api.Set[int64](1)}).SecretKey
	slow, _ := g.gemini(key, "Latency", "500ms")
	ended := make(chan error, 1)
	go func() {
		_, err := slow.Models.GenerateContent(context.Background(), gemini, genai.Text("Hello"), nil)
		ended <- err
	}()
	g.until("the first request at the provider", func() bool { return g.provider.Stats().InFlight == 1 })
	client, c := g.gemini(key)
	begun := time.Now()
	config := &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{}}}
	if _, err := client.Models.GenerateContent(t.Context(), gemini, genai.Text("Hello"), config); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 500*time.Millisecond || c.sent.Load() != 2 {
		t.Errorf("it took %v, and %d requests", took, c.sent.Load())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// What is spent up is not asked for again.
	client, c = g.gemini(g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)}).SecretKey)
	if _, err := client.Models.GenerateContent(t.Context(), gemini, genai.Text("Hello"), config); err == nil || c.sent.Load() != 1 {
		t.Errorf("%v after %d requests", err, c.sent.Load())
	}
}

// TestGeminisBrokenStreamIsAnError, whoever broke it.
func TestGeminisBrokenStreamIsAnError(t *testing.T) {
	for fault, want := range map[string]string{"cut": "broke off", "error-mid": "overloaded"} {
		g := open(t)
		client, _ := g.gemini(g.key(api.KeyInput{}).SecretKey, "Fault", fault, "Output-Tokens", "50")
		h, err := g.ask(client, gemini, nil, true)
		var e genai.APIError
		if !errors.As(err, &e) || !strings.Contains(e.Message, want) || h.chunks == 0 {
			t.Errorf("%s: after %d chunks: %v", fault, h.chunks, err)
		}
	}
}
