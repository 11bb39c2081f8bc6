package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

const responses = "/v1/responses"

func TestResponsesAreRead(t *testing.T) {
	type media = dialect.Media
	item := func(item string) string { return `{"model":"m","input":[` + item + `]}` }
	part := func(part string) string { return item(`{"role":"user","content":[` + part + `]}`) }
	for body, want := range map[string]media{
		`{"model":"m","input":"Hi"}`:           {},
		`{"model":"m","input":null}`:           {},
		item(`{"role":"user","content":"Hi"}`): {},
		item(`{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}`):                                                                                                {},
		item(`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[{"type":"file_citation","file_id":"f"}]},{"type":"refusal","refusal":"no"}]}`): {},
		part(`{"type":"input_image","image_url":"data:image/png;base64,AAAA"}`):                                                                                                               {Images: 1, InlineBytes: 26},
		part(`{"type":"input_image","image_url":"https://example.com/a.png"}`):                                                                                                                {RemoteImages: 1},
		part(`{"type":"input_image","image_url":null,"file_id":"file-1"}`):                                                                                                                    {Files: 1},
		part(`{"type":"input_image","image_url":null}`):                                                                                                                                       {Others: 1},
		part(`{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}`):                                                                                       {Files: 1, InlineBytes: 32},
		part(`{"type":"input_file","file_url":"https://example.com/a.pdf"}`):                                                                                                                  {Files: 1},
		part(`{"type":"input_file","file_id":"file-1"}`):                                                                                                                                      {Files: 1},
		part(`{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}`):                                                                                                           {Audio: 1, InlineBytes: 4},
		part(`{"type":"input_text","text":"x","Image_URL":"https://example.com/a.png"}`):                                                                                                      {RemoteImages: 1},
		part(`{"type":"input_hologram","data":"x"}`):                                                                                                                                          {Others: 1},
		part(`{"type":"input_text","type":"input_hologram","text":"x"}`):                                                                                                                      {Others: 1},
		part(`{"text":"x"}`): {Others: 1},
		item(`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}`):  {},
		item(`{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}`):       {Images: 1, InlineBytes: 26},
		item(`{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,AAAA"}}`): {Images: 1, InlineBytes: 26},
		item(`{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"x"}],"encrypted_content":"gAAA"}`):                       {},
		item(`{"type":"reasoning","id":"rs","summary":[]}`):                                                                                    {Others: 1},
		item(`{"type":"reasoning","id":"rs","summary":[],"encrypted_content":null}`):                                                           {Others: 1},
		item(`{"type":"item_reference","id":"msg_1"}`):                                                                                         {Others: 1},
		item(`{"type":"web_search_call","id":"ws","status":"completed"}`):                                                                      {Others: 1},
		item(`{"type":"image_generation_call","id":"ig","result":"AAAA"}`):                                                                     {Others: 1},
		item(`{"type":"compaction","encrypted_content":"AAAA"}`):                                                                               {Others: 1},
		`{"model":"m","input":"Hi","previous_response_id":"resp_1"}`:                                                                           {Others: 1},
		`{"model":"m","input":"Hi","previous_response_id":null,"conversation":null}`:                                                           {},
		`{"model":"m","input":"Hi","conversation":"conv_1"}`:                                                                                   {Others: 1},
		`{"model":"m","input":"Hi","conversation":{"id":"conv_1"}}`:                                                                            {Others: 1},
		`{"model":"m","prompt":{"id":"pmpt_1"}}`:                                                                                               {Others: 1},
	} {
		if got := read(t, responses, body).Media; got != want {
			t.Errorf("%s\n got %+v\nwant %+v", body, got, want)
		}
	}
}

// What is not in the request is bounded by the context window, once.
func TestResponsesAreBounded(t *testing.T) {
	const context = 400_000
	small := read(t, responses, `{"model":"m","input":"Hi"}`)
	if got, want := small.InputBound(dialect.Figures{}, context), int64(26+256+16); got != want {
		t.Errorf("bound %d, want %d", got, want)
	}
	kept := `{"model":"m","input":[{"type":"item_reference","id":"i"}],"previous_response_id":"r"}`
	if got, want := read(t, responses, kept).InputBound(dialect.Figures{}, context), int64(len(kept)+256+16+context); got != want {
		t.Errorf("bound %d, want %d", got, want)
	}
	if got := read(t, responses, kept).InputBound(dialect.Figures{Other: 7}, context); got != int64(len(kept)+256+16+14) {
		t.Errorf("with a figure of 7 the bound is %d", got)
	}
}

