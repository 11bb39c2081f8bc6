package dialect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

const (
	chat        = "/v1/chat/completions"
	completions = "/v1/completions"
	embeddings  = "/v1/embeddings"
)

// refused reads a body that must be refused, and gives the fault.
func refused(t *testing.T, path, body string) *fault.Error {
	t.Helper()
	_, err := dialect.Read(find(t, path), address(path), []byte(body))
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("Read(%.200s) = %v, want a fault", body, err)
	}
	return f
}

func TestReadFindsWhatIsAsked(t *testing.T) {
	call := read(t, chat, ` {
		"messages": [{"role":"system","content":"Be brief."},{"role":"user","content":"Hi \"you\""}],
		"model": "openai/gpt-4o-mini", "stream": true, "stream_options": {"include_usage": true},
		"max_completion_tokens": 77, "n": 3, "service_tier": "flex", "tools": [{"type":"function","function":{"name":"f"}}],
		"modalities": ["text","audio"], "prediction": {"type":"content","content":"abc"}, "temperature": 1e-3 } `)
	switch {
	case call.Model != "openai/gpt-4o-mini", !call.Stream, !call.IncludeUsage, call.MaxOutput != 77, call.Choices != 3:
		t.Errorf("read %+v", call)
	case call.Messages != 2, call.Media != dialect.Media{}, call.ServiceTier != "flex", !call.Tools, call.HostedTools:
		t.Errorf("read %+v", call)
	case !call.AudioOutput, call.WebSearch, call.Prediction != int64(len(`{"type":"content","content":"abc"}`)):
		t.Errorf("read %+v", call)
	}
}

func TestReadTakesNullForAbsent(t *testing.T) {
	call := read(t, chat, `{"model":"m","stream":null,"stream_options":null,"max_tokens":null,"n":null,"tools":null,"functions":null,
		"web_search_options":null,"prediction":null,"modalities":null,"service_tier":null}`)
	if call.Stream || call.MaxOutput != 0 || call.Choices != 1 || call.Tools || call.WebSearch || call.Prediction != 0 || call.AudioOutput {
		t.Errorf("read %+v", call)
	}
}

