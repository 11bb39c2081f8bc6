package pricelist_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/api"
	"tollgate/internal/money"
	"tollgate/internal/pricelist"
)

func read(t *testing.T, text string, o pricelist.Options) pricelist.List {
	t.Helper()
	list, err := pricelist.Read(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func ptr(s string) *string { return &s }

// one reads a model of LiteLLM's list.
func one(t *testing.T, name, fields string) pricelist.Row {
	t.Helper()
	list := read(t, fmt.Sprintf(`{"sample_spec": {"input_cost_per_token": "words"}, %q: {%s}}`, name, fields), pricelist.Options{})
	if list.Source != pricelist.LiteLLM || len(list.Rows) != 1 || list.Rows[0].Name != name {
		t.Fatalf("%+v", list)
	}
	return list.Rows[0]
}

func tier(above int64, in, out string) api.PriceTierInput {
	return api.PriceTierInput{AboveInputTokens: above, InputUSDPerMillion: in, OutputUSDPerMillion: out}
}

func TestLiteLLM(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		want         api.PriceInput
		notes        int
	}{
		{
			"gpt-x", `"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "max_input_tokens": 128000, "max_output_tokens": 16384, "supports_vision": true`,
			api.PriceInput{Provider: "openai", Model: "gpt-x", ContextTokens: 128000, MaxOutputTokens: 16384, Tiers: []api.PriceTierInput{tier(0, "2.50", "10.00")}},
			0,
		},
		{
			"gemini/gem", `"litellm_provider": "gemini", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05, "input_cost_per_token_above_200k_tokens": 2.5e-06, "output_cost_per_token_above_200k_tokens": 1.5e-05, "cache_read_input_token_cost": 1.25e-07, "cache_read_input_token_cost_above_200k_tokens": 2.5e-07, "input_cost_per_audio_token": 1e-06, "output_cost_per_reasoning_token": 1.2e-05, "input_cost_per_token_priority": 2.25e-06, "output_cost_per_token_priority": 1.8e-05, "input_cost_per_token_above_200k_tokens_priority": 4.5e-06, "output_cost_per_token_above_200k_tokens_priority": 2.7e-05`,
			api.PriceInput{Provider: "google", Model: "gem", Tiers: []api.PriceTierInput{
				{InputUSDPerMillion: "1.25", OutputUSDPerMillion: "10.00", CacheReadUSDPerMillion: ptr("0.125"), InputAudioUSDPerMillion: ptr("1.00"), ReasoningUSDPerMillion: ptr("12.00")},
				{AboveInputTokens: 200000, InputUSDPerMillion: "2.50", OutputUSDPerMillion: "15.00", CacheReadUSDPerMillion: ptr("0.25")},
			}, ServiceTiers: []api.ServicePriceInput{{Service: "priority", Tiers: []api.PriceTierInput{tier(0, "2.25", "18.00"), tier(200000, "4.50", "27.00")}}}},
			0,
		},
		{
			"claude-x", `"litellm_provider": "anthropic", "input_cost_per_token": 5e-06, "output_cost_per_token": 2.5e-05, "cache_creation_input_token_cost": 6.25e-06, "cache_creation_input_token_cost_above_1hr": 1e-05, "cache_read_input_token_cost": 5e-07, "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.02}, "provider_specific_entry": {"fast": 6.0, "us": 1.1}`,
			api.PriceInput{Provider: "anthropic", Model: "claude-x", SearchUSD: ptr("0.02"), Tiers: []api.PriceTierInput{
				{InputUSDPerMillion: "5.00", OutputUSDPerMillion: "25.00", CacheReadUSDPerMillion: ptr("0.50"), CacheWriteUSDPerMillion: ptr("6.25"), CacheWrite1hUSDPerMillion: ptr("10.00")},
			}, ServiceTiers: []api.ServicePriceInput{{Service: "fast", Tiers: []api.PriceTierInput{
				{InputUSDPerMillion: "30.00", OutputUSDPerMillion: "150.00", CacheReadUSDPerMillion: ptr("3.00"), CacheWriteUSDPerMillion: ptr("37.50"), CacheWrite1hUSDPerMillion: ptr("60.00")},
			}}}},
			1,
		},
		{
			"claude-long", `"litellm_provider": "anthropic", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_creation_input_token_cost_above_1hr": 6e-06, "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05, "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05`,
			api.PriceInput{Provider: "anthropic", Model: "claude-long", Tiers: []api.PriceTierInput{
				{InputUSDPerMillion: "3.00", OutputUSDPerMillion: "15.00", CacheWrite1hUSDPerMillion: ptr("6.00")},
				{AboveInputTokens: 200000, InputUSDPerMillion: "6.00", OutputUSDPerMillion: "22.50", CacheWrite1hUSDPerMillion: ptr("12.00")},
			}},
			0,
		},
		{
			"gpt-5", `"litellm_provider": "openai", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05, "input_cost_per_token_flex": 6.25e-07, "output_cost_per_token_flex": 5e-06, "cache_read_input_token_cost_flex": 6.25e-08, "input_cost_per_token_batches": 6.25e-07, "output_cost_per_token_batches": 5e-06, "input_cost_per_token_priority": 2.5e-06`,
			api.PriceInput{Provider: "openai", Model: "gpt-5", Tiers: []api.PriceTierInput{tier(0, "1.25", "10.00")}, ServiceTiers: []api.ServicePriceInput{
				{Service: "flex", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "0.625", OutputUSDPerMillion: "5.00", CacheReadUSDPerMillion: ptr("0.0625")}}},
				{Service: "batch", Tiers: []api.PriceTierInput{tier(0, "0.625", "5.00")}},
			}},
			1,
		}, // priority has no price for output
		{
			"text-embedding-x", `"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 2e-08`,
			api.PriceInput{Provider: "openai", Model: "text-embedding-x", Tiers: []api.PriceTierInput{tier(0, "0.02", "0.00")}},
			0,
		},
		{
			"whisper-1", `"litellm_provider": "openai", "mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001`,
			api.PriceInput{Provider: "openai", Model: "whisper-1", SecondUSD: ptr("0.0001")},
			0,
		},
		{
			"tts-1", `"litellm_provider": "openai", "mode": "audio_speech", "input_cost_per_character": 1.5e-05`,
			api.PriceInput{Provider: "openai", Model: "tts-1", CharactersUSDPerMillion: ptr("15.00")},
			0,
		},
		{
			"gpt-image", `"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.039, "input_cost_per_pixel": 1e-08`,
			api.PriceInput{Provider: "openai", Model: "gpt-image", ImageUSD: ptr("0.039")},
			1,
		},
		{
			"rerank-v3.5", `"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0`,
			api.PriceInput{Provider: "cohere", Model: "rerank-v3.5", SearchUSD: ptr("0.002"), Tiers: []api.PriceTierInput{tier(0, "0.00", "0.00")}},
			0,
		},
		{
			"dashscope/qwen", `"litellm_provider": "dashscope", "tiered_pricing": [{"range": [0, 32000], "input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06}, {"range": [32000.0, 128000], "input_cost_per_token": 1.8e-06, "output_cost_per_token": 9e-06}]`,
			api.PriceInput{Provider: "dashscope", Model: "qwen", Tiers: []api.PriceTierInput{tier(0, "1.00", "5.00"), tier(32000, "1.80", "9.00")}},
			0,
		},
		{
			"ft:gpt-x-2025-01-01", `"litellm_provider": "openai", "input_cost_per_token": 3e-06, "output_cost_per_token": 6e-06`,
			api.PriceInput{Provider: "openai", Model: "ft:gpt-x-2025-01-01:*", Tiers: []api.PriceTierInput{tier(0, "3.00", "6.00")}},
			0,
		},
		{
			"gpt-image-2", `"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 5e-06, "output_cost_per_token": 1e-05, "input_cost_per_image_token": 8e-06, "output_cost_per_image_token": 3e-05`,
			api.PriceInput{Provider: "openai", Model: "gpt-image-2", Tiers: []api.PriceTierInput{tier(0, "8.00", "30.00")}},
			2,
		},
		{
			"claude-3-haiku", `"litellm_provider": "anthropic", "input_cost_per_token": 2.5e-07, "output_cost_per_token": 1.25e-06, "cache_creation_input_token_cost": 3e-07, "cache_creation_input_token_cost_above_1hr": 6e-06`,
			api.PriceInput{Provider: "anthropic", Model: "claude-3-haiku", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "0.25", OutputUSDPerMillion: "1.25", CacheWriteUSDPerMillion: ptr("0.30")}}},
			1,
		},
		{
			"finest", `"litellm_provider": "openai", "input_cost_per_token": 1.0000001e-06, "output_cost_per_token": 1.5000000000000002e-07`,
			api.PriceInput{Provider: "openai", Model: "finest", Tiers: []api.PriceTierInput{tier(0, "1.000001", "0.15")}},
			2,
		},
		{
			"text", `"litellm_provider": "openai", "input_cost_per_token": "1e-06", "output_cost_per_token": 2E-6, "input_cost_per_image": 0.1`,
			api.PriceInput{Provider: "openai", Model: "text", Tiers: []api.PriceTierInput{tier(0, "1.00", "2.00")}},
			1,
		},
	} {
		row := one(t, tt.name, tt.fields)
		if row.Skip != "" || len(row.Notes) != tt.notes {
			t.Errorf("%s: %q, notes %q", tt.name, row.Skip, row.Notes)
		}
		if diff := cmp.Diff(tt.want, row.Price); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// What cannot be carried over is left out, and each says why.
func TestLeftOut(t *testing.T) {
	for name, fields := range map[string]string{
		"nobody's":                `"input_cost_per_token": 1e-06`,
		"free":                    `"litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_token": 0.0`,
		"no output":               `"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06`,
		"no input":                `"litellm_provider": "openai", "mode": "chat", "output_cost_per_token": 1e-06`,
		"negative":                `"litellm_provider": "openai", "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-06`,
		"absurd":                  `"litellm_provider": "openai", "input_cost_per_token": 1.25, "output_cost_per_token": 10`,
		"endless":                 `"litellm_provider": "openai", "input_cost_per_token": 1e999, "output_cost_per_token": 1`,
		"pixels":                  `"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_pixel": 1e-08`,
		"nothing":                 `"litellm_provider": "openai"`,
		"hd/1024-x-1024/dall-e-3": `"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.1`,
		"azure/eu/gpt-4o":         `"litellm_provider": "azure", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06`,
		"only large":              `"litellm_provider": "openai", "input_cost_per_token_above_200k_tokens": 1e-06, "output_cost_per_token_above_200k_tokens": 1e-06`,
		"odd range":               `"litellm_provider": "x", "tiered_pricing": [{"range": ["a", 1], "input_cost_per_token": 1e-06, "output_cost_per_token": 1}]`,
		"no range":                `"litellm_provider": "x", "tiered_pricing": [{"input_cost_per_token": 1e-06, "output_cost_per_token": 1}]`,
	} {
		text := fmt.Sprintf(`{%q: {%s}, "ok": {"litellm_provider": "openai"}}`, name, fields)
		row := read(t, text, pricelist.Options{}).Rows[0]
		if row.Skip == "" || row.Name != name || row.Price.Tiers != nil || row.Price.ImageUSD != nil {
			t.Errorf("%s: %+v", name, row)
		}
	}
	row := read(t, `{"free": {"litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_token": 0.0}}`, pricelist.Options{Free: true}).Rows[0]
	if row.Skip != "" || row.Price.Tiers[0].InputUSDPerMillion != "0.00" {
		t.Errorf("free on purpose: %+v", row)
	}
}

func TestModelsDev(t *testing.T) {
	list := read(t, `{"openai": {"id": "openai", "models": {
		"gpt-x": {"id": "gpt-x", "cost": {"input": 2.5, "output": 15, "cache_read": 0.25, "context_over_200k": {"input": 5, "output": 22.5}, "tiers": [{"input": 5, "output": 22.5, "cache_read": 0.5, "tier": {"type": "context", "size": 272000}}]}, "limit": {"context": 1050000, "output": 128000}},
		"odd/name": {"cost": {"input": 1, "output": 2, "reasoning": 3, "input_audio": 4, "output_audio": 5, "cache_write": 1.2500001, "video": 9}},
		"no-cost": {"id": "no-cost"},
		"free": {"cost": {"input": 0, "output": 0}}}},
		"google": {"models": {"gem": {"cost": {"input": 1.25, "output": 10, "context_over_200k": {"input": 2.5, "output": 15}}}}}, "strange": 7}`,
		pricelist.Options{Providers: map[string]string{"google": "my-google"}})
	want := []pricelist.Row{
		{Name: "openai/gpt-x", Price: api.PriceInput{Provider: "openai", Model: "gpt-x", ContextTokens: 1050000, MaxOutputTokens: 128000, Tiers: []api.PriceTierInput{
			{InputUSDPerMillion: "2.50", OutputUSDPerMillion: "15.00", CacheReadUSDPerMillion: ptr("0.25")},
			{AboveInputTokens: 272000, InputUSDPerMillion: "5.00", OutputUSDPerMillion: "22.50", CacheReadUSDPerMillion: ptr("0.50")},
		}}},
		{Name: "openai/odd/name", Notes: []string{"cache_write: 1.2500001 is rounded up to 1.250001", "cost.video is not carried over"}, Price: api.PriceInput{Provider: "openai", Model: "odd/name", Tiers: []api.PriceTierInput{{
			InputUSDPerMillion: "1.00", OutputUSDPerMillion: "2.00", CacheWriteUSDPerMillion: ptr("1.250001"), ReasoningUSDPerMillion: ptr("3.00"), InputAudioUSDPerMillion: ptr("4.00"), OutputAudioUSDPerMillion: ptr("5.00"),
		}}}},
		{Name: "openai/no-cost", Skip: "it has no price", Price: api.PriceInput{Provider: "openai", Model: "no-cost"}},
		{Name: "openai/free", Skip: "all its prices are zero, which in lists may mean that nobody knows them (--free takes them)", Price: api.PriceInput{Provider: "openai", Model: "free"}},
		{Name: "google/gem", Price: api.PriceInput{Provider: "my-google", Model: "gem", Tiers: []api.PriceTierInput{tier(0, "1.25", "10.00"), tier(200000, "2.50", "15.00")}}},
		{Name: "strange", Skip: "it is no provider with models"},
	}
	if diff := cmp.Diff(pricelist.List{Source: pricelist.ModelsDev, Rows: want}, list); diff != "" {
		t.Error(diff)
	}
}

func TestNoList(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"a": 1}`, `{"a": {"b": 1}}`, `{"a": {"litellm_provider": "x"}} more`, "{", "null", strings.Repeat(`{"a":`, 20000)} {
		if list, err := pricelist.Read(strings.NewReader(text), pricelist.Options{}); err == nil {
			t.Errorf("%.30s: %+v", text, list)
		}
	}
	if _, err := pricelist.Read(strings.NewReader("{"+strings.Repeat(" ", pricelist.MaxBytes)+"}"), pricelist.Options{}); err == nil {
		t.Error("a list without end is read")
	}
}

func TestTheLastOfTwoCounts(t *testing.T) {
	list := read(t, `{"a": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}, "a": {"litellm_provider": "openai", "input_cost_per_token": 2e-06, "output_cost_per_token": 2e-06}}`, pricelist.Options{})
	if len(list.Rows) != 1 || list.Rows[0].Price.Tiers[0].InputUSDPerMillion != "2.00" {
		t.Errorf("%+v", list)
	}
}

// wellFormed holds what a row says to what can be set.
func wellFormed(t *testing.T, row pricelist.Row) {
	t.Helper()
	price := func(text string) {
		if p, err := money.ParsePrice(text); err != nil || p < 0 || p > 10_000_000_000 {
			t.Errorf("%+v: %q: %v", row, text, err)
		}
	}
	tiers := func(list []api.PriceTierInput) {
		for i, tier := range list {
			if i == 0 && tier.AboveInputTokens != 0 || i > 0 && tier.AboveInputTokens <= list[i-1].AboveInputTokens {
				t.Errorf("%+v: tiers do not rise", row)
			}
			price(tier.InputUSDPerMillion)
			price(tier.OutputUSDPerMillion)
			for _, p := range []*string{tier.CacheReadUSDPerMillion, tier.CacheWriteUSDPerMillion, tier.CacheWrite1hUSDPerMillion, tier.InputAudioUSDPerMillion, tier.ReasoningUSDPerMillion, tier.OutputAudioUSDPerMillion} {
				if p != nil {
					price(*p)
				}
			}
		}
	}
	p := row.Price
	tiers(p.Tiers)
	for _, s := range p.ServiceTiers {
		tiers(s.Tiers)
	}
	unit := false
	for _, u := range []*string{p.ImageUSD, p.SecondUSD, p.CharactersUSDPerMillion, p.SearchUSD} {
		if u != nil {
			unit = true
			price(*u)
		}
	}
	if priced := len(p.Tiers) > 0 || unit; priced != (row.Skip == "") || p.ContextTokens < 0 || p.MaxOutputTokens < 0 {
		t.Errorf("%+v: priced %t", row, priced)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"gpt-x": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "input_cost_per_token_above_200k_tokens_flex": 1e-9, "tiered_pricing": [{"range": [0, 1], "input_cost_per_token": 1}]}}`)
	f.Add(`{"claude": {"litellm_provider": "anthropic", "provider_specific_entry": {"fast": 6}, "search_context_cost_per_query": {"a": 0.01}, "cache_creation_input_token_cost_above_1hr_above_200k_tokens": "1e-5"}}`)
	f.Add(`{"openai": {"models": {"a": {"cost": {"input": 1.5000000000000002, "output": 1e-7, "context_over_200k": {"input": 1, "output": 2}, "tiers": [{"tier": {"size": 5}}]}, "limit": {"context": 1e5, "output": 1.5}}}}}`)
	f.Add(`{"openai": {"models": {"a": {"cost": {"input": -1}}, "b": null}}, "x": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []pricelist.Options{{}, {Free: true, Providers: map[string]string{"openai": "other"}}} {
			list, err := pricelist.Read(strings.NewReader(text), o)
			if err != nil {
				continue
			}
			for _, row := range list.Rows {
				wellFormed(t, row)
			}
			if _, err := json.Marshal(list); err != nil {
				t.Error(err)
			}
		}
	})
}

// What is read of a number is what it says, or less than a millionth more; unless it
// is one of floating point arithmetic, which is then as near.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"2.5e-06", "1", "1e-05", "1.5000000000000002e-07", "0.00000000000009999", "123.456789123", "9.99e3", "1e4", "1e-60", "-0", "0e5", "4.9999999999999996e-06"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) {
			t.Skip()
		}
		list, err := pricelist.Read(strings.NewReader(`{"openai": {"models": {"a": {"cost": {"input": `+s+`, "output": 1}}}}}`), pricelist.Options{})
		if err != nil || len(list.Rows) != 1 || list.Rows[0].Skip != "" {
			t.Skip()
		}
		exact, ok := new(big.Rat).SetString(strings.Trim(s, "\" \t\r\n"))
		if !ok {
			t.Fatalf("%q is no number, and was read", s)
		}
		got, _ := new(big.Rat).SetString(list.Rows[0].Price.Tiers[0].InputUSDPerMillion)
		off := new(big.Rat).Sub(got, exact)
		least := new(big.Rat).Neg(new(big.Rat).Mul(exact, big.NewRat(1, 1_000_000_000_000)))
		if off.Cmp(big.NewRat(1, 1_000_000)) >= 0 || off.Cmp(least) < 0 || off.Sign() < 0 && len(list.Rows[0].Notes) == 0 {
			t.Errorf("%q is read as %s", s, got.FloatString(9))
		}
		if off.Sign() != 0 && len(list.Rows[0].Notes) == 0 {
			t.Errorf("%q is read as %s, and nothing is said", s, got.FloatString(9))
		}
	})
}
