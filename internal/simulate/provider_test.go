package simulate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/simulate"
)

// serve starts a provider on a real listener.
func serve(t *testing.T, opts simulate.Options) (*simulate.Provider, *httptest.Server) {
	t.Helper()
	p := simulate.New(opts)
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return p, srv
}

const (
	chatBody      = `{"model":"demo-mini","messages":[{"role":"user","content":"Say this is a test"}]%s}`
	textBody      = `{"model":"demo-mini","prompt":"Say this is a test"%s}`
	anthropicBody = `{"model":"demo-mini","max_tokens":100,"messages":[{"role":"user","content":"Say this is a test"}]%s}`
	geminiBody    = `{"contents":[{"role":"user","parts":[{"text":"Say this is a test"}]}]%s}`
	geminiPath    = "/v1beta/models/demo-mini:generateContent"
	geminiStream  = "/v1beta/models/demo-mini:streamGenerateContent"
	// 18 bytes of text are 5 tokens; a message adds 3, the beginning 3.
	textTokens, chatTokens = 5, 11
)

// post sends a body with headers given as "Name: value".
func post(t *testing.T, srv *httptest.Server, path, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// object reads an answer that must be 200 with one JSON value.
func object(t *testing.T, resp *http.Response) map[string]any {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// events reads a stream's data, without [DONE].
func events(t *testing.T, resp *http.Response) []map[string]any {
	t.Helper()
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Errorf("content type %q", ct)
	}
	var all []map[string]any
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// at walks into JSON: at(v, "choices", 0, "message", "content").
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func equal(t *testing.T, v any, want any, path ...any) {
	t.Helper()
	got := at(v, path...)
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	if got != want {
		t.Errorf("%v = %v, want %v", path, got, want)
	}
}

// wordCount is how many words, and so tokens, a text has.
func wordCount(v any) int { s, _ := v.(string); return len(strings.Fields(s)) }

func TestChat(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	for _, path := range []string{"/v1/chat/completions", "/chat/completions", "/v1beta/openai/chat/completions", "/compatibility/v1/chat/completions", "/openai/v1/chat/completions"} {
		v := object(t, post(t, srv, path, fmt.Sprintf(chatBody, "")))
		equal(t, v, "chat.completion", "object")
		equal(t, v, "demo-mini", "model")
		equal(t, v, "assistant", "choices", 0, "message", "role")
		equal(t, v, "stop", "choices", 0, "finish_reason")
		equal(t, v, chatTokens, "usage", "prompt_tokens")
		equal(t, v, 32, "usage", "completion_tokens")
		equal(t, v, chatTokens+32, "usage", "total_tokens")
		if n := wordCount(at(v, "choices", 0, "message", "content")); n != 32 {
			t.Errorf("%d words, want 32", n)
		}
	}
}

func TestAnswersNeverPassTheCap(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	tests := []struct {
		name, path, body, asked string
		written, billed         int
		reason                  string
	}{
		{"below", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":9`), "8", 8, 8, "stop"},
		{"at", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":8`), "8", 8, 8, "stop"},
		{"above", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":7`), "8", 7, 7, "length"},
		{"new name", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_completion_tokens":7`), "8", 7, 7, "length"},
		{"the smaller", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_completion_tokens":7,"max_tokens":5`), "8", 5, 5, "length"},
		{"null", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":null`), "8", 8, 8, "stop"},
		{"n", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":7,"n":3`), "8", 7, 21, "length"},
		{"text", "/v1/completions", fmt.Sprintf(textBody, `,"max_tokens":7`), "8", 7, 7, "length"},
		{"best_of", "/v1/completions", fmt.Sprintf(textBody, `,"max_tokens":7,"n":2,"best_of":4`), "8", 7, 28, "length"},
		{"prompts", "/v1/completions", `{"model":"m","max_tokens":7,"prompt":["a","b","c"]}`, "8", 7, 21, "length"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := object(t, post(t, srv, test.path, test.body, "X-Simulate-Output-Tokens: "+test.asked))
			content := at(v, "choices", 0, "message", "content")
			if content == nil {
				content = at(v, "choices", 0, "text")
			}
			if n := wordCount(content); n != test.written {
				t.Errorf("%d words, want %d", n, test.written)
			}
			equal(t, v, test.billed, "usage", "completion_tokens")
			equal(t, v, test.reason, "choices", 0, "finish_reason")
		})
	}
}

func TestChatStream(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	for _, usage := range []bool{false, true} {
		body := fmt.Sprintf(chatBody, fmt.Sprintf(`,"stream":true,"n":2,"stream_options":{"include_usage":%v}`, usage))
		all := events(t, post(t, srv, "/v1/chat/completions", body, "X-Simulate-Output-Tokens: 10", "X-Simulate-Chunks: 4"))
		want := 2*(1+4+1) + map[bool]int{true: 1}[usage]
		if len(all) != want {
			t.Fatalf("usage %v: %d events, want %d", usage, len(all), want)
		}
		text := map[any]string{}
		for _, e := range all {
			equal(t, e, "chat.completion.chunk", "object")
			if s, ok := at(e, "choices", 0, "delta", "content").(string); ok {
				text[at(e, "choices", 0, "index")] += s
			}
			if _, has := e["usage"]; has != usage {
				t.Errorf("usage in a chunk: %v, want %v", has, usage)
			}
		}
		if wordCount(text[0.0]) != 10 || text[0.0] != text[1.0] {
			t.Errorf("got %q", text)
		}
		if usage {
			last := all[len(all)-1]
			equal(t, last, 20, "usage", "completion_tokens")
			equal(t, last, chatTokens, "usage", "prompt_tokens")
			if len(last["choices"].([]any)) != 0 {
				t.Error("the chunk with the usage has choices")
			}
		}
	}
}

func TestTextStream(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	all := events(t, post(t, srv, "/v1/completions", fmt.Sprintf(textBody, `,"stream":true,"stream_options":{"include_usage":true}`)))
	var text string
	for _, e := range all {
		s, _ := at(e, "choices", 0, "text").(string)
		text += s
	}
	if wordCount(text) != 32 {
		t.Errorf("got %q", text)
	}
	equal(t, all[len(all)-1], textTokens, "usage", "prompt_tokens")
	equal(t, all[len(all)-2], "stop", "choices", 0, "finish_reason")
}

func TestDetails(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	headers := []string{
		"X-Simulate-Output-Tokens: 50", "X-Simulate-Reasoning-Tokens: 30", "X-Simulate-Input-Tokens: 1000",
		"X-Simulate-Cached-Tokens: 600", "X-Simulate-Cache-Write-Tokens: 100",
	}
	v := object(t, post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, ""), headers...))
	equal(t, v, 1000, "usage", "prompt_tokens")
	equal(t, v, 600, "usage", "prompt_tokens_details", "cached_tokens")
	equal(t, v, 50, "usage", "completion_tokens")
	equal(t, v, 30, "usage", "completion_tokens_details", "reasoning_tokens")
	if n := wordCount(at(v, "choices", 0, "message", "content")); n != 20 {
		t.Errorf("%d words, want 20", n)
	}

	v = object(t, post(t, srv, "/v1/messages", fmt.Sprintf(anthropicBody, ""), headers...))
	equal(t, v, 300, "usage", "input_tokens")
	equal(t, v, 600, "usage", "cache_read_input_tokens")
	equal(t, v, 100, "usage", "cache_creation_input_tokens")
	equal(t, v, 50, "usage", "output_tokens")

	v = object(t, post(t, srv, geminiPath, fmt.Sprintf(geminiBody, ""), headers...))
	equal(t, v, 1000, "usageMetadata", "promptTokenCount")
	equal(t, v, 600, "usageMetadata", "cachedContentTokenCount")
	equal(t, v, 20, "usageMetadata", "candidatesTokenCount")
	equal(t, v, 30, "usageMetadata", "thoughtsTokenCount")
	equal(t, v, 1050, "usageMetadata", "totalTokenCount")
}

func TestAnthropic(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	v := object(t, post(t, srv, "/v1/messages", fmt.Sprintf(anthropicBody, "")))
	equal(t, v, "message", "type")
	equal(t, v, "end_turn", "stop_reason")
	equal(t, v, "text", "content", 0, "type")
	equal(t, v, chatTokens, "usage", "input_tokens")

	resp := post(t, srv, "/v1/messages", fmt.Sprintf(anthropicBody, `,"stream":true`), "X-Simulate-Output-Tokens: 101")
	if resp.Header.Get("Request-Id") == "" {
		t.Error("no request-id")
	}
	all := events(t, resp)
	var kinds, text string
	for _, e := range all {
		kinds += e["type"].(string) + " "
		s, _ := at(e, "delta", "text").(string)
		text += s
	}
	want := "message_start content_block_start ping " + strings.Repeat("content_block_delta ", 100) + "content_block_stop message_delta message_stop "
	if kinds != want {
		t.Errorf("got %s", kinds)
	}
	if wordCount(text) != 100 {
		t.Errorf("%d words, want 100", wordCount(text))
	}
	equal(t, all[0], chatTokens, "message", "usage", "input_tokens")
	equal(t, all[0], 1, "message", "usage", "output_tokens")
	equal(t, all[len(all)-2], 100, "usage", "output_tokens")
	equal(t, all[len(all)-2], "max_tokens", "delta", "stop_reason")

	v = object(t, post(t, srv, "/v1/messages/count_tokens", fmt.Sprintf(chatBody, "")))
	equal(t, v, chatTokens, "input_tokens")
}

func TestGemini(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	v := object(t, post(t, srv, geminiPath, fmt.Sprintf(geminiBody, `,"generationConfig":{"maxOutputTokens":7,"candidateCount":2}`)))
	equal(t, v, "MAX_TOKENS", "candidates", 1, "finishReason")
	equal(t, v, chatTokens, "usageMetadata", "promptTokenCount")
	equal(t, v, 14, "usageMetadata", "candidatesTokenCount")
	if n := wordCount(at(v, "candidates", 0, "content", "parts", 0, "text")); n != 7 {
		t.Errorf("%d words, want 7", n)
	}

	all := events(t, post(t, srv, geminiStream+"?alt=sse", fmt.Sprintf(geminiBody, ""), "X-Simulate-Chunks: 4"))
	if len(all) != 4 {
		t.Fatalf("%d events, want 4", len(all))
	}
	equal(t, all[0], 8, "usageMetadata", "candidatesTokenCount")
	equal(t, all[3], 32, "usageMetadata", "candidatesTokenCount")
	equal(t, all[3], "STOP", "candidates", 0, "finishReason")

	for _, fault := range []string{"usage-twice", "no-usage", ""} {
		resp := post(t, srv, geminiStream, fmt.Sprintf(geminiBody, ""), "X-Simulate-Chunks: 4", "X-Simulate-Fault: "+fault)
		var list []map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"usage-twice": 5}[fault]; len(list) != max(want, 4) {
			t.Errorf("%d elements", len(list))
		}
		if _, has := list[3]["usageMetadata"]; has != (fault != "no-usage") {
			t.Errorf("fault %q: usage %v", fault, has)
		}
	}

	v = object(t, post(t, srv, "/v1beta/models/demo-mini:countTokens", fmt.Sprintf(geminiBody, "")))
	equal(t, v, chatTokens, "totalTokens")
}

func TestEmbeddings(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	tests := []struct {
		body                      string
		vectors, dimensions, cost int
	}{
		{`{"model":"demo-embed","input":"Say this is a test"}`, 1, 1536, 5},
		{`{"model":"demo-embed","input":["abcd","abcde"],"dimensions":8}`, 2, 8, 3},
		{`{"model":"demo-embed","input":[1,2,3]}`, 1, 1536, 3},
		{`{"model":"demo-embed","input":[[1,2,3],[4]],"dimensions":3072}`, 2, 3072, 4},
	}
	for _, test := range tests {
		v := object(t, post(t, srv, "/v1/embeddings", test.body))
		if n := len(v["data"].([]any)); n != test.vectors {
			t.Errorf("%s: %d vectors, want %d", test.body, n, test.vectors)
		}
		if n := len(at(v, "data", 0, "embedding").([]any)); n != test.dimensions {
			t.Errorf("%s: %d dimensions, want %d", test.body, n, test.dimensions)
		}
		equal(t, v, test.cost, "usage", "prompt_tokens")
		equal(t, v, test.cost, "usage", "total_tokens")
	}
	v := object(t, post(t, srv, "/v1/embeddings", `{"model":"m","input":"x","encoding_format":"base64","dimensions":3}`))
	if s, _ := at(v, "data", 0, "embedding").(string); len(s) != 16 {
		t.Errorf("base64 %q, want 12 bytes", s)
	}
}

func TestTools(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	const tools = `,"tools":[{"type":"function","name":"f","function":{"name":"f","parameters":{}}}]`
	for _, stream := range []bool{false, true} {
		body := fmt.Sprintf(chatBody, fmt.Sprintf(`%s,"stream":%v`, tools, stream))
		resp := post(t, srv, "/v1/chat/completions", body, "X-Simulate-Tool: f", "X-Simulate-Output-Tokens: 3")
		var arguments, name string
		if stream {
			for _, e := range events(t, resp) {
				s, _ := at(e, "choices", 0, "delta", "tool_calls", 0, "function", "arguments").(string)
				arguments += s
				if s, ok := at(e, "choices", 0, "delta", "tool_calls", 0, "function", "name").(string); ok {
					name = s
				}
			}
		} else {
			v := object(t, resp)
			equal(t, v, "tool_calls", "choices", 0, "finish_reason")
			arguments, _ = at(v, "choices", 0, "message", "tool_calls", 0, "function", "arguments").(string)
			name, _ = at(v, "choices", 0, "message", "tool_calls", 0, "function", "name").(string)
		}
		if arguments != `{"text":"one two six"}` || name != "f" {
			t.Errorf("stream %v: %s(%s)", stream, name, arguments)
		}
	}
	v := object(t, post(t, srv, "/v1/messages", fmt.Sprintf(anthropicBody, tools), "X-Simulate-Tool: f"))
	equal(t, v, "tool_use", "stop_reason")
	equal(t, v, "f", "content", 0, "name")
	v = object(t, post(t, srv, geminiPath, fmt.Sprintf(geminiBody, tools), "X-Simulate-Tool: f"))
	equal(t, v, "f", "candidates", 0, "content", "parts", 0, "functionCall", "name")
	v = object(t, post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, ""), "X-Simulate-Tool: f"))
	equal(t, v, "stop", "choices", 0, "finish_reason") // no tools were given
}

func TestModels(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	get := func(path, header string) map[string]any {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
		if header != "" {
			r.Header.Set(header, "2023-06-01")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return object(t, resp)
	}
	equal(t, get("/v1/models", ""), "demo-mini", "data", 0, "id")
	equal(t, get("/models/demo-embed", ""), "demo-embed", "id")
	equal(t, get("/v1/models", "Anthropic-Version"), "demo-embed", "last_id")
	equal(t, get("/v1beta/models", ""), "models/demo-large", "models", 1, "name")
	equal(t, get("/v1beta/models/demo-mini", ""), "models/demo-mini", "name")
}

func TestRefusals(t *testing.T) {
	p, srv := serve(t, simulate.Options{Keep: true, MaxBodyBytes: 1000})
	tests := []struct {
		name, path, body string
		headers          []string
		status           int
		where            []any
		want             any
	}{
		{"no key", "/v1/chat/completions", fmt.Sprintf(chatBody, ""), []string{"Authorization: Bearer invalid"}, 401, []any{"error", "code"}, "invalid_api_key"},
		{"no key", "/v1/messages", fmt.Sprintf(anthropicBody, ""), []string{"X-Api-Key: invalid"}, 401, []any{"error", "type"}, "authentication_error"},
		{"no key", geminiPath, fmt.Sprintf(geminiBody, ""), []string{"X-Goog-Api-Key: invalid"}, 401, []any{"error", "status"}, "UNAUTHENTICATED"},
		{"429", "/v1/chat/completions", fmt.Sprintf(chatBody, ""), []string{"X-Simulate-Fault: status=429"}, 429, []any{"error", "code"}, "rate_limit_exceeded"},
		{"500", "/v1/embeddings", `{"model":"m","input":"x"}`, []string{"X-Simulate-Fault: status=500"}, 500, []any{"error", "type"}, "server_error"},
		{"529", "/v1/messages", fmt.Sprintf(anthropicBody, ""), []string{"X-Simulate-Fault: status=529"}, 529, []any{"error", "type"}, "overloaded_error"},
		{"429", geminiPath, fmt.Sprintf(geminiBody, ""), []string{"X-Simulate-Fault: status=429"}, 429, []any{"error", "status"}, "RESOURCE_EXHAUSTED"},
		{"unknown fault", "/v1/chat/completions", fmt.Sprintf(chatBody, ""), []string{"X-Simulate-Fault: cutt"}, 400, []any{"error", "type"}, "invalid_request_error"},
		{"bad figure", "/v1/chat/completions", fmt.Sprintf(chatBody, ""), []string{"X-Simulate-Chunks: -1"}, 400, []any{"error", "type"}, "invalid_request_error"},
		{"not JSON", "/v1/chat/completions", `{"model":`, nil, 400, []any{"error", "type"}, "invalid_request_error"},
		{"no model", "/v1/chat/completions", `{"messages":[]}`, nil, 400, []any{"error", "param"}, "model"},
		{"no messages", "/v1/chat/completions", `{"model":"m"}`, nil, 400, []any{"error", "param"}, "messages"},
		{"no prompt", "/v1/completions", `{"model":"m"}`, nil, 400, []any{"error", "param"}, "prompt"},
		{"cap 0", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":0`), nil, 400, []any{"error", "param"}, "max_tokens"},
		{"cap text", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_tokens":"9"`), nil, 400, []any{"error", "param"}, "max_tokens"},
		{"n 129", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"n":129`), nil, 400, []any{"error", "param"}, "n"},
		{"no cap", "/v1/messages", fmt.Sprintf(chatBody, ""), nil, 400, []any{"error", "message"}, "max_tokens: Field required"},
		{"too large", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"user":"`+strings.Repeat("x", 1000)+`"`), nil, 413, []any{"error", "message"}, "the body is too large"},
		{"nowhere", "/v1/nothing", "{}", nil, 404, []any{"error", "type"}, "invalid_request_error"},
		{"method", "/v1/models", "{}", nil, 405, []any{"error", "type"}, "invalid_request_error"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.name, func(t *testing.T) {
			resp := post(t, srv, test.path, test.body, test.headers...)
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			if (resp.Header.Get("Retry-After") != "") != (test.status == 429) {
				t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
			resp.StatusCode = 200
			equal(t, object(t, resp), test.want, test.where...)
		})
	}
	if st := p.Stats(); st.Billed != 0 || st.InputTokens != 0 || st.OutputTokens != 0 || st.Refused != int64(len(tests)) {
		t.Errorf("refusals were billed: %+v", st)
	}
	for _, s := range p.Served() {
		if s.InputTokens+s.OutputTokens != 0 || s.Status < 400 {
			t.Errorf("a refusal was billed: %+v", s)
		}
	}
}

func TestGzip(t *testing.T) {
	_, srv := serve(t, simulate.Options{Behaviour: simulate.Behaviour{Fault: "gzip"}})
	for _, stream := range []string{"false", "true"} {
		resp := post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":`+stream))
		if resp.Header.Get("Content-Encoding") != "gzip" {
			t.Fatal("not compressed")
		}
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(body, []byte("one")) {
			t.Errorf("stream %s: %v, %q", stream, err, body)
		}
	}
}

func TestHeaders(t *testing.T) {
	_, srv := serve(t, simulate.Options{})
	ids := map[string]bool{}
	for range 3 {
		resp := post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, ""))
		for _, name := range []string{"X-Request-Id", "Openai-Version", "X-Ratelimit-Limit-Requests", "X-Ratelimit-Reset-Tokens", "Content-Length"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("no %s", name)
			}
		}
		ids[resp.Header.Get("X-Request-Id")] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids are not unique: %v", ids)
	}
}
