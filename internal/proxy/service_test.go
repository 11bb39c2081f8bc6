package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/money"
	"tollgate/internal/secret"
)

// said answers with a body, as events if it begins with one.
func said(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(body, "data:") || strings.HasPrefix(body, "event:") {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

// inAndOut is a tier with these prices.
func inAndOut(in, out string) []api.PriceTierInput {
	return []api.PriceTierInput{{InputUSDPerMillion: in, OutputUSDPerMillion: out}}
}

// serving is a gate with a model x of each provider that has services, and one of
// which priority was bought.
func serving(t *testing.T) *gate {
	t.Helper()
	g := open(t, func(c *config.Config) {
		base := strings.TrimSuffix(c.Providers["openai"].BaseURL, "/v1")
		c.Providers["anthropic"] = config.Provider{BaseURL: base, APIKey: secret.New("sk-ant-x-4711")}
		c.Providers["google"] = config.Provider{BaseURL: base, APIKey: secret.New("AIza-x-4711")}
	})
	var rows []api.PriceInput
	for _, name := range []string{"openai/x", "anthropic/x", "google/x", "anthropic/bought"} {
		provider, model, _ := strings.Cut(name, "/")
		row := api.PriceInput{Provider: provider, Model: model, MaxOutputTokens: 1000, Tiers: inAndOut("2", "20"), ServiceTiers: []api.ServicePriceInput{
			{Service: "flex", Tiers: inAndOut("1", "10")}, {Service: "fast", Tiers: inAndOut("12", "120")},
		}}
		if name != "anthropic/x" {
			row.ServiceTiers = append(row.ServiceTiers, api.ServicePriceInput{Service: "priority", Tiers: inAndOut("4", "40")})
		}
		rows = append(rows, row)
	}
	if report, err := g.admin.SetPrices(t.Context(), api.PricesInput{Prices: rows}); err != nil || report.Refused > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	return g
}

const geminiPath = "/v1beta/models/x:generateContent"

// wanting is a request on a path, with a member more in its body.
func wanting(path, member string) ask {
	switch path {
	case "/v1/messages":
		return ask{path: path, body: `{"model":"anthropic/x","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]` + member + `}`}
	case geminiPath:
		return ask{path: "/v1beta/models/google/x:generateContent", body: `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}],"generationConfig":{"maxOutputTokens":5}` + member + `}`}
	case "/v1/responses":
		return ask{path: path, body: `{"model":"openai/x","input":"Hello","max_output_tokens":5` + member + `}`}
	}
	return ask{path: "/v1/chat/completions", body: `{"model":"openai/x","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]` + member + `}`}
}

// What is charged is the price of the service that the provider says it has given;
// where it says nothing, the dearer of what was asked for and the usual one. What is
// held covers all that can come of it.
func TestServicesAreChargedAsTheyAreGiven(t *testing.T) {
	g := serving(t)
	const (
		// Of 10 tokens read and 3 written, in nano-dollars.
		standard = 10*2000 + 3*20000
		flex     = 10*1000 + 3*10000
		priority = 10*4000 + 3*40000
		fast     = 10*12000 + 3*120000

		usage    = `"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}`
		claude   = `{"id":"msg_1","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":3%s}}`
		gemini   = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"totalTokenCount":13}}`
		response = `{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":10,"output_tokens":3,"total_tokens":13}%s}`
	)
	chatted := func(member string) string {
		return `{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],` + usage + member + `}`
	}
	streamed := func(member string) string {
		return `data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]` + member + "}\n\n" + `data: {"id":"c","choices":[],` + usage + member + "}\n\ndata: [DONE]\n\n"
	}
	claudeStream := "event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":10,"output_tokens":1,"service_tier":"standard","speed":"fast"}}}` + "\n\n" +
		"event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n\n" +
		"event: message_delta\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}` + "\n\n" +
		"event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n"
	for _, tt := range []struct {
		name, path, member string
		answer             http.HandlerFunc
		want               int64
	}{
		{"nothing", "", "", said(chatted("")), standard},
		{"auto, default", "", `,"service_tier":"auto"`, said(chatted(`,"service_tier":"default"`)), standard},
		{"flex", "", `,"service_tier":"flex"`, said(chatted(`,"service_tier":"flex"`)), flex},
		{"flex, and nothing said", "", `,"service_tier":"flex"`, said(chatted("")), standard},
		{"flex, null", "", `,"service_tier":"flex"`, said(chatted(`,"service_tier":null`)), standard},
		{"flex, default", "", `,"service_tier":"flex"`, said(chatted(`,"service_tier":"default"`)), standard},
		{"priority", "", `,"service_tier":"priority"`, said(chatted(`,"service_tier":"priority"`)), priority},
		{"priority, escaped", "", `,"service_tier":"prior\u0069ty"`, said(chatted(`,"service_tier":"prior\u0069ty"`)), priority},
		{"priority, default", "", `,"service_tier":"priority"`, said(chatted(`,"service_tier":"default"`)), standard},
		{"priority, and nothing said", "", `,"service_tier":"priority"`, said(chatted("")), priority},
		{"a word that nobody knows", "", "", said(chatted(`,"service_tier":"scale"`)), standard},
		{"priority streamed", "", `,"stream":true,"service_tier":"priority"`, said(streamed(`,"service_tier":"priority"`)), priority},
		{"flex streamed", "", `,"stream":true,"service_tier":"flex"`, said(streamed(`,"service_tier":"flex"`)), flex},
		{"a response", "/v1/responses", `,"service_tier":"flex"`, said(fmt.Sprintf(response, `,"service_tier":"flex"`)), flex},
		{"a response streamed", "/v1/responses", `,"stream":true,"service_tier":"priority"`, said("data: " + `{"type":"response.completed","response":` + fmt.Sprintf(response, `,"service_tier":"priority"`) + "}\n\n"), priority},
		{"Claude", "/v1/messages", "", said(fmt.Sprintf(claude, `,"service_tier":"standard"`)), standard},
		{"Claude, bought and not priced", "/v1/messages", "", said(fmt.Sprintf(claude, `,"service_tier":"priority"`)), standard},
		{"Claude, fast", "/v1/messages", `,"speed":"fast"`, said(fmt.Sprintf(claude, `,"service_tier":"standard","speed":"fast"`)), fast},
		{"Claude, fast and not given", "/v1/messages", `,"speed":"fast"`, said(fmt.Sprintf(claude, `,"service_tier":"standard","speed":"standard"`)), standard},
		{"Claude, fast and streamed", "/v1/messages", `,"stream":true,"speed":"fast"`, said(claudeStream), fast},
		{"Gemini", geminiPath, "", said(gemini), standard},
		{"Gemini, flex", geminiPath, `,"serviceTier":"SERVICE_TIER_FLEX"`, said(gemini, "X-Gemini-Service-Tier", "flex"), flex},
		{"Gemini, priority given up", geminiPath, `,"service_tier":"priority"`, said(gemini, "X-Gemini-Service-Tier", "standard"), standard},
		{"Gemini, priority", geminiPath, `,"service_tier":"priority"`, said(gemini, "X-Gemini-Service-Tier", "priority"), priority},
	} {
		k := g.key(hard())
		g.provider.answers(tt.answer)
		a := wanting(tt.path, tt.member)
		a.key = k.SecretKey
		if r := g.do(a); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", tt.name, r.status, r.body)
			continue
		}
		if row := g.row(k.APIKey.ID); nano(t, row.CostUSD) != tt.want || row.Outcome != "settled" {
			t.Errorf("%s: %s, %s, want %s", tt.name, row.CostUSD, row.Outcome, money.NanoUSD(tt.want))
		}
	}
	bought := g.key(hard())
	g.provider.answers(said(fmt.Sprintf(claude, `,"service_tier":"priority"`)))
	a := wanting("/v1/messages", "")
	a.key, a.body = bought.SecretKey, strings.Replace(a.body, "anthropic/x", "anthropic/bought", 1)
	if r := g.do(a); r.status != http.StatusOK {
		t.Errorf("bought: %d %s", r.status, r.body)
	}
	if row := g.row(bought.APIKey.ID); nano(t, row.CostUSD) != priority {
		t.Errorf("bought: %s", row.CostUSD)
	}
	if strings.Contains(g.log.String(), "more than was held") {
		t.Error("something cost more than was held for it")
	}
}

