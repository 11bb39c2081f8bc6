package dialect_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

const bot = "/chatbots/{id}/v1/chat/completions"

// whole lays down everything.
func whole() *dialect.Fixed {
	return &dialect.Fixed{Model: "m", Prompt: dialect.NewPrompt("Be \"kind\".\n"), Temperature: new(0.5), MaxOutput: 100}
}

const prompt = `{"role":"system","content":"Be \"kind\".\n"}`

func TestFix(t *testing.T) {
	completion := dialect.Edit{Model: "m", CapField: "max_completion_tokens"}
	older := dialect.Edit{Model: "m", CapField: "max_tokens"}
	streams := completion
	streams.IncludeUsage = true
	held := completion
	held.MaxOutput = 30
	for _, c := range []struct {
		body  string
		fixed *dialect.Fixed
		edit  dialect.Edit
		want  string
	}{
		// What is not laid down stays as it is, byte by byte.
		{`{"messages":[{"role":"system","content":"x"}], "model":"m" }`, &dialect.Fixed{}, dialect.Edit{}, `{"messages":[{"role":"system","content":"x"}], "model":"m" }`},
		{
			` { "model" : "gpt" , "messages" : [ {"role" : "user","content":"\u0041"} ] , "temperature" : 1.9e0 , "max_tokens" : 5000 } `, whole(), older,
			` { "model" : "m" , "messages" : [` + prompt + `, {"role" : "user","content":"\u0041"} ] , "temperature" : 0.5 , "max_tokens" : 100 } `,
		},
		{`{"messages":[{"role":"user","content":"a"}]}`, whole(), completion, `{"max_completion_tokens":100,"model":"m","temperature":0.5,"messages":[` + prompt + `,{"role":"user","content":"a"}]}`},
		{`{"messages":[{"role":"user","content":"a"}]}`, whole(), older, `{"max_tokens":100,"model":"m","temperature":0.5,"messages":[` + prompt + `,{"role":"user","content":"a"}]}`},
		{`{"messages":[]}`, whole(), completion, `{"max_completion_tokens":100,"model":"m","temperature":0.5,"messages":[` + prompt + `]}`},
		{`{"messages":[ ],"temperature":null,"model":"m","max_completion_tokens":99}`, whole(), completion, `{"messages":[` + prompt + ` ],"temperature":0.5,"model":"m","max_completion_tokens":99}`},
		{`{"messages":[],"temperature":0,"model":"m","max_completion_tokens":101}`, whole(), completion, `{"messages":[` + prompt + `],"temperature":0.5,"model":"m","max_completion_tokens":100}`},
		{`{"messages":[],"temperature":0,"model":"m","max_tokens":101}`, whole(), held, `{"messages":[` + prompt + `],"temperature":0.5,"model":"m","max_tokens":30}`},
		{`{"messages":[],"temperature":0,"model":"m","max_completion_tokens":99}`, whole(), older, `{"max_tokens":99,"messages":[` + prompt + `],"temperature":0.5,"model":"m","max_completion_tokens":99}`},
		{`{"messages":[],"stream":true}`, whole(), streams, `{"max_completion_tokens":100,"stream_options":{"include_usage":true},"model":"m","temperature":0.5,"messages":[` + prompt + `],"stream":true}`},
		{`{"model":"other","messages":[]}`, &dialect.Fixed{Model: "m"}, dialect.Edit{Model: "m"}, `{"model":"m","messages":[]}`},
		{`{"model":"other","messages":[]}`, &dialect.Fixed{MaxOutput: 7}, dialect.Edit{}, `{"max_tokens":7,"model":"other","messages":[]}`},
		{`{"temperature":1,"messages":[]}`, &dialect.Fixed{Temperature: new(0.0)}, dialect.Edit{Model: "m"}, `{"model":"m","temperature":0,"messages":[]}`},
	} {
		call := read(t, bot, c.body)
		if err := call.Fix(c.fixed); err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		for range 2 { // sending it again changes nothing
			if got := string(call.Rewrite(c.edit)); got != c.want {
				t.Errorf("%s became\n%s, want\n%s", c.body, got, c.want)
			}
		}
	}
}

