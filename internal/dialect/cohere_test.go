package dialect_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	cohereChat = "/v2/chat"
	embed      = "/v2/embed"
	rerank     = "/v2/rerank"
)

// TestSearchUnits are 100 documents, of which a long one counts as several: it
// has 500 tokens less those of the query, which are bounded by its bytes.
func TestSearchUnits(t *testing.T) {
	list := func(n, bytes int) string {
		return `[` + strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("x", bytes-2)+`",`, n), ",") + `]`
	}
	for _, c := range []struct {
		query, n, bytes int
		want            int64
	}{
		{10, 0, 0, 1},
		{10, 1, 10, 1},
		{10, 100, 10, 1},
		{10, 101, 10, 2},
		{10, 100, 490, 1},
		{10, 100, 491, 2},
		{10, 51, 491, 2},
		{256, 100, 244, 1},
		{256, 100, 245, 2},
		{9000, 100, 244, 1},
		{9000, 100, 245, 2},
		{10, 1, 49_000, 1},
		{10, 1, 49_001, 2},
	} {
		documents := list(c.n, max(c.bytes, 2))
		for _, body := range []string{
			`{"model":"m","query":"` + strings.Repeat("q", c.query) + `","documents":` + documents + `}`,
			`{"documents":` + documents + `,"model":"m","query":"` + strings.Repeat("q", c.query) + `"}`,
		} {
			if got := read(t, rerank, body).SearchUnits; got != c.want {
				t.Errorf("%d documents of %d bytes for %d: %d, want %d", c.n, c.bytes, c.query, got, c.want)
			}
		}
	}
	if got := read(t, rerank, `{"model":"m"}`).SearchUnits; got != 1 {
		t.Errorf("without documents %d", got)
	}
	if got := read(t, cohereChat, `{"model":"m","messages":[],"documents":["a"]}`).SearchUnits; got != 0 {
		t.Errorf("in a chat %d", got)
	}
}

// TestCohereIsRead on each of its routes.
func TestCohereIsRead(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{cohereChat, `{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true,"max_tokens":7,"thinking":{"type":"enabled","token_budget":5}}`, "stream cap=7 thinking=5"},
		{cohereChat, `{"model":"m","messages":[{"role":"tool","content":[{"type":"document","document":{"data":"x"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"y"}],"tool_plan":"z"}]}`, ""},
		{cohereChat, `{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"type":"image_url","image_url":"https://x"},{"type":"video"},{"type":"text","novelty":1}]}]}`, "images=1 remote=1 others=2"},
		{cohereChat, `{"model":"m","messages":[],"connectors":[{"id":"web-search"}]}`, "override=connectors"},
		{cohereChat, `{"model":"m","messages":[],"temperature":1,"k":1,"p":1,"safety_mode":"OFF","priority":0,"tool_choice":"NONE","connectors":null}`, ""},
		{cohereChat, `{"model":"m","messages":[],"tools":[{"type":"function","function":{}}]}`, ""},
		{cohereChat, `{"model":"m","messages":[],"tools":[{"type":"web"}]}`, "hosted"},
		{embed, `{"model":"m","input_type":"x","texts":["a","b"],"images":null,"max_tokens":5,"truncate":"END"}`, ""},
		{embed, `{"model":"m","images":["data:image/png;base64,AA","https://x"]}`, "images=1 remote=1 extra"},
		{embed, `{"model":"m","inputs":[{"content":[{"type":"text","text":"a"}]},{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}`, "images=1 extra"},
		{embed, `{"model":"m","texts":["a"],"images":["b"]}`, "invalid_field images"},
		{embed, `{"model":"m","inputs":[],"texts":["b"]}`, "invalid_field texts"},
		{embed, `{"model":"m","texts":[["b"]]}`, "invalid_field texts[0]"},
		{embed, `{"model":"m","inputs":[{},"b"]}`, "invalid_field inputs[1]"},
		{embed, `{"model":"m","texts":"a"}`, "invalid_field texts"},
		{rerank, `{"model":"m","query":["a"]}`, "invalid_field query"},
		{rerank, `{"model":"m","query":"a","documents":"b"}`, "invalid_field documents"},
		{rerank, `{"model":"m","query":"a","documents":[1]}`, "invalid_field documents"},
		{rerank, `{"model":"m","query":"a","documents":["b"],"Documents":["c"]}`, "duplicate_field documents"},
		{rerank, `{"model":"m","query":"a","documents":["b"],"max_chunks_per_doc":99}`, "override=max_chunks_per_doc"},
		{cohereChat, `{"model":"m","max_tokens":0}`, "invalid_field max_tokens"},
		{cohereChat, `{"model":"m","thinking":{"token_budget":-1}}`, "invalid_field thinking.token_budget"},
		{cohereChat, `{"model":"m","thinking":{"tokenBudget":1}}`, "duplicate_field thinking.token_budget"},
		{cohereChat, `{"messages":[]}`, "invalid_field model"},
	} {
		call, err := dialect.Read(find(t, c.path), nil, []byte(c.body))
		if err != nil {
			f := fault.Of(err)
			if got := string(f.Kind) + " " + f.Param; got != c.want {
				t.Errorf("%s: %s, want %q", c.body, got, c.want)
			}
			continue
		}
		var words []string
		say := func(is bool, format string, args ...any) {
			if is {
				words = append(words, fmt.Sprintf(format, args...))
			}
		}
		m := call.Media
		say(call.Stream, "stream")
		say(call.MaxOutput > 0, "cap=%d", call.MaxOutput)
		say(call.Thinking > 0, "thinking=%d", call.Thinking)
		say(m.Images > 0, "images=%d", m.Images)
		say(m.RemoteImages > 0, "remote=%d", m.RemoteImages)
		say(m.Others > 0, "others=%d", m.Others)
		say(call.HostedTools, "hosted")
		say(call.Extra != "", "extra")
		say(call.Override != "", "override=%s", call.Override)
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.body, got, c.want)
		}
	}
}

