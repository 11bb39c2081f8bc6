package dialect_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	generate   = "/v1beta/models/{model}:generateContent"
	generating = "/v1beta/models/{model}:streamGenerateContent"
	counting   = "/v1beta/models/{model}:countTokens"
	embedOne   = "/v1beta/models/{model}:embedContent"
	embedMany  = "/v1beta/models/{model}:batchEmbedContents"
)

// contents is a request with one turn of the given parts.
func contents(parts string) string {
	return `{"contents":[{"role":"user","parts":[` + parts + `]}]}`
}

func TestGeminiIsRead(t *testing.T) {
	for _, body := range []string{
		`{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]}],
			"systemInstruction":{"parts":[{"text":"Be brief."}]},"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}],"toolConfig":{},
			"generationConfig":{"maxOutputTokens":4000,"candidateCount":2,"temperature":0.5,"topK":3,"responseModalities":["TEXT","AUDIO"],
				"thinkingConfig":{"thinkingBudget":2048,"includeThoughts":true},"responseMimeType":"x","responseSchema":{}},
			"safetySettings":[],"serviceTier":"flex","labels":{},"model":"models/m"}`,
		`{"contents":[{"role":"user","parts":{"text":"Hi"}},{"parts":[{"function_call":{"name":"f"}}]}],
			"system_instruction":"Be brief.","tools":{"function_declarations":[{"name":"f"},{"name":"g"}]},"tool_config":{},
			"generation_config":{"max_output_tokens":4000,"candidate_count":2,"top_p":1,"response_modalities":["audio"],
				"thinking_config":{"thinking_budget":2048,"thinking_level":"LOW"}},"safety_settings":[],"service_tier":"flex","model":"m"}`,
	} {
		call := read(t, generate, body)
		switch {
		case call.Model != "m", call.Stream, call.List, call.MaxOutput != 4000, call.Choices != 2, call.Thinking != 2048, call.ServiceTier != "flex":
			t.Errorf("read %+v", call)
		case call.Messages != 2, call.Media != dialect.Media{}, !call.Tools, call.HostedTools, call.Override != "", !call.AudioOutput:
			t.Errorf("read %+v", call)
		}
	}
	for budget, want := range map[string]int64{"-1": 0, "0": 0, "null": 0, "1": 1} {
		if call := read(t, generate, `{"generationConfig":{"thinkingConfig":{"thinkingBudget":`+budget+`}}}`); call.Thinking != want {
			t.Errorf("a budget of %s: %d", budget, call.Thinking)
		}
	}
	if call := read(t, embedMany, `{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"content":{}}]}`); call.Messages != 2 || call.Choices != 1 {
		t.Errorf("read %+v", call)
	}
	if call := read(t, counting, `{"generateContentRequest":{"model":"models/m","contents":[],"generationConfig":{"maxOutputTokens":"odd"}}}`); call.Model != "m" {
		t.Errorf("read %+v", call)
	}
}