// What is counted exactly is every text, and never more than the bound by bytes.
func TestTextsOfResponses(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"m","input":"Hi \u00e9"}`:                     "Hi é",
		`{"model":"m","instructions":"Be brief.","input":"Hi"}`: "Be brief.|Hi",
		`{"model":"m","input":[{"role":"user","content":"Hi"},{"type":"function_call_output","call_id":"c","output":"grey"}]}`:                                  "user|Hi|function_call_output|c|grey",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"Hi"},{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}]}`: "user|input_text|Hi|input_image",
	} {
		for _, templated := range []bool{false, true} {
			call := read(t, responses, body)
			call.Templated = templated
			var texts []string
			rest := call.Texts(func(b []byte) { texts = append(texts, string(b)) })
			got := strings.Join(texts, "|")
			if templated && strings.Contains(want, "input_text") { // a template writes parts anew
				want = "user|Hi"
			}
			if got != want {
				t.Errorf("%s, templated %t:\n got %s\nwant %s", body, templated, got, want)
			}
			const parts = 2 * 18 // what each part is given on top
			if sum := rest + int64(len(strings.ReplaceAll(got, "|", ""))); sum > call.TextBound()+parts {
				t.Errorf("%s: %d of texts and rest, %d by bytes", body, sum, call.TextBound())
			}
		}
	}
}

func TestToolsOfResponses(t *testing.T) {
	for tool, hosted := range map[string]bool{
		`{"type":"function","name":"f"}`: false, `{"type":"custom","name":"f"}`: false, `{"type":"local_shell"}`: false, `{"type":"apply_patch"}`: false,
		`{"type":"web_search"}`: true, `{"type":"web_search_preview"}`: true, `{"type":"file_search","vector_store_ids":["v"]}`: true,
		`{"type":"code_interpreter","container":{"type":"auto"}}`: true, `{"type":"image_generation"}`: true, `{"type":"computer_use_preview"}`: true,
		`{"type":"mcp","server_url":"https://example.com"}`: true, `{"type":"shell"}`: true, `{"type":"tool_search"}`: true,
		`{"name":"f"}`: true, `{"type":"function","type":"mcp"}`: true,
	} {
		call := read(t, responses, `{"model":"m","input":"Hi","tools":[`+tool+`]}`)
		if !call.Tools || call.HostedTools != hosted {
			t.Errorf("%s: tools %t, hosted %t", tool, call.Tools, call.HostedTools)
		}
	}
}

func TestWhatResponsesMayOverride(t *testing.T) {
	for member, want := range map[string]string{
		`"temperature":1`: "", `"metadata":{}`: "", `"reasoning":{"effort":"low"}`: "", `"text":{"verbosity":"low"}`: "", `"store":false`: "",
		`"stream_options":{"include_obfuscation":false}`: "", `"novelty":null`: "",
		`"novelty":1`: "novelty", `"max_tokens":5`: "max_tokens", `"prompt":{"id":"p"}`: "prompt", `"context_management":[{"type":"compaction"}]`: "context_management",
		`"reasoning":{"effort":"low","mode":"standard"}`: "", `"reasoning":{"mode":null}`: "", `"reasoning":{"mode":"pro"}`: "reasoning.mode", `"reasoning":{"Mode":"pro"}`: "reasoning.mode",
	} {
		if got := read(t, responses, `{"model":"m","input":"Hi",`+member+`}`).Override; got != want {
			t.Errorf("%s: override %q, want %q", member, got, want)
		}
	}
}

func TestResponsesThatAreRefused(t *testing.T) {
	for body, kind := range map[string]fault.Kind{
		`{"model":"m","input":"Hi","background":true}`:            fault.InvalidField,
		`{"model":"m","input":"Hi","background":"no"}`:            fault.InvalidField,
		`{"model":"m","input":5}`:                                 fault.InvalidField,
		`{"model":"m","input":["Hi"]}`:                            fault.InvalidField,
		`{"model":"m","instructions":[]}`:                         fault.InvalidField,
		`{"model":"m","max_output_tokens":0}`:                     fault.InvalidField,
		`{"model":"m","max_output_tokens":5,"maxOutputTokens":9}`: fault.DuplicateField,
		`{"model":"m","Previous_Response_ID":"r"}`:                fault.DuplicateField,
		`{"model":"m","input":"a","input":"b"}`:                   fault.DuplicateField,
		`{"input":"Hi"}`:                                          fault.InvalidField,
	} {
		_, err := dialect.Read(find(t, responses), nil, []byte(body))
		if !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %s", body, err, kind)
		}
	}
}

func TestResponsesAreClamped(t *testing.T) {
	for body, want := range map[string]string{
		`{ "model":"m", "input":"Hi" }`:                         `{"max_output_tokens":64, "model":"m", "input":"Hi" }`,
		`{ "model":"m","max_output_tokens" : 900,"input":"Hi"}`: `{ "model":"m","max_output_tokens" : 64,"input":"Hi"}`,
		`{"model":"m","max_output_tokens":null,"stream":true}`:  `{"model":"m","max_output_tokens":64,"stream":true}`,
	} {
		for _, field := range []string{"max_tokens", "max_completion_tokens"} {
			got := string(read(t, responses, body).Rewrite(dialect.Edit{MaxOutput: 64, CapField: field, IncludeUsage: true}))
			if got != want {
				t.Errorf("%s\n got %s\nwant %s", body, got, want)
			}
		}
	}
}

func TestWhoHasResponses(t *testing.T) {
	r := find(t, responses)
	for kind, want := range map[string]bool{
		"openai": true, "azure": true, "huggingface": true, "custom": true, "demo": true, "anthropic": false, "google": false, "cohere": false,
	} {
		if r.Speaks(kind) != want {
			t.Errorf("%s: %t", kind, !want)
		}
	}
}
