package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/secret"
)

const azureCredential = "azure-credential-1812"

func openAzure(t *testing.T) *gate {
	return open(t, func(c *config.Config) {
		c.Providers["azure"] = config.Provider{BaseURL: strings.TrimSuffix(c.Providers["openai"].BaseURL, "/v1"), APIKey: secret.New(azureCredential)}
		c.Aliases["house-openai"] = []string{"openai/gpt-4o"}
		c.Aliases["house-azure"] = []string{"azure/gpt-4o-mini"}
		c.Prices = append(c.Prices, config.PriceRow{Provider: "azure", Model: "our-own", TokenPrices: config.TokenPrices{Input: price(t, "1.00"), Output: price(t, "2.00")}})
	})
}

// TestAzure takes requests to deployments, with Azure's own headers both ways, and
// books what was reported.
func TestAzure(t *testing.T) {
	g := openAzure(t)
	const version = "?api-version=2024-10-21"
	for name, c := range map[string]struct {
		path, more, simulate string
		uri                  string // at the provider
		row                  string // model booked; "" = gpt-4o-mini
		stream               bool
	}{
		"whole":     {path: "/openai/deployments/gpt-4o-mini/chat/completions" + version, uri: "/openai/deployments/gpt-4o-mini/chat/completions" + version},
		"streamed":  {path: "/openai/deployments/gpt-4o-mini/chat/completions" + version + "&key=x", more: `,"stream":true`, stream: true, uri: "/openai/deployments/gpt-4o-mini/chat/completions" + version},
		"alias":     {path: "/openai/deployments/house-azure/chat/completions" + version, uri: "/openai/deployments/gpt-4o-mini/chat/completions" + version},
		"by name":   {path: "/openai/deployments/azure/gpt-4o-mini/chat/completions" + version, uri: "/openai/deployments/gpt-4o-mini/chat/completions" + version},
		"its own":   {path: "/openai/deployments/our-own/chat/completions" + version, uri: "/openai/deployments/our-own/chat/completions" + version, row: "our-own"},
		"novelties": {path: "/openai/deployments/gpt-4o-mini/chat/completions" + version, more: `,"stream":true`, stream: true, simulate: "novelties", uri: "/openai/deployments/gpt-4o-mini/chat/completions" + version},
		"v1":        {path: "/openai/v1/chat/completions?api-version=preview", more: `,"model":"azure/gpt-4o-mini"`, uri: "/openai/v1/chat/completions?api-version=preview"},
		"older v1":  {path: "/openai/chat/completions" + version, more: `,"model":"azure/gpt-4o-mini","stream":true`, stream: true, uri: "/openai/v1/chat/completions"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			body := `{"messages":[{"role":"user","content":"Hello, who are you?"}],"max_tokens":500` + c.more + `}`
			r := g.do(ask{path: c.path, body: body, header: map[string]string{
				"Api-Key": k.SecretKey, "X-Ms-Client-Request-Id": "mine", "X-Ms-Oai-Image-Generation-Deployment": "another", "X-Simulate-Fault": c.simulate,
			}})
			if r.status != http.StatusOK {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			sent, _ := g.provider.latest()
			if uri := g.provider.latestURI(); uri != c.uri || sent.Get("Api-Key") != azureCredential || sent.Get("X-Ms-Client-Request-Id") != "mine" || sent.Get("X-Ms-Oai-Image-Generation-Deployment") != "" {
				t.Errorf("sent to %s with %v", uri, sent)
			}
			if deployment := strings.Contains(c.path, "/deployments/"); deployment != strings.Contains(r.body, `"prompt_filter_results"`) ||
				deployment && (r.header.Get("Apim-Request-Id") == "" || r.header.Get("X-Ms-Region") == "") {
				t.Errorf("%v %.300s", r.header, r.body)
			}
			if c.stream && (strings.Contains(r.body, `"usage":{`) && c.simulate == "" || !strings.HasSuffix(r.body, "data: [DONE]\n\n")) {
				t.Errorf("%s", r.body)
			}
			model, input, output := "gpt-4o-mini", int64(150), int64(600)
			if c.row != "" {
				model, input, output = c.row, 1000, 2000
			}
			row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
			if row.Outcome != "settled" || row.APIFormat != "openai" || row.Provider != "azure" || row.Model != model || row.UpstreamRequestID != served.UpstreamID ||
				row.InputTokens != served.InputTokens || row.OutputTokens != served.OutputTokens {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			if got, want := nano(t, row.CostUSD), served.InputTokens*input+served.OutputTokens*output; got != want {
				t.Errorf("cost %d, want %d", got, want)
			}
		})
	}
}

// TestAzureMedia are pictures and sound of deployments: told by the path, also where
// a form says something else.
func TestAzureMedia(t *testing.T) {
	g := openAzure(t)
	const version = "?api-version=2025-04-01-preview"
	at := func(deployment, path string) string { return "/openai/deployments/" + deployment + path + version }
	mp3 := []byte("ID3 sound")
	heard := upload(t, at("azure/whisper-1", "/audio/transcriptions"), "file", mp3, "model", "another")
	for name, c := range map[string]struct {
		ask      ask
		contains string
	}{
		"picture":       {ask{path: at("gpt-image-1", "/images/generations"), body: `{"prompt":"A cat","model":"another"}`}, `"b64_json"`},
		"edit":          {upload(t, at("gpt-image-1", "/images/edits"), "image", mp3, "prompt", "With a hat"), `"b64_json"`},
		"speech":        {ask{path: at("tts-1", "/audio/speech"), body: `{"input":"Hello","voice":"alloy"}`}, ""},
		"transcription": {heard, `"text"`},
		"translation":   {upload(t, at("whisper-1", "/audio/translations"), "file", mp3), `"text"`},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(api.KeyInput{})
			c.ask.key = k.SecretKey
			r := g.do(c.ask)
			if r.status != http.StatusOK || !strings.Contains(r.body, c.contains) {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			row, served := g.row(k.APIKey.ID), g.provider.Served()[0]
			if row.Provider != "azure" || row.Model != served.Model || strings.Contains(row.Model, "another") ||
				row.Outcome == "settled" && (row.InputTokens != served.InputTokens || row.OutputTokens != served.OutputTokens) || (row.Outcome == "settled") == (name == "speech") {
				t.Errorf("booked %+v, the provider billed %+v", row, served)
			}
			if _, sent := g.provider.latest(); strings.Contains(sent, "another") || !strings.HasSuffix(g.provider.latestURI(), version) {
				t.Errorf("sent to %s: %.300s", g.provider.latestURI(), sent)
			}
		})
	}
}