func TestFixRefusesWhatGetsRoundIt(t *testing.T) {
	user := `{"role":"user","content":"a"}`
	for body, param := range map[string]string{
		`{"messages":[{"role":"system","content":"a"}]}`:                    "messages[0].role",
		`{"messages":[` + user + `,{"content":"a","role":"developer"}]}`:    "messages[1].role",
		`{"messages":[` + user + `,{"role":"System","content":"a"}]}`:       "messages[1].role",
		`{"messages":[{"role":"s\u0079stem","content":"a"}]}`:               "messages[0].role",
		`{"messages":[{"role":"us\u0065r","content":"a"}]}`:                 "messages[0].role",
		`{"messages":[{"content":"a"}]}`:                                    "messages[0].role",
		`{"messages":[{"role":null,"content":"a"}]}`:                        "messages[0].role",
		`{"messages":[{"role":["system"],"content":"a"}]}`:                  "messages[0].role",
		`{"messages":[{"role":"user","role":"system","content":"a"}]}`:      "messages[0].role",
		`{"messages":[{"role":"user","Role":"system","content":"a"}]}`:      "messages[0].role",
		`{"messages":[{"role":"user","r\u006fle":"system","content":"a"}]}`: "messages[0].role",
		`{"messages":[{"role":"user ","content":"a"}]}`:                     "messages[0].role",
		`{"model":"m"}`: "messages",
		`{"messages":[],"options":{"temperature":2}}`: "options",
		`{"messages":[],"models":["other"]}`:          "models",
		`{"messages":[],"system":"a"}`:                "system",
		`{"messages":[],"instructions":"a"}`:          "instructions",
		`{"messages":[],"prompt":"a"}`:                "prompt",
		`{"messages":[],"extra_body":{}}`:             "extra_body",
		`{"messages":[],"chat_template":"x"}`:         "chat_template",
		`{"messages":[],"max_output_tokens":9}`:       "max_output_tokens",
		`{"messages":[],"top_k":1}`:                   "top_k",
		`{"messages":[],"n":2}`:                       "n",
	} {
		err := read(t, bot, body).Fix(whole())
		if f := fault.Of(err); f.Kind != fault.InvalidField || f.Param != param {
			t.Errorf("%s: %v, want %s refused", body, err, param)
		}
	}
	for _, body := range []string{`{"messages":[],"temperature":1,"Temperature":2}`, `{"messages":[],"tempera\u0074ure":1,"temperature":2}`, `{"messages":[],"Messages":[]}`} {
		if _, err := dialect.Read(find(t, bot), nil, []byte(body)); fault.Of(err).Kind != fault.DuplicateField {
			t.Errorf("%s: %v", body, err)
		}
	}
	// Without instructions of its own, whoever speaks may.
	for _, role := range []string{"system", "developer", "user", "assistant", "tool", "function"} {
		if err := read(t, bot, `{"messages":[{"role":"`+role+`","content":"a"}]}`).Fix(&dialect.Fixed{Model: "m", Temperature: new(1.0)}); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// What is laid down counts in every bound, as if the caller had sent it.
func TestFixedIsBounded(t *testing.T) {
	text := strings.Repeat("Ünicode \"quoted\"\\\n\t ", 50)
	f := &dialect.Fixed{Model: "m", Prompt: dialect.NewPrompt(text), MaxOutput: 20}
	for _, messages := range []string{`[]`, `[{"role":"user","content":"Hi \u00e9"}]`, `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":"b"}]`} {
		for _, templated := range []bool{false, true} {
			call := read(t, bot, `{"model":"m","messages":`+messages+`}`)
			if err := call.Fix(f); err != nil {
				t.Fatal(err)
			}
			sent := read(t, chat, string(call.Rewrite(dialect.Edit{Model: "m"})))
			call.Templated, sent.Templated = templated, templated
			if got, want := call.InputBound(dialect.Figures{}, 0), sent.InputBound(dialect.Figures{}, 0); got < want-int64(len(`"max_tokens":20,`)) || got > want {
				t.Errorf("%s is bound by %d, what is sent by %d", messages, got, want)
			}
			texts := func(c *dialect.Call) (all []string, rest int64) {
				rest = c.Texts(func(text []byte) { all = append(all, string(text)) })
				return all, rest
			}
			got, rest := texts(call)
			want, restSent := texts(sent)
			if diff := cmp.Diff(want, got); diff != "" || rest < restSent-int64(len(`"max_tokens":20,`)) || rest > restSent {
				t.Errorf("%s: the rest is %d, of what is sent %d; -sent +fixed:\n%s", messages, rest, restSent, diff)
			}
			if call.Messages != sent.Messages || call.MaxOutput != 20 || sent.MaxOutput != 20 || call.Model != "m" {
				t.Errorf("%+v, sent as %+v", call, sent)
			}
		}
	}
}

func TestChatbotRoutes(t *testing.T) {
	for path, want := range map[string]string{
		"/chatbots/help/v1/chat/completions":              "help",
		"/api/v1/chatbot/external/bot_1/chat":             "bot_1",
		"/api/v1/chatbot/external/bot_1/chat/completions": "bot_1",
		"/chatbots//v1/chat/completions":                  "",
		"/chatbots/a/b/v1/chat/completions":               "",
		"/chatbots/v1/chat/completions":                   "",
		"/chatbots/help/v1/chat/completions/":             "",
		"/chatbots/help/v1/models":                        "",
		"/api/v1/chatbot/external//chat":                  "",
		"/anthropic/chatbots/help/v1/chat/completions":    "",
		"/chatbots/%2e%2e/v1/chat/completions":            "%2e%2e",
	} {
		r, err := dialect.Find("POST", path, nil)
		if (err == nil) != (want != "") || err == nil && (r.ChatbotID(path) != want || r.Naming(path, want) != path || r.Naming(r.Path, want) != path || r.Sent != chat || r.ModelID(path) != "") {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
	}
	for path, want := range map[string][2]string{
		"/chatbots/help/v1/models":                    {"help", ""},
		"/chatbots/help/v1/models/m":                  {"help", "m"},
		"/chatbots/v1/v1/models/openai/gpt-4o":        {"v1", "openai/gpt-4o"},
		"/chatbots/bot_1/v1/models/v1/models/m":       {"bot_1", "v1/models/m"},
		"/chatbots/help/v1/models/":                   {},
		"/chatbots//v1/models":                        {},
		"/chatbots/a/b/v1/models":                     {},
		"/chatbots/v1/models":                         {},
		"/api/v1/chatbot/external/bot_1/v1/models":    {},
		"/chatbots/help/v1/modelsx":                   {},
		"/chatbots/help/v1/chat/completions/models/m": {},
	} {
		r, err := dialect.Find("GET", path, http.Header{"X-Api-Key": {"k"}})
		if (err == nil) != (want[0] != "") {
			t.Errorf("%s: %+v, %v", path, r, err)
		} else if err == nil && (r.ChatbotID(path) != want[0] || r.ModelID(path) != want[1] || !r.Local || !r.Is(path) || r.Naming(path, "x") != "/chatbots/x"+strings.TrimPrefix(path, "/chatbots/"+want[0])) {
			t.Errorf("%s: %q, %q, %q of %+v", path, r.ChatbotID(path), r.ModelID(path), r.Naming(path, "x"), r)
		}
		if name, method, front := dialect.Chatbot(path); name != want[0] || front || (method == "GET") != (err == nil) {
			t.Errorf("%s: %q, %q, %v", path, name, method, front)
		}
	}
	if _, err := dialect.Find("GET", "/chatbots/help/v1/chat/completions", nil); fault.Of(err).Kind != fault.MethodNotAllowed {
		t.Error(err)
	}
	if r := find(t, chat); r.ChatbotID(chat) != "" || r.Naming(chat, "x") != chat {
		t.Errorf("%+v", r)
	}
}

// FuzzFix: whatever a caller sends, what is laid down is what is sent, and nothing
// else is changed.
func FuzzFix(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":"a"}]}`, `{"messages":[],"temperature":1,"max_tokens":5,"model":"x","stream":true}`,
		`{"stream_options":{},"messages":[{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"b"}]}],"max_completion_tokens":500}`,
		`{"messages":[{"role":"system"}],"t\u006fols":[]}`, ` { "messages" : [ ] , "n" : 2 } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := dialect.Read(find(t, bot), nil, body)
		if err == nil {
			err = call.Fix(whole())
		}
		if err != nil {
			checkRefusal(t, err)
			return
		}
		got := call.Rewrite(dialect.Edit{Model: "fixed", IncludeUsage: true, CapField: "max_tokens"})
		clean := bytes.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, body)
		if !bytes.Equal(clean, body) {
			if _, err := dialect.Read(find(t, chat), nil, got); err != nil {
				t.Fatalf("%q became %q: %v", body, got, err)
			}
			return
		}
		want, is := decode(t, body), decode(t, got)
		messages, _ := want["messages"].([]any)
		want["messages"] = append([]any{map[string]any{"role": "system", "content": "Be \"kind\".\n"}}, messages...)
		want["temperature"] = json.Number("0.5")
		edit(want, dialect.Edit{Model: "fixed", IncludeUsage: true, CapField: "max_tokens", MaxOutput: call.MaxOutput})
		one, _ := json.Marshal(want)
		two, _ := json.Marshal(is)
		if !bytes.Equal(one, two) || call.MaxOutput < 1 || call.MaxOutput > 100 {
			t.Fatalf("%q became\n%s, want\n%s (cap %d)", body, two, one, call.MaxOutput)
		}
		if bound := call.InputBound(dialect.Figures{}, 1); bound < int64(len(body)+len(prompt)) {
			t.Fatalf("%q is bound by %d", body, bound)
		}
	})
}
