package sdk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"tollgate/api"
	"tollgate/client"
)

// large is what the chatbot's model costs.
var large = prices{input: 2500, output: 10_000}

// chatbot makes a chatbot of the large model that may say little.
func (g *gate) chatbot(name, prompt string) api.Chatbot {
	g.t.Helper()
	made, err := g.admin.CreateChatbot(g.t.Context(), api.ChatbotInput{
		Name: api.Set(name), Model: api.Set("demo-large"), SystemPrompt: api.Set(prompt), MaxTokens: api.Set[int64](12),
	})
	if err != nil {
		g.t.Fatalf("create a chatbot: %v", err)
	}
	return made
}

// granted makes a key that opens a chatbot.
func (g *gate) granted(bot api.Chatbot) api.KeyCreated {
	g.t.Helper()
	made := g.key(api.KeyInput{})
	if _, err := g.admin.CreateChatbotKey(g.t.Context(), bot.ID, api.ChatbotGrantInput{KeyID: api.Set(made.APIKey.ID)}); err != nil {
		g.t.Fatalf("grant: %v", err)
	}
	return made
}

// at is the official client at a chatbot's address.
func (g *gate) at(bot api.Chatbot, key string) (openai.Client, *sent) {
	return sdkAt(g.root+"/chatbots/"+bot.Slug+"/v1", key)
}

// order is what a program asks that knows nothing of chatbots: a model of its
// own choice, and the user's words.
func order() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "gpt-4o", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Where is my order?")}}
}

// A program that speaks to OpenAI speaks to a chatbot once its base URL says so:
// its model answers, as long as it may, and its entry names it, to the nano-dollar.
func TestD1_TheOfficialSDKSpeaksToAChatbot(t *testing.T) {
	g := open(t)
	bot := g.chatbot("Help Desk", "You help with orders. Be brief.")
	if bot.Slug != "help-desk" {
		t.Fatalf("slug %q", bot.Slug)
	}
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%t", stream), func(t *testing.T) {
			g.provider.Reset()
			key := g.granted(bot)
			c, sent := g.at(bot, key.SecretKey)
			models, err := c.Models.List(t.Context())
			if err != nil || len(models.Data) != 1 || models.Data[0].ID != bot.Model {
				t.Errorf("its models: %+v, %v", models, err)
			}
			if m, err := c.Models.Get(t.Context(), bot.Model); err != nil || m.ID != bot.Model {
				t.Errorf("its model: %+v, %v", m, err)
			}
			sent.Store(0)
			var answer openai.ChatCompletion
			if stream {
				answer = drain(t, c.Chat.Completions.NewStreaming(t.Context(), order(), simulated("Output-Tokens", "500"))).acc.ChatCompletion
			} else {
				got, err := c.Chat.Completions.New(t.Context(), order(), simulated("Output-Tokens", "500"))
				if err != nil {
					t.Fatal(err)
				}
				answer = *got
			}
			if choice := answer.Choices[0]; choice.Message.Content == "" || choice.FinishReason != "length" || sent.Load() != 1 {
				t.Errorf("%q, finish reason %q, %d requests", choice.Message.Content, choice.FinishReason, sent.Load())
			}
			if s := g.served(); s.Model != "demo-large" || s.OutputTokens != 12 {
				t.Errorf("the provider served %+v", s)
			}
			g.booked(key.APIKey.ID, "openai", large)
			rows, err := g.admin.Usage(t.Context(), client.UsageQuery{KeyID: key.APIKey.ID, ChatbotID: bot.ID})
			if err != nil || len(rows.Usage) != 1 {
				t.Fatalf("rows %+v, %v", rows, err)
			}
			if row := rows.Usage[0]; row.ChatbotID == nil || *row.ChatbotID != bot.ID || row.Model != "demo-large" || row.Stream != stream {
				t.Errorf("booked %+v", row)
			}
		})
	}
}

// What a chatbot refuses is the SDK's own error, is asked once, and costs nothing.
func TestD5_WhatAChatbotRefusesIsTheSDKsOwnError(t *testing.T) {
	g := open(t)
	bot, other := g.chatbot("Help Desk", "Be brief."), g.chatbot("Other", "")
	granted, revoked := g.granted(bot), g.granted(bot)
	before, _ := g.at(bot, revoked.SecretKey)
	if _, err := before.Chat.Completions.New(t.Context(), order()); err != nil {
		t.Fatalf("before its grant was revoked: %v", err)
	}
	if err := g.admin.DeleteChatbotKey(t.Context(), bot.ID, revoked.APIKey.ID); err != nil {
		t.Fatal(err)
	}
	g.provider.Reset()
	for _, row := range []struct {
		name string
		bot  api.Chatbot
		key  string
		ask  openai.ChatCompletionNewParams
		opts []option.RequestOption
		want expect
	}{
		{name: "a system message", bot: bot, key: granted.SecretKey, ask: hello("gpt-4o"), want: expect{400, "invalid_field", 1}},
		{name: "a grant that was revoked", bot: bot, key: revoked.SecretKey, ask: order(), want: expect{403, "chatbot_denied", 1}},
		{name: "a grant for another chatbot", bot: other, key: granted.SecretKey, ask: order(), want: expect{403, "chatbot_denied", 1}},
		{name: "no grant", bot: bot, key: g.key(api.KeyInput{}).SecretKey, ask: order(), want: expect{403, "chatbot_denied", 1}},
		{name: "no key", bot: bot, ask: order(), opts: []option.RequestOption{option.WithHeaderDel("Authorization")}, want: expect{401, "key_missing", 1}},
		{name: "an empty key", bot: bot, ask: order(), want: expect{401, "key_missing", 1}},
		{name: "the placeholder of public chatbots", bot: bot, key: "anonymous", ask: order(), want: expect{401, "key_missing", 1}},
		{name: "OpenAI's own key", bot: bot, key: "sk-proj-0123456789", ask: order(), want: expect{401, "key_invalid", 1}},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%t", row.name, stream), func(t *testing.T) {
				c, sent := g.at(row.bot, row.key)
				var err error
				if stream {
					s := c.Chat.Completions.NewStreaming(t.Context(), row.ask, row.opts...)
					if s.Next() {
						t.Errorf("a chunk: %s", s.Current().RawJSON())
					}
					err = s.Err()
				} else {
					_, err = c.Chat.Completions.New(t.Context(), row.ask, row.opts...)
				}
				row.want.check(t, err, sent.Load())
				var got *openai.Error
				if row.want.code == "invalid_field" && errors.As(err, &got) && (got.Param != "messages[0].role" || !strings.Contains(got.Message, "system")) {
					t.Errorf("param %q: %s", got.Param, got.Message)
				}
			})
		}
	}
	if served := g.provider.Served(); len(served) != 0 {
		t.Errorf("the provider served %+v", served)
	}
	for id, want := range map[string]int64{bot.ID: 1, other.ID: 0} {
		if shown, err := g.admin.Chatbot(t.Context(), id); err != nil || shown.TotalRequests != want {
			t.Errorf("%s: %d requests, want %d: %v", shown.Slug, shown.TotalRequests, want, err)
		}
	}
	// The others' revocation closes nothing to the key that is granted.
	c, _ := g.at(bot, granted.SecretKey)
	if _, err := c.Chat.Completions.New(t.Context(), order()); err != nil {
		t.Errorf("the granted key: %v", err)
	}
}