// TestAzureRefusals are in OpenAI's shape, and Azure's own words come through.
func TestAzureRefusals(t *testing.T) {
	g := openAzure(t)
	const version = "/chat/completions?api-version=2024-10-21"
	for name, c := range map[string]struct {
		key    api.KeyInput
		path   string
		body   string
		status int
		code   string
	}{
		"no price":         {hard(), "/openai/deployments/unheard-of" + version, "", 403, "model_unpriced"},
		"no budget":        {api.KeyInput{}, "/openai/deployments/unheard-of" + version, "", 200, ""},
		"another's":        {api.KeyInput{}, "/openai/deployments/house-openai" + version, "", 404, "model_not_found"},
		"only OpenAI's":    {api.KeyInput{}, "/openai/deployments/dall-e-3" + version, "", 200, ""},
		"a slash":          {api.KeyInput{}, "/openai/deployments/azure/a/b" + version, "", 404, "model_not_found"},
		"model not theirs": {api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}, "/openai/deployments/gpt-4o-mini" + version, "", 403, "model_denied"},
		"another in body":  {api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}, "/openai/deployments/gpt-4o-mini" + version, `{"model":"gpt-4o","messages":[]}`, 403, "model_denied"},
		"provider":         {api.KeyInput{AllowedProviders: api.Set([]string{"openai"})}, "/openai/deployments/gpt-4o-mini" + version, "", 403, "provider_denied"},
		"other data":       {hard(), "/openai/deployments/gpt-4o-mini" + version, `{"messages":[],"data_sources":[{"type":"azure_search"}]}`, 400, "invalid_field"},
		"two versions":     {api.KeyInput{}, "/openai/deployments/gpt-4o-mini" + version + "&api-version=x", "", 400, "invalid_field"},
		"no version":       {api.KeyInput{}, "/openai/deployments/gpt-4o-mini/chat/completions", "", 404, ""},
		"endpoint":         {api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/*"})}, "/openai/deployments/gpt-4o-mini" + version, "", 403, "endpoint_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			body := c.body
			if body == "" {
				body = `{"messages":[{"role":"user","content":"Hello"}]}`
			}
			r := g.do(ask{path: c.path, body: body, header: map[string]string{"Api-Key": g.key(c.key).SecretKey}})
			if c.code == "" {
				if r.status != c.status {
					t.Errorf("status %d, not %d: %.300s", r.status, c.status, r.body)
				}
				return
			}
			r.want(t, c.status, c.code)
		})
	}
}

// TestAzureUnconfigured says so, also of a deployment that nobody has heard of.
func TestAzureUnconfigured(t *testing.T) {
	g := open(t, func(c *config.Config) { delete(c.Providers, "demo") })
	for _, name := range []string{"gpt-4o-mini", "unheard-of"} {
		r := g.do(ask{path: "/openai/deployments/" + name + "/embeddings", body: `{"input":"x"}`, header: map[string]string{"Api-Key": g.key(api.KeyInput{}).SecretKey}})
		r.want(t, 503, "provider_unconfigured")
	}
}

// TestAzuresUnknownModels are bounded as if a template wrote their prompts anew, as
// those of other makers have: a deployment may be any of theirs.
func TestAzuresUnknownModels(t *testing.T) {
	g := openAzure(t)
	body := `{"max_tokens":10,"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"enum":[0` + strings.Repeat(",1", 1000) + `]}}}]}`
	for name, status := range map[string]int{"gpt-4o-mini": 200, "our-own": 429} {
		r := g.do(ask{path: "/openai/deployments/" + name + "/chat/completions?api-version=2024-10-21", body: body, key: g.key(api.KeyInput{TokensPerDay: api.Set[int64](6000)}).SecretKey})
		if r.status != status {
			t.Errorf("%s: status %d, not %d: %.300s", name, r.status, status, r.body)
		}
	}
}

// TestAzuresOlderVersions get nothing that they do not know. Their streams tell no
// usage, so that under a hard limit they are refused before anything is sent.
func TestAzuresOlderVersions(t *testing.T) {
	g := openAzure(t)
	const messages, prompt = `{"messages":[{"role":"user","content":"Hi"}]`, `{"prompt":"Hi"`
	for _, c := range []struct {
		version, route, body string
		in                   api.KeyInput
		sent                 string // "" = refused
	}{
		{"2024-02-01", "chat/completions", messages + `,"stream":true}`, api.KeyInput{}, messages + `,"stream":true}`},
		{"2024-02-01", "chat/completions", messages + `}`, hard(), `{"max_tokens":16384,` + messages[1:] + `}`},
		{"2024-02-01", "chat/completions", messages + `,"stream":true}`, hard(), ""},
		{"2024-02-01", "chat/completions", messages + `,"stream":true,"stream_options":{"include_usage":true}}`, hard(), ""},
		{"2024-08-01-preview", "completions", prompt + `,"stream":true}`, api.KeyInput{TokensPerDay: api.Set[int64](100_000)}, ""},
		{"2024-09-01-preview", "chat/completions", messages + `,"stream":true}`, hard(), told(messages)},
		{"2024-10-21", "chat/completions", messages + `,"stream":true}`, hard(), told(messages)},
		{"2031-01-01", "chat/completions", messages + `,"stream":true}`, hard(), told(messages)},
		{"2031-01-01", "completions", prompt + `,"stream":true}`, hard(), strings.Replace(told(prompt), "max_completion_tokens", "max_tokens", 1)},
	} {
		k := g.key(c.in)
		g.provider.Reset()
		r := g.do(ask{path: "/openai/deployments/gpt-4o-mini/" + c.route + "?api-version=" + c.version, body: c.body, key: k.SecretKey})
		if c.sent == "" {
			r.want(t, 400, "invalid_field")
			if f := r.fault.Error; f.Param == nil || *f.Param != "api-version" || !strings.Contains(f.Message, "2024-09-01") || len(g.provider.Served()) != 0 {
				t.Errorf("%s: %s, served %+v", c.version, r.body, g.provider.Served())
			}
			continue
		}
		if _, sent := g.provider.latest(); r.status != 200 || sent != c.sent {
			t.Errorf("%s: %d, sent %s, want %s", c.version, r.status, sent, c.sent)
		}
		streamed := strings.Contains(c.body, `"stream":true`)
		if row := g.row(k.APIKey.ID); (row.Outcome == "settled") != (!streamed || c.version > "2024-09") || row.OutputTokens == 0 {
			t.Errorf("%s: %+v", c.version, row)
		}
	}
}

// told is a stream's body, as far as its end, when it goes on under a hard limit.
func told(body string) string {
	return `{"max_completion_tokens":16384,"stream_options":{"include_usage":true},` + body[1:] + `,"stream":true}`
}
