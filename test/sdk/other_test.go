package sdk

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"

	"tollgate/api"
)

func TestTextCompletions(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	params := openai.CompletionNewParams{
		Model:  "demo-mini",
		Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt("Once upon a time")},
	}
	whole, err := c.Completions.New(t.Context(), params, simulated("Output-Tokens", "8"))
	if err != nil {
		t.Fatal(err)
	}
	if whole.Choices[0].Text == "" || whole.Usage.CompletionTokens != 8 {
		t.Errorf("answer %s", whole.RawJSON())
	}
	stream := c.Completions.NewStreaming(t.Context(), params, simulated("Output-Tokens", "8"))
	var text strings.Builder
	for stream.Next() {
		chunk := stream.Current()
		if len(chunk.Choices) == 0 || chunk.JSON.Usage.Valid() {
			t.Errorf("a chunk that nobody asked for: %s", chunk.RawJSON())
			continue
		}
		text.WriteString(chunk.Choices[0].Text)
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if text.String() != whole.Choices[0].Text {
		t.Errorf("streamed %q, whole %q", text.String(), whole.Choices[0].Text)
	}
}

func TestEmbeddings(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	for _, model := range []string{"demo-embed", "text-embedding-3-small"} {
		g.provider.Reset()
		answer, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model:      model,
			Input:      openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
			Dimensions: param.NewOpt[int64](64),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Data) != 2 || len(answer.Data[1].Embedding) != 64 || answer.Data[1].Index != 1 {
			t.Fatalf("answer %s", answer.RawJSON())
		}
		if v := answer.Data[0].Embedding[0]; math.IsNaN(v) || v == 0 {
			t.Errorf("a vector that begins with %v", v)
		}
		if served := g.served(); answer.Usage.PromptTokens != served.InputTokens || answer.Usage.TotalTokens != served.InputTokens {
			t.Errorf("usage %+v, the provider billed %+v", answer.Usage, served)
		}
	}
	_, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "demo-embed",
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfTokenArrays: [][]int64{{1, 2, 3}, {4, 5}}},
	})
	if err != nil {
		t.Errorf("token arrays: %v", err)
	}
}

func TestModels(t *testing.T) {
	g := open(t)
	c, _ := g.client(api.KeyInput{AllowedModels: api.Set([]string{"demo-*"})})
	var names []string
	pages := c.Models.ListAutoPaging(t.Context())
	for pages.Next() {
		m := pages.Current()
		if m.Object != "model" || m.OwnedBy == "" {
			t.Errorf("model %s", m.RawJSON())
		}
		names = append(names, m.ID)
	}
	if err := pages.Err(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "demo-mini") || slices.Contains(names, "gpt-4o") {
		t.Errorf("the key may use %q, and is shown %q", "demo-*", names)
	}
	for _, name := range names {
		m, err := c.Models.Get(t.Context(), name)
		if err != nil || m.ID != name {
			t.Errorf("model %q: %v, %v", name, m, err)
		}
	}
	_, err := c.Models.Get(t.Context(), "no-such-model")
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 404 || e.Code != "model_not_found" {
		t.Errorf("an unknown model: %v", err)
	}
	// A name with a slash, as the SDK escapes it.
	if m, err := c.Models.Get(t.Context(), "demo/demo-mini"); err != nil || !strings.HasSuffix(m.ID, "demo-mini") {
		t.Errorf("demo/demo-mini: %v, %v", m, err)
	}
}
