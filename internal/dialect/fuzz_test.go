package dialect_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// FuzzRead reads anything on every route. What is accepted must mean the same
// to encoding/json, and survive a rewrite.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"model":"m"}`, `{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true,"max_tokens":5}`,
		`{"model":"m","messages":[{"content":[{"type":"text","text":"\u00e9"},` + inlineImage + `,` + remoteImage + `]}],"n":2}`,
		`{"model":"m","messages":[{"content":[{"type":"file","file":{"file_data":"x"}},{"type":"input_audio","input_audio":{"data":"x"}}]}]}`,
		`{"mod\u0065l":"m","stream_options":{"include_usage":false},"stream":true,"max_completion_tokens":null}`,
		`{"model":"m","prompt":[[1,2],[3]],"best_of":3}`, `{"model":"m","input":["a",{"b":1}]}`, `{"Model":"m"}`, `{"model":"m","messages":[{"tool_calls":[{"function":{"arguments":"{\"a\":[1e15,\"\\u00e9<\"]}"}}]}],"tools":[{"x":[-0,{}]}]}`, `{"model":"a","model":"b"}`,
		`{"contents":[{"role":"user","parts":[{"text":"Hi"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"functionCall":{"name":"f","args":{"a":["é"]}}}]}],"generationConfig":{"maxOutputTokens":9,"thinkingConfig":{"thinkingBudget":600}}}`,
		`{"contents":{"parts":{"text":"x"}},"generation_config":null,"system_instruction":{"parts":[{"text":"y"}]},"tools":{"googleSearch":{}},"cachedContent":"c"}`,
		`{"model":"models/m","requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}}],"content":{"parts":[{"fileData":{"fileUri":"u"}}]}}`,
		`{"generateContentRequest":{"model":"m","contents":[]},"generationConfig":{},"model":"m"}`,
		`{"model":"m","max_tokens":8000,"system":[{"type":"text","text":"é"}],"thinking":{"budget_tokens":5000},"messages":[{"content":[{"type":"document","source":{"type":"base64","data":"x"}}]}],"tools":[{"type":"bash_20250124"}]}`,
		`{"model":"m","instructions":"é","input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,AA"},{"type":"input_file","file_id":"f"}]},{"type":"function_call","arguments":"{\"a\":[1]}"},{"type":"reasoning","id":"r"}],"previous_response_id":"p","tools":[{"type":"local_shell"}],"max_output_tokens":null}`,
		`{"model":"m","prompt":"a cat","n":2,"size":"1024x1024","quality":"hd","stream":true,"partial_images":2,"background":"auto"}`, `{"input":"x"}`,
		`{"model":"m","input":"Hello \u00e9","voice":"alloy","stream_format":"sse","instructions":"Be kind."}`,
		`{"model":"m","input":"x","prompt":{"id":"p"},"conversation":null,"background":false,"max_output_tokens":7}`,
		`{"model":"m","messages":[{"content":[{"type":"thinking","thinking":"x"},{"type":"document","document":{"data":{"a":"é"}}}],"tool_plan":"y"}],"thinking":{"token_budget":900},"max_tokens":1000,"documents":["a",{"data":{"b":["c"]}}]}`,
		`{"model":"m","query":"q","documents":["a",{"text":"b"}],"texts":["a"]}`, `{"model":"m","images":["data:image/png;base64,AA"]}`, `{"model":"m","inputs":[{"content":[{"type":"text","text":"a"}]}]}`,
		`{"model":"m","tools":[{"type":"x"}],"modalities":["audio"],"web_search_options":{},"prediction":"x","service_tier":"flex","functions":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range dialect.Routes() {
			if r.Local || r.Form { // FuzzForm reads those
				continue
			}
			call, err := dialect.Read(r, address(r.Path), body)
			if err == nil && r.Chatbot {
				err = call.Fix(&dialect.Fixed{}) // without which nothing is sent to one
			}
			if err != nil {
				checkRefusal(t, err)
				continue
			}
			checkCall(t, r, call, body)
		}
	})
}

func checkRefusal(t *testing.T, err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Public == "" {
		t.Fatalf("not a fault: %v", err)
	}
	switch f.Kind {
	case fault.InvalidJSON, fault.DuplicateField, fault.InvalidField, fault.UnsupportedMediaType:
	default:
		t.Fatalf("kind %s", f.Kind)
	}
}

// checkCall compares call with what encoding/json finds in body.
func checkCall(t *testing.T, r *dialect.Route, call *dialect.Call, body []byte) {
	clean := bytes.Clone(body) // raw control characters in strings pass
	for i, c := range clean {
		if c < ' ' {
			clean[i] = ' '
		}
	}
	m := decode(t, clean)
	lower := map[string]bool{}
	stream := "stream"
	switch {
	case r.Format == llm.Gemini:
		stream = "" // the path says it
	case r.Scope == llm.ScopeSpeech:
		stream = "stream_format"
	}
	for name := range m {
		if folded := strings.ToLower(name); folded == "model" || folded == stream && stream != "" {
			if lower[folded] || name != folded {
				t.Fatalf("%q was accepted", name)
			}
			lower[folded] = true
		}
	}
	if r.Format == llm.Gemini {
		m["model"], m["stream"] = "m", r.Streams // the path says it
	}
	if r.Deployment {
		m["model"] = "m"
	}
	if r.Path == moderations && m["model"] == nil {
		m["model"] = "omni-moderation-latest"
	}
	if r.Scope == llm.ScopeSpeech {
		m["stream"] = m["stream_format"] == "sse"
	}
	if asked, _ := m["model"].(string); asked != call.Model || (asked == "" && !r.Chatbot) || (r.Streams && call.Stream != (m["stream"] == true)) {
		t.Fatalf("read %+v", call)
	}
	length := int64(len(body))
	if call.InputBound(dialect.Figures{}, 1) < length || call.Choices < 1 || call.TextBound() < 0 {
		t.Fatalf("%+v bounds %d", call, call.InputBound(dialect.Figures{}, 1))
	}
	perByte := int64(20)
	if r.Format == llm.Anthropic {
		perByte = 300 // a tool of the provider's has a short name and a long description
	}
	if rest := call.Texts(func([]byte) {}); rest < 0 || rest > perByte*length+3000 {
		t.Fatalf("the rest is %d", rest)
	}
	plain := call.TextBound()
	call.Templated = true
	if call.TextBound() < plain {
		t.Fatalf("with a template the bound is %d, without %d", call.TextBound(), plain)
	}
	if rest := call.Texts(func([]byte) {}); rest < 0 {
		t.Fatalf("with a template the rest is %d", rest)
	}
	checkRewrite(t, r, call, body, clean)
}

// checkRewrite changes all that can be changed: that must come out, and all else
// must stay as it was.
func checkRewrite(t *testing.T, r *dialect.Route, call *dialect.Call, body, clean []byte) {
	e := dialect.Edit{Model: "other", MaxOutput: 12345, IncludeUsage: r.Streams}
	if !r.Output || r.Open {
		e.MaxOutput = 0
	}
	got := call.Rewrite(e)
	at := address(r.Path)
	at.Path = strings.NewReplacer("models/m", "models/other", "deployments/m", "deployments/other").Replace(at.Path)
	again, err := dialect.Read(r, at, got)
	if err != nil {
		t.Fatalf("%q became %q: %v", body, got, err)
	}
	if again.Model != "other" || again.MaxOutput != e.MaxOutput || again.Choices != call.Choices || again.Media != call.Media {
		t.Fatalf("%q became %q: %+v", body, got, again)
	}
	if again.Thinking > call.Thinking || (again.Thinking == 0) != (call.Thinking == 0) {
		t.Fatalf("%q became %q: thinking %d of %d", body, got, again.Thinking, call.Thinking)
	}
	if !bytes.Equal(clean, body) {
		return
	}
	want, is := decode(t, clean), decode(t, got)
	if r.Deployment && want["model"] == nil {
		e.Model = "" // none is added
	}
	switch {
	case r.Open:
		edit(want, dialect.Edit{Model: e.Model})
	case r.Path == responses:
		want["model"], want["max_output_tokens"] = e.Model, json.Number(fmt.Sprint(e.MaxOutput))
	case r.Format == llm.OpenAI:
		edit(want, e)
	default:
		forget(want)
		forget(is)
	}
	one, _ := json.Marshal(want)
	two, _ := json.Marshal(is)
	if !bytes.Equal(one, two) {
		t.Fatalf("%q became\n%s, want\n%s", body, two, one)
	}
}

// forget takes out what a rewrite may change.
func forget(m map[string]any) {
	delete(m, "model")
	delete(m, "max_tokens")
	for _, name := range []string{"generationConfig", "generation_config"} {
		config, _ := m[name].(map[string]any)
		delete(config, "maxOutputTokens")
		delete(config, "max_output_tokens")
		for _, name := range []string{"thinkingConfig", "thinking_config"} {
			if thinking, ok := config[name].(map[string]any); ok {
				delete(thinking, "thinkingBudget")
				delete(thinking, "thinking_budget")
			}
		}
		if len(config) == 0 { // one is put there where none was
			delete(m, name)
		}
	}
	for _, name := range []string{"generateContentRequest", "generate_content_request"} {
		if whole, ok := m[name].(map[string]any); ok {
			delete(whole, "model")
		}
	}
	requests, _ := m["requests"].([]any)
	for _, one := range requests {
		if one, ok := one.(map[string]any); ok {
			delete(one, "model")
		}
	}
	if thinking, ok := m["thinking"].(map[string]any); ok {
		delete(thinking, "budget_tokens")
		delete(thinking, "token_budget")
	}
}

// FuzzTapSplit cuts an answer at any places: nothing of what is seen or relayed
// may change, and what is relayed is the answer, if nothing may be hidden.
func FuzzTapSplit(f *testing.F) {
	stream := event(begin) + words("a", `b\"`, "c") + ": ping\n\n" + event(usageOnly) + done
	seeds := []string{
		stream, strings.ReplaceAll(stream, "\n", "\r\n"), strings.ReplaceAll(stream, "\n", "\r"), event(usageOnly) + "\r\r\n" + event(usageOnly),
		strings.ReplaceAll(stream, ",", ",\ndata:"), "data\n\ndata:\n\ndata", "\xef\xbb\xbfdata: [DONE]", "event: error\ndata: x\n\n",
		`{"id":"a\"b","choices":[{"message":{"content":"x\\"}}],"usage":{"prompt_tokens":1}}`, `{"usage":null,"error":{}}`, ` {"id":"\u0061"`, `[]`, "",
		`[{"a":"\\\"}]"},{"b":[1,{}]}] `, `{"content":[{"input":{"a":["b",{"c":"d"}],"input":{"e":"f"}},"text":"g"}]}`,
	}
	paths := []string{chat, messages, generating, responses, cohereChat, generations, speech, transcriptions}
	shapes := []dialect.Shape{dialect.Document, dialect.Events, dialect.List, dialect.Bytes}
	for i, seed := range seeds {
		for n := range shapes {
			f.Add([]byte(seed), uint8(i+n*len(paths)), uint64(0x9e3779b97f4a7c15), true)
		}
	}
	for _, folder := range folders {
		for _, x := range exchanges(f, folder) {
			as := max(slices.Index(paths, x.url.Path), 0) + slices.Index(shapes, x.shape)*len(paths)
			f.Add([]byte(x.answer), uint8(as), uint64(3), false)
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte, as uint8, cuts uint64, hide bool) {
		checkCuts(t, paths[int(as)%len(paths)], answer, shapes[int(as)/len(paths)%len(shapes)], cuts, hide)
	})
}

// checkCuts cuts an answer into single bytes, and anyhow.
func checkCuts(t *testing.T, path string, answer []byte, s dialect.Shape, cuts uint64, hide bool) {
	whole := tappedAs(t, path, string(answer), s, hide, 0)
	if (!hide || s == dialect.Document || path != chat) && whole.relayed != string(answer) {
		t.Fatalf("%q was relayed as %q", answer, whole.relayed)
	}
	if got := tappedAs(t, path, string(answer), s, hide, 1); got != whole {
		t.Fatalf("byte by byte\n got %+v\nwant %+v", got, whole)
	}
	tap := dialect.NewTap(find(t, path), s, hide)
	var relayed []byte
	for rest := answer; len(rest) > 0; {
		n := min(int(cuts%17), len(rest))
		cuts = cuts>>3 | cuts<<61
		if n == 0 {
			n = 1
		}
		relayed = append(relayed, tap.Write(rest[:n])...)
		rest = rest[n:]
	}
	tap.Ended()
	relayed = append(relayed, tap.Close()...)
	if got := (seen{string(relayed), tap.Tally(), tap.Failed()}); got != whole {
		t.Fatalf("cut anyhow\n got %+v\nwant %+v", got, whole)
	}
}