// A budget that holds the usual price and not the dearer one is not passed.
func TestTheDearerServiceIsHeldFor(t *testing.T) {
	g := open(t, nil)
	if _, err := g.admin.SetPrices(t.Context(), api.PricesInput{Prices: []api.PriceInput{{
		Provider: "openai", Model: "x", Tiers: inAndOut("0", "100"), ServiceTiers: []api.ServicePriceInput{{Service: "priority", Tiers: inAndOut("0", "200")}},
	}}}); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"openai/x","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]%s}`
	for member, holds := range map[string]bool{"": true, `,"service_tier":"default"`: true, `,"service_tier":"flex"`: true, `,"service_tier":"priority"`: false} {
		cent := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)}).SecretKey
		if r := g.do(ask{key: cent, body: fmt.Sprintf(body, member)}); holds != (r.status == http.StatusOK && r.header.Get("X-Tollgate-Clamped") == "") {
			t.Errorf("a cent holds 100 tokens at the usual price and 50 at the dearer one; %q: %d %s", member, r.status, r.body)
		}
	}
}

// What the account at the provider is set to is held for requests that leave it open,
// and for no others.
func TestWhatTheAccountIsSetToIsHeldFor(t *testing.T) {
	g := open(t, func(c *config.Config) {
		p := c.Providers["openai"]
		p.AutoService = "priority"
		c.Providers["openai"] = p
	})
	if _, err := g.admin.SetPrices(t.Context(), api.PricesInput{Prices: []api.PriceInput{{
		Provider: "openai", Model: "x", Tiers: inAndOut("0", "100"), ServiceTiers: []api.ServicePriceInput{{Service: "priority", Tiers: inAndOut("0", "200")}},
	}}}); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"openai/x","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]%s}`
	for member, holds := range map[string]bool{"": false, `,"service_tier":"auto"`: false, `,"service_tier":"default"`: true} {
		cent := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)}).SecretKey
		if r := g.do(ask{key: cent, body: fmt.Sprintf(body, member)}); holds != (r.status == http.StatusOK && r.header.Get("X-Tollgate-Clamped") == "") {
			t.Errorf("%q: %d %s", member, r.status, r.body)
		}
	}
	k := g.key(hard())
	g.provider.answers(said(`{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`))
	g.do(ask{key: k.SecretKey, body: fmt.Sprintf(body, "")})
	if row := g.row(k.APIKey.ID); nano(t, row.CostUSD) != 3*200_000 {
		t.Errorf("nothing is said, and it is as the account is set to: %s", row.CostUSD)
	}
}
