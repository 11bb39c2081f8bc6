package sdk

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"tollgate/api"
)

func TestChat(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	var raw *http.Response
	answer, err := c.Chat.Completions.New(t.Context(), hello("demo-mini"), simulated("Output-Tokens", "12"), option.WithResponseInto(&raw))
	if err != nil {
		t.Fatal(err)
	}
	served := g.served()
	choice := answer.Choices[0]
	if choice.Message.Content == "" || choice.FinishReason != "stop" || choice.Message.Role != "assistant" {
		t.Errorf("answer %s", answer.RawJSON())
	}
	if u := answer.Usage; u.PromptTokens != served.InputTokens || u.CompletionTokens != 12 || u.TotalTokens != served.InputTokens+12 {
		t.Errorf("usage %+v, the provider billed %+v", u, served)
	}
	if answer.Object != "chat.completion" || answer.ID == "" || answer.Model == "" {
		t.Errorf("head %q %q %q", answer.Object, answer.ID, answer.Model)
	}
	for _, name := range []string{"X-Request-Id", "X-Tollgate-Cost-Usd", "X-Ratelimit-Remaining-Requests"} {
		if raw.Header.Get(name) == "" {
			t.Errorf("no header %s", name)
		}
	}
}

// TestOnlyTheEnvironmentIsChanged needs no line of code changed.
func TestOnlyTheEnvironmentIsChanged(t *testing.T) {
	g := open(t)
	t.Setenv("OPENAI_BASE_URL", g.base)
	t.Setenv("OPENAI_API_KEY", g.key(api.KeyInput{}).SecretKey)
	c := openai.NewClient()
	answer, err := c.Chat.Completions.New(t.Context(), hello("gpt-4o-mini"))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Choices[0].Message.Content == "" || g.served().Model != "gpt-4o-mini" {
		t.Errorf("answer %s", answer.RawJSON())
	}
}

// streamed is what a stream brought.
type streamed struct {
	acc    openai.ChatCompletionAccumulator
	usages int // chunks with usage
	bare   int // chunks without choices
	pieces int // chunks with text
}

func drain(t *testing.T, stream *ssestream.Stream[openai.ChatCompletionChunk]) (s streamed) {
	t.Helper()
	for stream.Next() {
		chunk := stream.Current()
		if !s.acc.AddChunk(chunk) {
			t.Fatalf("a chunk that does not fit the ones before: %s", chunk.RawJSON())
		}
		if chunk.JSON.Usage.Valid() {
			s.usages++
		}
		if len(chunk.Choices) == 0 {
			s.bare++
		} else if chunk.Choices[0].Delta.Content != "" {
			s.pieces++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStream(t *testing.T) {
	for _, in := range map[string]api.KeyInput{"without limits": {}, "under a budget": {BudgetLimitCents: api.Set[int64](100)}} {
		g := open(t)
		c, _ := g.client(in)
		whole, err := c.Chat.Completions.New(t.Context(), hello("demo-large"), simulated("Output-Tokens", "20"))
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range []bool{false, true} {
			params := hello("demo-large")
			if asked {
				params.StreamOptions.IncludeUsage = param.NewOpt(true)
			}
			g.provider.Reset()
			s := drain(t, c.Chat.Completions.NewStreaming(t.Context(), params, simulated("Output-Tokens", "20"), simulated("Chunks", "20")))
			if got, want := s.acc.Choices[0].Message.Content, whole.Choices[0].Message.Content; got != want {
				t.Errorf("streamed %q, whole %q", got, want)
			}
			if s.pieces != 20 || s.acc.Choices[0].FinishReason != "stop" {
				t.Errorf("%d pieces of text, finish reason %q", s.pieces, s.acc.Choices[0].FinishReason)
			}
			served := g.served()
			switch u := s.acc.Usage; {
			case !asked && (s.usages != 0 || s.bare != 0):
				t.Errorf("nobody asked for usage: %d chunks with it, %d chunks without choices", s.usages, s.bare)
			case asked && (s.usages != 1 || s.bare != 1 || u.PromptTokens != served.InputTokens || u.CompletionTokens != 20):
				t.Errorf("usage %+v in %d chunks, the provider billed %+v", u, s.usages, served)
			}
		}
	}
}

func TestSeveralChoices(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	params := hello("demo-mini")
	params.N = param.NewOpt[int64](3)
	s := drain(t, c.Chat.Completions.NewStreaming(t.Context(), params, simulated("Output-Tokens", "5")))
	if len(s.acc.Choices) != 3 || s.acc.Choices[2].Message.Content != s.acc.Choices[0].Message.Content {
		t.Errorf("choices %+v", s.acc.Choices)
	}
	if got := g.served().OutputTokens; got != 15 {
		t.Errorf("billed %d output tokens", got)
	}
}

func withTool(model string) openai.ChatCompletionNewParams {
	params := hello(model)
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
		Name: "get_weather",
		Parameters: openai.FunctionParameters{
			"type": "object", "properties": map[string]any{"text": map[string]string{"type": "string"}}, "required": []string{"text"},
		},
	})}
	return params
}

func TestToolCalls(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	params := withTool("demo-mini")
	answer, err := c.Chat.Completions.New(t.Context(), params, simulated("Tool", "get_weather"))
	if err != nil {
		t.Fatal(err)
	}
	s := drain(t, c.Chat.Completions.NewStreaming(t.Context(), params, simulated("Tool", "get_weather")))
	for _, choice := range []openai.ChatCompletionChoice{answer.Choices[0], s.acc.Choices[0]} {
		calls := choice.Message.ToolCalls
		if choice.FinishReason != "tool_calls" || len(calls) != 1 || calls[0].Function.Name != "get_weather" || calls[0].ID == "" {
			t.Fatalf("finish reason %q, calls %+v", choice.FinishReason, calls)
		}
		var args struct{ Text string }
		if err := json.Unmarshal([]byte(calls[0].Function.Arguments), &args); err != nil || args.Text == "" {
			t.Errorf("arguments %q: %v", calls[0].Function.Arguments, err)
		}
	}
	// The result goes back as the SDK builds it.
	params.Messages = append(params.Messages, answer.Choices[0].Message.ToParam(), openai.ToolMessage("sunny", answer.Choices[0].Message.ToolCalls[0].ID))
	if _, err := c.Chat.Completions.New(t.Context(), params); err != nil {
		t.Error(err)
	}
}

func TestPartsAndFormats(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	params := hello("gpt-4o-mini")
	params.Messages = append(params.Messages, openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
		openai.TextContentPart("What is this?"),
		openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64,iVBORw0KGgo="}),
	}))
	params.MaxCompletionTokens = param.NewOpt[int64](100)
	params.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{
		JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "answer", Schema: map[string]any{"type": "object"}},
	}}
	if _, err := c.Chat.Completions.New(t.Context(), params, simulated("Output-Tokens", "3")); err != nil {
		t.Fatal(err)
	}
	if got := g.served().OutputTokens; got != 3 {
		t.Errorf("billed %d output tokens", got)
	}
}
