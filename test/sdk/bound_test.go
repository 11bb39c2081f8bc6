package sdk

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/tiktoken-go/tokenizer"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/dialect"
	"tollgate/internal/tokens"
)

const prose = "The quick brown fox jumps over the lazy dog, and it doesn't look back: 1,859 times.\n"

// words are what random messages are made of.
var words = []string{
	"the", " quick", "Brown", "'s", " 12", "345", ".", ", ", "\n", "\r\n", "  ", "\t", "\"", "\\", "é", "中文", "😀", "<|endoftext|>", "<|im_start|>",
	"\u2028", "<", ">", "&", "{\"a\":1}", "https://example.com/?q=1", strings.Repeat("=", 30),
}

func phrase(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(40) {
		b.WriteString(words[r.IntN(len(words))])
	}
	return b.String()
}

// conversation is a random list of messages, and what OpenAI counts for it by
// its own recipe: 3 tokens for each message, 1 for a name, 3 at the end ("How to
// count tokens with tiktoken", openai-cookbook).
func conversation(t *testing.T, r *rand.Rand, codec tokenizer.Codec) (params openai.ChatCompletionNewParams, counted int64) {
	count := func(s string) string {
		n, err := codec.Count(s)
		if err != nil {
			t.Fatal(err)
		}
		counted += int64(n)
		return s
	}
	counted = 3
	for range 1 + r.IntN(6) {
		counted += 3
		var m openai.ChatCompletionMessageParamUnion
		switch r.IntN(4) {
		case 0:
			m = openai.SystemMessage(count(phrase(r)))
			count("system")
		case 1:
			m = openai.AssistantMessage(count(phrase(r)))
			count("assistant")
		case 2:
			m = openai.UserMessage(count(phrase(r)))
			m.OfUser.Name = param.NewOpt(count("Mr" + phrase(r)))
			count("user")
			counted++
		default:
			m = openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{openai.TextContentPart(count(phrase(r))), openai.TextContentPart(count(phrase(r)))})
			count("user")
		}
		params.Messages = append(params.Messages, m)
	}
	return params, counted
}

// Bodies as the SDK writes them: what a hold is taken for must not be below
// what OpenAI counts.
func TestBoundOfBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	counter := tokens.New(tokens.Options{})
	for model, encoding := range map[string]tokenizer.Encoding{"gpt-4o": tokenizer.O200kBase, "gpt-4-turbo": tokenizer.Cl100kBase} {
		codec, err := tokenizer.Get(encoding)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			params, want := conversation(t, r, codec)
			params.Model = model
			body, err := json.Marshal(params)
			if err != nil {
				t.Fatal(err)
			}
			route, err := dialect.Find("POST", "/v1/chat/completions", nil)
			if err != nil {
				t.Fatal(err)
			}
			call, err := dialect.Read(route, nil, body)
			if err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			got, exact := counter.Bound("openai", model, call.Texts)
			if !exact || got < want {
				t.Errorf("%s: bound %d, %v; OpenAI counts %d in %s", model, got, exact, want, body)
			}
		}
	}
}

// A prompt that fits only by its tokens, not by its bytes, is admitted, with a
// hold above what it then costs.
func TestLongPromptFitsByItsTokens(t *testing.T) {
	g := open(t)
	key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](50)})
	c, _ := g.sdk(key.SecretKey)
	text := strings.Repeat(prose, 400_000/len(prose)) // a dollar by its bytes, some 26 cents by its tokens
	params := openai.ChatCompletionNewParams{
		Model: "gpt-4o", MaxTokens: param.NewOpt[int64](100),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
	answer, err := c.Chat.Completions.New(t.Context(), params, simulated("Output-Tokens", "100"))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Usage.CompletionTokens != 100 {
		t.Errorf("clamped to %d tokens", answer.Usage.CompletionTokens)
	}
	// For a model whose tokeniser is not known, its bytes are what is certain.
	params.Model = "demo-large"
	_, err = c.Chat.Completions.New(t.Context(), params)
	if err == nil {
		t.Error("a prompt of a dollar, by its bytes, was admitted")
	}
}

// An answer without usage is counted, not guessed.
func TestAnswerWithoutUsageIsCounted(t *testing.T) {
	g := open(t)
	key := g.key(api.KeyInput{})
	c, _ := g.sdk(key.SecretKey)
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(prose, 20)
	want, err := codec.Count(text)
	if err != nil {
		t.Fatal(err)
	}
	params := openai.ChatCompletionNewParams{Model: "demo-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
	if _, err := c.Chat.Completions.New(t.Context(), params, simulated("Fault", "no-usage")); err != nil {
		t.Fatal(err)
	}
	rows, err := g.admin.Usage(t.Context(), client.UsageQuery{KeyID: key.APIKey.ID})
	if err != nil || len(rows.Usage) != 1 {
		t.Fatalf("rows %+v, %v", rows, err)
	}
	if row := rows.Usage[0]; row.Outcome != "estimated" || row.InputTokens < int64(want) || row.InputTokens > int64(want)+10 {
		t.Errorf("booked %s, %d input tokens, want %d and some for the template", row.Outcome, row.InputTokens, want)
	}
}