// TestCohereIsClamped by splicing: a cap on thinking stays below that of the answer.
func TestCohereIsClamped(t *testing.T) {
	for body, want := range map[string]string{
		`{ "model":"m","messages":[] }`:                                              `{"max_tokens":100, "model":"n","messages":[] }`,
		`{"model":"m","max_tokens" : 900,"messages":[]}`:                             `{"model":"n","max_tokens" : 100,"messages":[]}`,
		`{"model":"m","max_tokens":null}`:                                            `{"model":"n","max_tokens":100}`,
		`{"model":"m","max_tokens":900,"thinking":{"token_budget":700}}`:             `{"model":"n","max_tokens":100,"thinking":{"token_budget":36}}`,
		`{"model":"m","thinking":{"token_budget":20,"type":"enabled"}}`:              `{"max_tokens":100,"model":"n","thinking":{"token_budget":20,"type":"enabled"}}`,
		`{"model":"m","stream":true,"stream_options":{"include_usage":false},"k":1}`: `{"max_tokens":100,"model":"n","stream":true,"stream_options":{"include_usage":false},"k":1}`,
	} {
		call := read(t, cohereChat, body)
		if got := string(call.Rewrite(dialect.Edit{Model: "n", MaxOutput: 100, IncludeUsage: true, CapField: "max_completion_tokens"})); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", body, got, want)
		}
	}
	if got := string(read(t, embed, `{"model":"m","texts":[],"max_tokens":5}`).Rewrite(dialect.Edit{Model: "n", MaxOutput: 100})); got != `{"model":"n","texts":[],"max_tokens":5}` {
		t.Errorf("an embedding became %s", got)
	}
}

// TestCohereErrors have a message, and the gate's code beside it.
func TestCohereErrors(t *testing.T) {
	w := httptest.NewRecorder()
	dialect.WriteError(w, llm.Cohere, fault.New(fault.BudgetExceeded, `Used "up".`), 402, "req_1")
	if got := w.Body.String(); w.Code != 402 || got != `{"message":"Used \"up\".","code":"budget_exceeded","id":"req_1"}` || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("%d %s", w.Code, got)
	}
	tap := dialect.NewTap(find(t, cohereChat), dialect.Events, false)
	event := string(tap.Broken(fault.New(fault.UpstreamUnavailable, "It broke."), "req_1"))
	if event != "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"It broke.\"}}\n\n" {
		t.Error(event)
	}
	if got := tapped(t, cohereChat, event, true, false, 0); !got.failed || got.tally.Reported {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"/v2/chat", "/v2/nothing"} {
		if f := dialect.FormatOf(path, nil); f != llm.Cohere {
			t.Errorf("%s: %s", path, f)
		}
	}
	if _, err := dialect.Find("GET", cohereChat, nil); !errors.Is(err, fault.MethodNotAllowed) {
		t.Error(err)
	}
}
