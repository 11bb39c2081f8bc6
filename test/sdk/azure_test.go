package sdk

import (
	"encoding/json"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"

	"tollgate/api"
)

var azureMini = prices{input: 150, cacheRead: 75, output: 600}

// azure is OpenAI's SDK with its options for Azure.
func (g *gate) azure(key string) (openai.Client, *sent) {
	s := new(sent)
	return openai.NewClient(azure.WithUnsafeAllowHTTP(), azure.WithEndpoint(g.root, "2024-10-21"), azure.WithAPIKey(key), option.WithMiddleware(s.count)), s
}

// TestAzure asks a deployment in each way.
func TestAzure(t *testing.T) {
	for name, c := range map[string]struct {
		simulate [][2]string
		tools    bool
	}{
		"text":   {simulate: [][2]string{{"Output-Tokens", "12"}}},
		"tools":  {simulate: [][2]string{{"Tool", "get_weather"}}, tools: true},
		"cached": {simulate: [][2]string{{"Input-Tokens", "9000"}, {"Cached-Tokens", "6001"}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			params := hello("gpt-4o-mini")
			if c.tools {
				params = withTool("gpt-4o-mini")
			}
			var opts []option.RequestOption
			for _, s := range c.simulate {
				opts = append(opts, simulated(s[0], s[1]))
			}
			key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)})
			client, _ := g.azure(key.SecretKey)
			answer, err := client.Chat.Completions.New(t.Context(), params, opts...)
			if err != nil {
				t.Fatal(err)
			}
			served := g.served()
			if u := answer.Usage; u.PromptTokens != served.InputTokens || u.CompletionTokens != served.OutputTokens || served.Model != "gpt-4o-mini" {
				t.Errorf("usage %+v, the provider billed %+v", u, served)
			}
			g.booked(key.APIKey.ID, "openai", azureMini)

			g.provider.Reset()
			key = g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)})
			client, _ = g.azure(key.SecretKey)
			stream := client.Chat.Completions.NewStreaming(t.Context(), params, opts...)
			var acc openai.ChatCompletionAccumulator
			bare := 0
			for stream.Next() {
				if chunk := stream.Current(); len(chunk.Choices) == 0 {
					bare++
					if chunk.JSON.Usage.Valid() || chunk.JSON.ExtraFields["prompt_filter_results"].Raw() == "" {
						t.Errorf("a chunk that nobody asked for: %s", chunk.RawJSON())
					}
				} else {
					acc.AddChunk(chunk)
				}
			}
			if err := stream.Err(); err != nil || bare != 1 {
				t.Fatalf("%d chunks without choices, %v", bare, err)
			}
			for _, choice := range []openai.ChatCompletionChoice{answer.Choices[0], acc.Choices[0]} {
				var args struct{ Text string }
				switch calls := choice.Message.ToolCalls; {
				case !c.tools && choice.Message.Content == "":
					t.Errorf("no text in %+v", choice)
				case c.tools && (len(calls) != 1 || json.Unmarshal([]byte(calls[0].Function.Arguments), &args) != nil || args.Text == ""):
					t.Errorf("calls %+v", calls)
				}
			}
			g.booked(key.APIKey.ID, "openai", azureMini)
		})
	}
}

// TestAzuresErrors are the SDK's own, and it tries again what may pass.
func TestAzuresErrors(t *testing.T) {
	for name, row := range map[string]struct {
		key   api.KeyInput
		model string
		fault string
		want  expect
	}{
		"nothing left":       {key: api.KeyInput{BudgetLimitCents: api.Set[int64](0)}, want: expect{402, "budget_exceeded", 1}},
		"model not allowed":  {key: api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}, want: expect{403, "model_denied", 1}},
		"no price":           {key: api.KeyInput{BudgetLimitCents: api.Set[int64](100)}, model: "our-own", want: expect{403, "model_unpriced", 1}},
		"the provider's 400": {fault: "status=400", want: expect{400, "", 1}},
		"the provider's 429": {fault: "status=429", want: expect{429, "rate_limit_exceeded", 2}},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			client, s := g.azure(g.key(row.key).SecretKey)
			model := "gpt-4o-mini"
			if row.model != "" {
				model = row.model
			}
			_, err := client.Chat.Completions.New(t.Context(), hello(model), simulated("Fault", row.fault), option.WithMaxRetries(1))
			row.want.check(t, err, s.Load())
		})
	}
}

// TestAzuresOtherCalls are text completions and embeddings.
func TestAzuresOtherCalls(t *testing.T) {
	g := open(t)
	client, _ := g.azure(g.key(api.KeyInput{}).SecretKey)
	text, err := client.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: "our-own", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("Once upon a time")},
	})
	if err != nil || text.Choices[0].Text == "" {
		t.Errorf("%v, %v", text, err)
	}
	vectors, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "text-embedding-3-small", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
	})
	if err != nil || len(vectors.Data) != 2 {
		t.Errorf("%v, %v", vectors, err)
	}
}