func TestReadDecodesTheModel(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"gpt-4o"}`:               "gpt-4o",
		`{"mod\u0065l":"g\u0070t\/4"}`:     "gpt/4",
		`{"model":"模型-\ud83d\ude00"}`:      "模型-😀",
		`{"model":"` + long(256) + `"}`:    long(256),
		`{"x":{"model":"no"},"model":"y"}`: "y",
	} {
		if got := read(t, chat, body).Model; got != want {
			t.Errorf("%s: model %q, want %q", body, got, want)
		}
	}
}

func long(n int) string { return strings.Repeat("m", n) }

func TestReadRefusesWrongFields(t *testing.T) {
	for _, c := range []struct{ body, param string }{
		{`{}`, "model"},
		{`{"model":""}`, "model"},
		{`{"model":null}`, "model"},
		{`{"model":7}`, "model"},
		{`{"model":["gpt"]}`, "model"},
		{`{"model":"` + long(257) + `"}`, "model"},
		{`{"model":"a\u0000b"}`, "model"},
		{`{"model":"a\nb"}`, "model"},
		{"{\"model\":\"a\xffb\"}", "model"},
		{`{"model":"\ud800"}`, "model"},
		{`{"model":"m","stream":"true"}`, "stream"},
		{`{"model":"m","stream":1}`, "stream"},
		{`{"model":"m","stream_options":true}`, "stream_options"},
		{`{"model":"m","stream_options":[]}`, "stream_options"},
		{`{"model":"m","stream_options":{"include_usage":"yes"}}`, "stream_options.include_usage"},
		{`{"model":"m","max_tokens":0}`, "max_tokens"},
		{`{"model":"m","max_tokens":-1}`, "max_tokens"},
		{`{"model":"m","max_tokens":1e3}`, "max_tokens"},
		{`{"model":"m","max_tokens":12.0}`, "max_tokens"},
		{`{"model":"m","max_tokens":"12"}`, "max_tokens"},
		{`{"model":"m","max_tokens":9223372036854775808}`, "max_tokens"},
		{`{"model":"m","max_tokens":1000000001}`, "max_tokens"},
		{`{"model":"m","max_completion_tokens":1000000001}`, "max_completion_tokens"},
		{`{"model":"m","max_completion_tokens":{}}`, "max_completion_tokens"},
		{`{"model":"m","max_tokens":5,"max_completion_tokens":6}`, "max_completion_tokens"},
		{`{"model":"m","max_completion_tokens":5,"max_tokens":6}`, "max_tokens"},
		{`{"model":"m","n":0}`, "n"},
		{`{"model":"m","n":129}`, "n"},
		{`{"model":"m","n":1.5}`, "n"},
		{`{"model":"m","best_of":129}`, "best_of"},
		{`{"model":"m","messages":"hi"}`, "messages"},
		{`{"model":"m","messages":null}`, "messages"},
		{`{"model":"m","messages":[{},"hi"]}`, "messages[1]"},
		{`{"model":"m","messages":[{"content":7}]}`, "messages[0].content"},
		{`{"model":"m","messages":[{"content":[7]}]}`, "messages[0].content"},
		{`{"model":"m","tools":{}}`, "tools"},
		{`{"model":"m","tools":["f"]}`, "tools"},
		{`{"model":"m","modalities":"audio"}`, "modalities"},
		{`{"model":"m","modalities":[1]}`, "modalities"},
		{`{"model":"m","service_tier":1}`, "service_tier"},
	} {
		f := refused(t, chat, c.body)
		if f.Kind != fault.InvalidField || f.Param != c.param || !strings.Contains(f.Public, strings.Split(c.param, "[")[0]) {
			t.Errorf("%s: %v, param %q; want invalid_field, param %q", c.body, f, f.Param, c.param)
		}
	}
	for _, body := range []string{`{"model":"m","prompt":{}}`, `{"model":"m","prompt":7}`} {
		if f := refused(t, completions, body); f.Kind != fault.InvalidField || f.Param != "prompt" {
			t.Errorf("%s: %v", body, f)
		}
	}
	if f := refused(t, embeddings, `{"model":"m","input":true}`); f.Kind != fault.InvalidField || f.Param != "input" {
		t.Error(f)
	}
}

func TestReadTakesBorders(t *testing.T) {
	if got := read(t, chat, `{"model":"m","max_tokens":1000000000,"n":128}`); got.MaxOutput != 1_000_000_000 || got.Choices != 128 {
		t.Errorf("read %+v", got)
	}
	if got := read(t, chat, `{"model":"m","max_tokens":1,"max_completion_tokens":1}`); got.MaxOutput != 1 {
		t.Errorf("read %+v", got)
	}
}

func TestReadBoundsTheAnswers(t *testing.T) {
	body := func(prompts int) string {
		return `{"model":"m","n":128,"prompt":[` + strings.Repeat(`"",`, prompts-1) + `""]}`
	}
	if got := read(t, completions, body(1<<13)).Choices; got != 1<<20 {
		t.Errorf("%d choices", got)
	}
	f := refused(t, completions, body(1<<13+1))
	if f.Kind != fault.InvalidField || f.Param != "prompt" || !strings.Contains(f.Public, "at most 1048576") {
		t.Errorf("%v, param %q", f, f.Param)
	}
}

func TestReadFindsOverrides(t *testing.T) {
	for member, want := range map[string]string{
		`"max_new_tokens":9`:               "max_new_tokens",
		`"n_predict":-1`:                   "n_predict",
		`"maxOutputTokens":9`:              "maxOutputTokens",
		`"max_output_tokens":9`:            "max_output_tokens",
		`"cachedContent":"x"`:              "cachedContent",
		`"options":{"num_predict":9}`:      "options",
		`"Options":{"num_predict":9}`:      "options",
		`"\u006fptions":{}`:                "options",
		`"models":["a"],"route":"x"`:       "models",
		`"route":"x","models":["a"]`:       "route",
		`"use_beam_search":true`:           "use_beam_search",
		`"options":null`:                   "",
		`"options":null,"plugins":[]`:      "plugins",
		`"min_tokens":5`:                   "",
		`"ignore_eos":true`:                "",
		`"user":"options"`:                 "",
		`"metadata":{"n_predict":9}`:       "",
		`"web_search_options":{}`:          "",
		`"temperature":0.5,"web_search":1`: "web_search",
	} {
		if got := read(t, chat, `{"model":"m",`+member+`}`).Override; got != want {
			t.Errorf("%s: %q, want %q", member, got, want)
		}
	}
	for _, path := range []string{completions, embeddings} {
		if got := read(t, path, `{"model":"m","extra_body":{}}`).Override; got != "extra_body" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestReadRefusesAmbiguousNames(t *testing.T) {
	for _, c := range []struct{ body, param string }{
		{`{"model":"a","model":"b"}`, "model"},
		{`{"model":"a","mod\u0065l":"b"}`, "model"},
		{`{"Model":"a"}`, "model"},
		{`{"model":"a","MODEL":"b"}`, "model"},
		{`{"model":"a","\u004dodel":"b"}`, "model"},
		{`{"model":"a","STREAM":true}`, "stream"},
		{`{"model":"a","ſtream":true}`, "stream"},
		{`{"model":"a","\u017ftream":true}`, "stream"},
		{`{"model":"a","maxTokens":1}`, "max_tokens"},
		{`{"model":"a","max_toKens":1}`, "max_tokens"},
		{`{"model":"a","N":1}`, "n"},
		{`{"model":"a","model\u0000":"b"}`, "model"},
		{`{"model":"a","user":"x","user":"y"}`, "user"},
		{`{"model":"a","user":"x","us\u0065r":"y"}`, "user"},
		{`{"model":"a","stream_options":{},"stream_options":{}}`, "stream_options"},
		{`{"model":"a","stream_options":{"include_usage":true,"include_usage":false}}`, "stream_options.include_usage"},
		{`{"model":"a","stream_options":{"Include_Usage":false}}`, "stream_options.include_usage"},
		{`{"model":"a","prompt":"x","prompt":"y"}`, "prompt"}, // also where the route does not read it
	} {
		f := refused(t, chat, c.body)
		if f.Kind != fault.DuplicateField || f.Param != c.param || !strings.Contains(f.Public, "at byte ") {
			t.Errorf("%s: %v, param %q; want duplicate_field, param %q", c.body, f, f.Param, c.param)
		}
	}
}

func TestReadFindsDuplicatesAmongManyNames(t *testing.T) {
	for _, n := range []int{23, 24, 25, 26, 500} {
		var b strings.Builder
		b.WriteString(`{"model":"m"`)
		for i := range n {
			fmt.Fprintf(&b, `,"x%d":%d`, i, i)
		}
		read(t, chat, b.String()+"}")
		for _, again := range []int{0, n - 1} {
			if f := refused(t, chat, fmt.Sprintf(`%s,"x%d":0}`, b.String(), again)); f.Kind != fault.DuplicateField {
				t.Errorf("%d names: %v", n, f)
			}
		}
	}
}

func TestReadAllowsNestedDuplicates(t *testing.T) {
	read(t, chat, `{"model":"m","metadata":{"a":1,"a":2,"Model":"x"},"messages":[{"role":"user","role":"user","content":"x","content":"y"}]}`)
}

func TestReadRefusesWhatIsNoJSONObject(t *testing.T) {
	for body, want := range map[string]string{
		``:                            "empty",
		" \n":                         "empty",
		"\xef\xbb\xbf{\"model\":1}":   "byte order mark",
		`[]`:                          "must be a JSON object",
		`"model"`:                     "must be a JSON object",
		`null`:                        "must be a JSON object",
		`{"model":"m"`:                "at byte 12",
		`{"model":"m"} x`:             "at byte 14",
		`{"model":"m",}`:              "at byte 13",
		`{"model":"m","stream":ture}`: "at byte 22",
		`{"model":"m","x":"\q"}`:      "at byte 18",
		`{"model":"m","messages":[{"content":[{"type":"text"}]]}`:                       "at byte",
		`{"model":"m","x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`: "nested deeper than 512",
	} {
		f := refused(t, chat, body)
		if f.Kind != fault.InvalidJSON || !strings.Contains(f.Public, want) {
			t.Errorf("%.60s: %v; want it to say %q", body, f, want)
		}
	}
}

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		path, body        string
		choices, messages int64
	}{
		{chat, `{"model":"m"}`, 1, 0},
		{chat, `{"model":"m","n":2,"best_of":5}`, 5, 0},
		{chat, `{"model":"m","prompt":["a","b"]}`, 1, 0}, // means nothing on this route
		{completions, `{"model":"m","prompt":"a"}`, 1, 1},
		{completions, `{"model":"m","prompt":null}`, 1, 0},
		{completions, `{"model":"m","prompt":[]}`, 1, 0},
		{completions, `{"model":"m","prompt":["a","b","c"],"n":2}`, 6, 3},
		{completions, `{"n":128,"best_of":128,"model":"m","prompt":["a","b","c"]}`, 384, 3},
		{completions, `{"model":"m","prompt":[1,2,3]}`, 1, 1},
		{completions, `{"model":"m","prompt":[[1,2],[3]],"best_of":4,"n":1}`, 8, 2},
		{embeddings, `{"model":"m","input":["a","b"],"n":9}`, 1, 2},
	} {
		call := read(t, c.path, c.body)
		if call.Choices != c.choices || call.Messages != c.messages {
			t.Errorf("%s: %d choices, %d messages; want %d, %d", c.body, call.Choices, call.Messages, c.choices, c.messages)
		}
	}
}

func TestExtras(t *testing.T) {
	for body, want := range map[string][3]bool{ // tools, hosted tools, web search
		`{"model":"m","tools":[]}`:                                        {false, false, false},
		`{"model":"m","tools":[{"type":"function"},{"type":"custom"}]}`:   {true, false, false},
		`{"model":"m","tools":[{"type":"function"},{"type":"browser"}]}`:  {true, true, false},
		`{"model":"m","tools":[{"type":"function","Type":"web_search"}]}`: {true, true, false},
		`{"model":"m","tools":[{"type":"function","ty\u0070e":"x"}]}`:     {true, true, false},
		`{"model":"m","tools":[{"google_search":{}}]}`:                    {true, true, false},
		`{"model":"m","functions":[{"name":"f"}]}`:                        {true, false, false},
		`{"model":"m","web_search_options":{}}`:                           {false, false, true},
	} {
		call := read(t, chat, body)
		if got := [3]bool{call.Tools, call.HostedTools, call.WebSearch}; got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

func TestReadAllocatesTheCallAndTheModelOnly(t *testing.T) {
	body := chatBody(prompts["1KB"])
	route := find(t, chat)
	if n := testing.AllocsPerRun(100, func() { _, _ = dialect.Read(route, nil, body) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