// TestGeminiPath takes the model, and the form of a stream, from the URL.
func TestGeminiPath(t *testing.T) {
	for at, want := range map[string]string{
		"/v1beta/models/gemini-2.5-flash:generateContent":                       "gemini-2.5-flash",
		"/v1beta/models/google/gemini-2.5-flash:generateContent?key=k&alt=json": "google/gemini-2.5-flash",
		"/v1beta/models/my%20alias%3Ax:generateContent":                         "my alias:x",
		"/v1beta/models/a:streamGenerateContent":                                "a stream list",
		"/v1beta/models/a:streamGenerateContent?alt=sse":                        "a stream alt=sse",
		"/v1beta/models/a:streamGenerateContent?%24alt=sse&key=k":               "a stream alt=sse",
		"/v1beta/models/a:streamGenerateContent?alt=json&fields=x":              "a stream list",
		"/v1beta/models/a:generateContent?$alt=json;enum-encoding=int":          "a",
		"/v1beta/models/a:generateContent?alt=sse":                              "invalid_field",
		"/v1beta/models/a:generateContent?alt=media":                            "invalid_field",
		"/v1beta/models/a%00b:generateContent":                                  "invalid_field",
		"/v1beta/models/" + strings.Repeat("x", 257) + ":generateContent":       "invalid_field",
		"/v1beta/models/:generateContent":                                       "not_found",
		"/v1beta/models/a:predict":                                              "not_found",
		"/v1beta/tunedModels/a:generateContent":                                 "not_found",
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		r, err := dialect.Find("POST", u.Path, nil)
		if err == nil {
			var call *dialect.Call
			if call, err = dialect.Read(r, u, []byte(`{"contents":[]}`)); err == nil {
				words := []string{call.Model}
				if call.Stream {
					words = append(words, "stream")
				}
				if call.List {
					words = append(words, "list")
				}
				got = strings.TrimSpace(strings.Join(append(words, call.Query), " "))
			}
		}
		if err != nil {
			got = string(fault.Of(err).Kind)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

func TestGeminiUpstreamPath(t *testing.T) {
	call := read(t, generating, `{}`)
	for model, want := range map[string]string{
		"gemini-2.5-flash": "/v1beta/models/gemini-2.5-flash:streamGenerateContent", "a_B.9": "/v1beta/models/a_B.9:streamGenerateContent",
		"a/b": "", "a:b": "", "a?b": "", "a%2fb": "", "é": "", "a b": "", "[": "", "@": "",
	} {
		got, err := call.Upstream(model)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", model, got, err)
		}
	}
	if got, err := read(t, messages, `{"model":"x"}`).Upstream("a/b"); got != messages || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestGeminiMediaAreCounted(t *testing.T) {
	type media = dialect.Media
	for parts, want := range map[string]media{
		`{"text":"hello"}`: {},
		`{"text":"hello","thought":true,"thoughtSignature":"AAAA"}`:                                                          {},
		`{"inlineData":{"mimeType":"image/png","data":"AAAA"}}`:                                                              {Images: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"image\/png","data":"AAAA"}}`:                                                             {Images: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"image\"\"","data":"AAAA"}}`:                                                              {Others: 1, InlineBytes: 4},
		`{"inline_data":{"data":"AAAA","mime_type":"IMAGE/PNG"}}`:                                                            {Images: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}}`:                                                              {Audio: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"application/pdf","data":"AAAA"}}`:                                                        {Files: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"text/plain","data":"AAAA"}}`:                                                             {},
		`{"inlineData":{"mimeType":"video/mp4","data":"AAAA"},"videoMetadata":{"fps":24}}`:                                   {Others: 1, InlineBytes: 4},
		`{"inlineData":{"data":"AAAA"}}`:                                                                                     {Others: 1, InlineBytes: 4},
		`{"inlineData":{"mimeType":"text/plain","mimeType":"video/mp4","data":"AAAA"}}`:                                      {Others: 1, InlineBytes: 4},
		`{"fileData":{"mimeType":"image/png","fileUri":"u"}}`:                                                                {RemoteImages: 1},
		`{"fileData":{"mimeType":"application/pdf","fileUri":"u"}}`:                                                          {Files: 1},
		`{"fileData":{"mimeType":"text/plain","fileUri":"u"}}`:                                                               {Files: 1},
		`{"fileData":{"mimeType":"audio/mp3","fileUri":"u"}}`:                                                                {Others: 1},
		`{"file_data":{"file_uri":"https://www.youtube.com/watch?v=x"}}`:                                                     {Others: 1},
		`{"functionCall":{"name":"f","args":{"inlineData":{}}}}`:                                                             {},
		`{"functionResponse":{"name":"f","response":{"x":1},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA"}}]}}`: {Images: 1, InlineBytes: 2},
		`{"executableCode":{"code":"x"}},{"codeExecutionResult":{"output":"y"}}`:                                             {},
		`{"hologram":{}}`:   {Others: 1},
		`{"hologram":null}`: {},
		`{"Text":"x"}`:      {Others: 1},
	} {
		if got := read(t, generate, contents(parts)).Media; got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", parts, got, want)
		}
	}
	for body, want := range map[string]media{
		`{"cachedContent":"cachedContents/a","contents":[]}`:                        {Others: 1},
		`{"cached_content":null}`:                                                   {},
		`{"contents":{"parts":{"inlineData":{"mimeType":"image/png","data":"A"}}}}`: {Images: 1, InlineBytes: 1},
		`{"system_instruction":{"parts":[{"fileData":{"mimeType":"image/png"}}]}}`:  {RemoteImages: 1},
		`{"systemInstruction":{"role":"system","parts":[{"text":"x"}]}}`:            {},
	} {
		if got := read(t, generate, body).Media; got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}

func TestGeminiExtras(t *testing.T) {
	for body, want := range map[string]string{
		`{"tools":[{"functionDeclarations":[]}]}`:                       "",
		`{"tools":[{"googleSearch":{}}]}`:                               "hosted",
		`{"tools":[{"functionDeclarations":[],"codeExecution":{}}]}`:    "hosted",
		`{"tools":{"url_context":{}}}`:                                  "hosted",
		`{"tools":[{"googleSearch":null,"functionDeclarations":[{}]}]}`: "",
		`{"continuationToken":"AAAA"}`:                                  "continuationToken",
		`{"novelty":1}`:                                                 "novelty",
		`{"store":true}`:                                                "",
		`{"generationConfig":{"novelty":1,"topP":1}}`:                   "generationConfig.novelty",
		`{"generation_config":{"stop_sequences":[],"response_json_schema":{},"imageConfig":{}}}`: "",
		`{"generationConfig":{"routingConfig":null}}`:                                            "",
	} {
		call := read(t, generate, body)
		got := call.Override
		if call.HostedTools {
			got += "hosted"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestGeminiRefuses(t *testing.T) {
	type refusal struct {
		kind  fault.Kind
		param string
	}
	for body, want := range map[string]refusal{
		`{"generationConfig":{"maxOutputTokens":0}}`:                                       {fault.InvalidField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"maxOutputTokens":"100"}}`:                                   {fault.InvalidField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"maxOutputTokens":1e2}}`:                                     {fault.InvalidField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"maxOutputTokens":5,"max_output_tokens":6}}`:                 {fault.DuplicateField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"maxOutputTokens":5,"maxOutput\u0054okens":6}}`:              {fault.DuplicateField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"MaxOutputTokens":5}}`:                                       {fault.DuplicateField, "generationConfig.maxOutputTokens"},
		`{"generationConfig":{"candidateCount":0}}`:                                        {fault.InvalidField, "generationConfig.candidateCount"},
		`{"generationConfig":{"candidate_count":1,"candidateCount":8}}`:                    {fault.DuplicateField, "generationConfig.candidateCount"},
		`{"generationConfig":{"thinkingConfig":{},"thinking_config":{}}}`:                  {fault.DuplicateField, "generationConfig.thinkingConfig"},
		`{"generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}}`:                    {fault.InvalidField, "generationConfig.thinkingConfig.thinkingBudget"},
		`{"generationConfig":{"thinkingConfig":{"thinkingBudget":"9"}}}`:                   {fault.InvalidField, "generationConfig.thinkingConfig.thinkingBudget"},
		`{"generationConfig":{"thinkingConfig":{"ThinkingBudget":9}}}`:                     {fault.DuplicateField, "generationConfig.thinkingConfig.thinkingBudget"},
		`{"generationConfig":{"thinkingConfig":{"thinkingBudget":9,"thinking_budget":9}}}`: {fault.DuplicateField, "generationConfig.thinkingConfig.thinkingBudget"},
		`{"generationConfig":[]}`:                                                          {fault.InvalidField, "generationConfig"},
		`{"generationConfig":{},"generation_config":{}}`:                                   {fault.DuplicateField, "generation_config"},
		`{"GenerationConfig":{}}`:                                                          {fault.DuplicateField, "generation_config"},
		`{"model":"models/other"}`:                                                         {fault.InvalidField, "model"},
		`{"model":5}`:                                                                      {fault.InvalidField, "model"},
		`{"contents":"x"}`:                                                                 {fault.InvalidField, "contents"},
		`{"contents":["x"]}`:                                                               {fault.InvalidField, "contents[0].parts"},
		`{"contents":[{"parts":[5]}]}`:                                                     {fault.InvalidField, "contents[0].parts"},
		`{"systemInstruction":5}`:                                                          {fault.InvalidField, "systemInstruction.parts"},
		`{"tools":5}`:                                                                      {fault.InvalidField, "tools"},
	} {
		if got := refused(t, generate, body); got.Kind != want.kind || got.Param != want.param {
			t.Errorf("%s: %v %q, want %v", body, got, got.Param, want)
		}
	}
	for path, body := range map[string]string{
		embedMany: `{"requests":[{"model":"models/m"},{"model":"models/other"}]}`,
		counting:  `{"generateContentRequest":{"model":"models/other"}}`,
		embedOne:  `{"content":{},"model":"n"}`,
	} {
		if got := refused(t, path, body); got.Kind != fault.InvalidField || got.Param != "model" {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// TestGeminiIsRewritten puts the cap where it belongs, and the provider's name of
// the model wherever the body repeats it.
func TestGeminiIsRewritten(t *testing.T) {
	capped := dialect.Edit{MaxOutput: 64}
	const thinks = `{"generationConfig":{"maxOutputTokens":8000,"thinkingConfig":{"thinkingBudget": 5000 }}}`
	for _, c := range []struct {
		path, body string
		edit       dialect.Edit
		want       string
	}{
		{generate, `{"contents":[]}`, capped, `{"generationConfig":{"maxOutputTokens":64},"contents":[]}`},
		{generate, ` { } `, capped, ` {"generationConfig":{"maxOutputTokens":64} } `},
		{generate, `{"generationConfig":null}`, capped, `{"generationConfig":{"maxOutputTokens":64}}`},
		{generate, `{"generation_config":{ }}`, capped, `{"generation_config":{"maxOutputTokens":64 }}`},
		{generate, `{"generationConfig":{"topK":1}}`, capped, `{"generationConfig":{"maxOutputTokens":64,"topK":1}}`},
		{generate, `{"generationConfig":{"max_output_tokens": 100 }}`, capped, `{"generationConfig":{"max_output_tokens": 64 }}`},
		{generate, `{"generationConfig":{"maxOutputTokens":null}}`, capped, `{"generationConfig":{"maxOutputTokens":64}}`},
		{generate, `{"generationConfig":{"maxOutputTokens":64}}`, capped, `{"generationConfig":{"maxOutputTokens":64}}`},
		{generate, `{"model":"models/m","contents":[]}`, dialect.Edit{Model: "m"}, `{"model":"models/m","contents":[]}`},
		{generate, `{"model":"m","contents":[]}`, dialect.Edit{Model: "other"}, `{"model":"models/other","contents":[]}`},
		{generate, `{"contents":[]}`, dialect.Edit{Model: "other", IncludeUsage: true}, `{"contents":[]}`},
		{counting, `{"generateContentRequest":{"model":"models/m"}}`, dialect.Edit{Model: "other", MaxOutput: 64}, `{"generateContentRequest":{"model":"models/other"}}`},
		{
			embedMany, `{"requests":[{"model":"m"},{"model":"m"},{"model":"m"},{"model":"m"},{"model":"m"},{"model":"models/m"}]}`,
			dialect.Edit{Model: "o"},
			`{"requests":[{"model":"models/o"},{"model":"models/o"},{"model":"models/o"},{"model":"models/o"},{"model":"models/o"},{"model":"models/o"}]}`,
		},
		{generate, thinks, dialect.Edit{MaxOutput: 6000}, strings.Replace(thinks, "8000", "6000", 1)},
		{generate, thinks, dialect.Edit{MaxOutput: 2000}, strings.NewReplacer("8000", "2000", "5000", "1936").Replace(thinks)},
		{generate, thinks, dialect.Edit{MaxOutput: 576}, strings.NewReplacer("8000", "576", "5000", "512").Replace(thinks)},
		{
			generate, `{"generationConfig":{"thinkingConfig":{"thinkingBudget":5000}}}`,
			dialect.Edit{MaxOutput: 2000},
			`{"generationConfig":{"maxOutputTokens":2000,"thinkingConfig":{"thinkingBudget":1936}}}`,
		},
		{
			generate, `{"generationConfig":{"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":5000}}}`, capped,
			`{"generationConfig":{"maxOutputTokens":64,"thinkingConfig":{"thinkingBudget":5000}}}`,
		},
		{
			generate, `{"generationConfig":{"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":-1}}}`, capped,
			`{"generationConfig":{"maxOutputTokens":64,"thinkingConfig":{"thinkingBudget":-1}}}`,
		},
	} {
		if got := string(read(t, c.path, c.body).Rewrite(c.edit)); got != c.want {
			t.Errorf("%s with %+v\n got %s\nwant %s", c.body, c.edit, got, c.want)
		}
	}
	for body, want := range map[string]int64{
		thinks: 576,
		`{"generationConfig":{"thinkingConfig":{"thinkingBudget":5000}}}`:                        576,
		`{"generationConfig":{"maxOutputTokens":130,"thinkingConfig":{"thinkingBudget":100}}}`:   130,
		`{"generationConfig":{"maxOutputTokens":8000,"thinkingConfig":{"thinkingBudget":100}}}`:  164,
		`{"generationConfig":{"maxOutputTokens":1000,"thinkingConfig":{"thinkingBudget":5000}}}`: 64,
		`{"generationConfig":{"maxOutputTokens":8000}}`:                                          64,
	} {
		call := read(t, generate, body)
		wanted := call.MaxOutput
		if wanted == 0 {
			wanted = 65536
		}
		if got := call.LeastOutput(wanted, 64); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

// TestGeminiTexts yields what is read, also where a batch hides it.
func TestGeminiTexts(t *testing.T) {
	image := `{"inlineData":{"mimeType":"image/png","data":"` + strings.Repeat("A", 1000) + `"}}`
	for path, body := range map[string]string{
		generate:  `{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Look"},` + image + `]}]}`,
		embedMany: `{"requests":[{"model":"models/m","content":{"parts":[{"text":"Be brief."}]}},{"content":{"parts":{"text":"Look"}}},{"content":{"parts":[` + image + `]}}]}`,
		embedOne:  `{"content":{"parts":[{"text":"Be brief."},{"text":"Look"},` + image + `]}}`,
	} {
		for _, templated := range []bool{false, true} {
			call := read(t, path, body)
			call.Templated = templated
			var all []string
			rest := call.Texts(func(text []byte) { all = append(all, string(text)) })
			if got := strings.Join(all, " "); !strings.Contains(got, "Be brief.") || !strings.Contains(got, "Look") || strings.Contains(got, "AAAA") {
				t.Errorf("%s, templated %t: %q", path, templated, got)
			}
			if rest < 100 || rest > 1000 {
				t.Errorf("%s, templated %t: the rest is %d", path, templated, rest)
			}
		}
	}
}

func TestGeminiErrors(t *testing.T) {
	for _, c := range []struct {
		fault  fault.Error
		status int
		word   string
	}{
		{fault.Error{Kind: fault.InvalidField, Public: "no", Param: "contents"}, 400, "INVALID_ARGUMENT"},
		{fault.Error{Kind: fault.KeyInvalid, Public: "no"}, 401, "UNAUTHENTICATED"},
		{fault.Error{Kind: fault.BudgetExceeded, Public: "no"}, 402, "FAILED_PRECONDITION"},
		{fault.Error{Kind: fault.ModelDenied, Public: "no"}, 403, "PERMISSION_DENIED"},
		{fault.Error{Kind: fault.ModelNotFound, Public: "no"}, 404, "NOT_FOUND"},
		{fault.Error{Kind: fault.RateLimited, Public: "no", RetryAfter: 1500 * time.Millisecond}, 429, "RESOURCE_EXHAUSTED"},
		{fault.Error{Kind: fault.Internal, Public: "no"}, 500, "INTERNAL"},
		{fault.Error{Kind: fault.StoreUnavailable, Public: "no"}, 503, "UNAVAILABLE"},
		{fault.Error{Kind: fault.UpstreamTimeout, Public: "no"}, 504, "DEADLINE_EXCEEDED"},
	} {
		w := httptest.NewRecorder()
		dialect.WriteError(w, llm.Gemini, &c.fault, c.status, "req_1")
		const types = "type.googleapis.com/google.rpc."
		details := []any{map[string]any{"@type": types + "ErrorInfo", "reason": strings.ToUpper(string(c.fault.Kind)), "domain": "tollgate"}}
		if c.fault.RetryAfter > 0 {
			details = append(details, map[string]any{"@type": types + "RetryInfo", "retryDelay": "2s"})
		}
		if c.fault.Param != "" {
			details = append(details, map[string]any{"@type": types + "BadRequest", "fieldViolations": []any{map[string]any{"field": "contents", "description": "no"}}})
		}
		details = append(details, map[string]any{"@type": types + "RequestInfo", "requestId": "req_1"})
		want := map[string]any{"error": map[string]any{"code": json.Number(strings.TrimSpace(w.Result().Status[:3])), "message": "no", "status": c.word, "details": details}}
		if diff := cmp.Diff(want, decode(t, w.Body.Bytes())); diff != "" || w.Code != c.status {
			t.Errorf("%s: %d\n%s", c.fault.Kind, w.Code, diff)
		}
	}
}

// TestGeminiStreamThatBreaks ends as one that a parser of its form takes.
func TestGeminiStreamThatBreaks(t *testing.T) {
	f := fault.New(fault.UpstreamUnavailable, "It broke\noff.")
	tap := dialect.NewTap(find(t, generating), dialect.Events, false)
	if got := string(tap.Broken(f, "req_1")); !strings.HasPrefix(got, `data: {"error":{"code":502,`) || !strings.HasSuffix(got, "}\r\n\r\n") || strings.Count(got, "\n") != 2 {
		t.Errorf("%q", got)
	}
	for cut, want := range map[string]int{"": 1, "[": 1, `[{"a":`: 1, `[{"a":1}`: 2, `[{"a":"}"},{"b":{"c":[1`: 2, `[{"a":1},{"b":2}, `: 3} {
		tap := dialect.NewTap(find(t, generating), dialect.List, false)
		all := string(tap.Write([]byte(cut)))
		tap.Close()
		all += string(tap.Broken(f, "req_1"))
		var list []struct{ Error *struct{ Code int } }
		if err := json.Unmarshal([]byte(all), &list); err != nil || len(list) != want || list[want-1].Error == nil {
			t.Errorf("%q: %q, %v", cut, all, err)
		}
	}
}

func TestGeminiModels(t *testing.T) {
	all := []dialect.ModelInfo{{ID: "a", Input: 1000, Output: 100}, {ID: "b/c"}, {ID: "e", Embeds: true}}
	for query, want := range map[string]string{
		"":                          "models/a models/b/c models/e",
		"pageSize=2":                "models/a models/b/c > b/c",
		"pageSize=2&pageToken=b/c":  "models/e",
		"pageSize=1&pageToken=a":    "models/b/c > b/c",
		"pageSize=0":                "invalid_field",
		"pageSize=5&pageToken=what": "invalid_field",
	} {
		body, err := dialect.ModelList(llm.Gemini, all, query)
		if err != nil {
			if got := string(fault.Of(err).Kind); got != want {
				t.Errorf("%s: %v, want %s", query, err, want)
			}
			continue
		}
		var list struct {
			Models        []struct{ Name string }
			NextPageToken string
		}
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var got []string
		for _, m := range list.Models {
			got = append(got, m.Name)
		}
		if list.NextPageToken != "" {
			got = append(got, ">", list.NextPageToken)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	want := `{"name":"models/a","version":"1","displayName":"a","inputTokenLimit":1000,"outputTokenLimit":100,"supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"]}`
	if got := string(dialect.ModelBody(llm.Gemini, all[0])); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(dialect.ModelBody(llm.Gemini, all[2])); !strings.Contains(got, `["embedContent","batchEmbedContents"]`) {
		t.Error(got)
	}
}
