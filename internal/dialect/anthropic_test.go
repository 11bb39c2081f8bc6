package dialect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	messages    = "/v1/messages"
	countTokens = "/v1/messages/count_tokens"
)

// turn is a request with one message of the given blocks.
func turn(blocks string) string {
	return `{"model":"m","max_tokens":100,"messages":[{"role":"user","content":[` + blocks + `]}]}`
}

func TestAnthropicIsRead(t *testing.T) {
	call := read(t, messages, `{
		"model":"claude-sonnet-4-5", "max_tokens":4000, "stream":true, "service_tier":"standard_only",
		"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
		"thinking":{"type":"enabled","budget_tokens":2048}, "temperature":1, "top_k":4, "stop_sequences":["x"], "metadata":{"user_id":"u"},
		"tools":[{"name":"f","input_schema":{}},{"type":"text_editor_20250728","name":"e"}], "tool_choice":{"type":"auto"},
		"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqQB"},{"type":"tool_use","id":"t","name":"f","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]}]}`)
	switch {
	case call.Model != "claude-sonnet-4-5", !call.Stream, call.MaxOutput != 4000, call.Thinking != 2048, call.Choices != 1, call.ServiceTier != "standard_only":
		t.Errorf("read %+v", call)
	case call.Messages != 3, call.Media != dialect.Media{}, !call.Tools, call.HostedTools, call.Override != "", call.Extra != "", call.NoOutput:
		t.Errorf("read %+v", call)
	}
	if call := read(t, messages, `{"model":"m","max_tokens":0,"messages":[]}`); !call.NoOutput || call.MaxOutput != 0 {
		t.Errorf("no output is wanted: %+v", call)
	}
	if call := read(t, countTokens, `{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":"odd"}`); call.Model != "m" || call.Messages != 1 {
		t.Errorf("read %+v", call)
	}
}

func TestAnthropicMediaAreCounted(t *testing.T) {
	type media = dialect.Media
	const png = `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}`
	for blocks, want := range map[string]media{
		`{"type":"text","text":"hello"}`: {},
		png:                              {Images: 1, InlineBytes: 4},
		`{"source":{"data":"AAAA","type":"base64"},"type":"image"}`:                                                                                     {Images: 1, InlineBytes: 4},
		`{"type":"image","source":{"type":"url","url":"https://example.com/a"}}`:                                                                        {RemoteImages: 1},
		`{"type":"image","source":{"type":"file","file_id":"file_1"}}`:                                                                                  {Files: 1},
		`{"type":"image","source":{"type":"hologram"}}`:                                                                                                 {Others: 1},
		`{"type":"image","source":"x"}`:                                                                                                                 {Others: 1},
		`{"type":"image"}`:                                                                                                                              {Others: 1},
		`{"type":"image","source":{"type":"base64","type":"url","data":"A","url":"u"}}`:                                                                 {Others: 1},
		`{"type":"image","source":{"type":"base64","data":"A","data":"B"}}`:                                                                             {Others: 1},
		`{"type":"image","source":{"type":"base64","data":"A"},"source":{"type":"url","url":"u"}}`:                                                      {Others: 1},
		`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}}`:                                                   {Files: 1, InlineBytes: 4},
		`{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}`:                                                                 {Files: 1},
		`{"type":"document","source":{"type":"file","file_id":"file_1"}}`:                                                                               {Files: 1},
		`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"long text"}}`:                                                     {},
		`{"type":"document","source":{"type":"content","content":[` + png + `]}}`:                                                                       {Images: 1, InlineBytes: 4},
		`{"type":"document","source":{"type":"content","content":"text"}}`:                                                                              {},
		`{"type":"tool_result","tool_use_id":"t","content":[` + png + `,{"type":"text","text":"x"}]}`:                                                   {Images: 1, InlineBytes: 4},
		`{"type":"tool_result","tool_use_id":"t","content":"text"}`:                                                                                     {},
		`{"type":"tool_result","tool_use_id":"t","content":[{"type":"hologram"}]}`:                                                                      {Others: 1},
		`{"type":"search_result","source":"https://example.com","title":"t","content":[{"type":"text","text":"x"}]}`:                                    {},
		`{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","encrypted_content":"x"}]}`:                          {},
		`{"type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"base64","data":"JVBE"}}}}`: {Files: 1, InlineBytes: 4},
		`{"type":"container_upload","file_id":"file_1"}`:                                                                                                {Others: 1},
		`{"type":"redacted_thinking","data":"AAAA"}`:                                                                                                    {},
		`{"type":"hologram"}`: {Others: 1},
		`{"text":"x"}`:        {Others: 1},
		`{"type":"text","type":"image","text":"x"}`:                           {Others: 1},
		`{"type":"text","text":"x","source":{"type":"base64","data":"AAAA"}}`: {Others: 1},
		`{"type":"text","text":"x","Source":{"type":"base64","data":"AAAA"}}`: {Others: 1},
	} {
		if got := read(t, messages, turn(blocks)).Media; got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", blocks, got, want)
		}
	}
	if got := read(t, messages, `{"model":"m","system":[`+png+`],"messages":[]}`).Media; got != (media{Images: 1, InlineBytes: 4}) {
		t.Errorf("in system: %+v", got)
	}
}

func TestAnthropicExtras(t *testing.T) {
	const head = `{"model":"m","max_tokens":1,"messages":[],`
	for members, want := range map[string]dialect.Call{
		`"tools":[{"name":"f"}]`:                                       {Tools: true},
		`"tools":[{"type":null,"name":"f"},{"type":"custom"}]`:         {Tools: true},
		`"tools":[{"type":"computer_20250124","name":"computer"}]`:     {Tools: true},
		`"tools":[{"type":"web_search_20260318","name":"web_search"}]`: {Tools: true, HostedTools: true},
		`"tools":[{"name":"f"},{"type":"code_execution_20250825"}]`:    {Tools: true, HostedTools: true},
		`"tools":[{"type":"mcp_toolset"}]`:                             {Tools: true, HostedTools: true},
		`"tools":[{"type":"tool_search_tool_regex_20251119"}]`:         {Tools: true, HostedTools: true},
		`"tools":[{"type":"bash_20250124","type":"custom2"}]`:          {Tools: true, HostedTools: true},
		`"tools":[]`:                     {},
		`"mcp_servers":[{"type":"url"}]`: {HostedTools: true},
		`"mcp_servers":[]`:               {},
		`"container":"container_1"`:      {HostedTools: true},
		`"container":null`:               {},
		`"speed":"fast"`:                 {Fast: true},
		`"speed":"standard"`:             {},
		`"inference_geo":"us"`:           {Extra: `The inference geography "us"`},
		`"inference_geo":"global"`:       {},
		`"inference_geo":null`:           {},
		`"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}`: {},
		`"context_management":{"edits":[{"type":"compact_20260112"}]}`:         {Override: "context_management"},
		`"context_management":{"edits":[{"type":"comp\u0061ct_20260112"}]}`:    {Override: "context_management"},
		`"tools":[{"type":"bash\u005f20250124","name":"bash"}]`:                {Tools: true},
		`"tools":[{"type":"\"\"","name":"bash"}]`:                              {Tools: true, HostedTools: true},
		`"compaction":{"type":"x"}`:                                            {Override: "compaction"},
		`"max_output_tokens":5`:                                                {Override: "max_output_tokens"},
		`"a new field":1`:                                                      {Override: "a new field"},
		`"a new field":null`:                                                   {},
		`"fallbacks":[]`:                                                       {},
		`"fallbacks":null`:                                                     {},
		`"output_config":{"effort":"low"}`:                                     {},
	} {
		got := read(t, messages, head+members+"}")
		is := dialect.Call{Tools: got.Tools, HostedTools: got.HostedTools, Extra: got.Extra, Override: got.Override, Fast: got.Fast}
		if is.Fast != want.Fast || is.Tools != want.Tools || is.HostedTools != want.HostedTools || is.Extra != want.Extra || is.Override != want.Override {
			t.Errorf("%s:\n got %+v\nwant %+v", members, is, want)
		}
	}
}

// TestAnthropicCacheMarks are found wherever they may stand, as far as they can
// raise a bound.
func TestAnthropicCacheMarks(t *testing.T) {
	const five, hour, odd = `"cache_control":{"type":"ephemeral"}`, `"cache_control":{"type":"ephemeral","ttl":"1h"}`, `"cache_control":{"ttl":"1d"}`
	for body, want := range map[string][2]bool{
		turn(`{"type":"text","text":"x"}`):                                                        {},
		turn(`{"type":"text","text":"x","cache_control":null}`):                                   {},
		turn(`{"type":"text","text":"x",` + five + `}`):                                           {true, false},
		turn(`{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"5m"}}`):        {true, false},
		turn(`{"type":"text","text":"x",` + hour + `}`):                                           {true, true},
		turn(`{"type":"text","text":"x",` + odd + `}`):                                            {true, true},
		turn(`{"type":"tool_result","content":[{"type":"text","text":"x",` + hour + `}]}`):        {true, true},
		turn(`{"type":"text","text":"cache_control 1h"}`):                                         {},
		`{"model":"m","system":[{"type":"text","text":"x",` + five + `}]}`:                        {true, false},
		`{"model":"m","tools":[{"name":"f",` + hour + `}]}`:                                       {true, true},
		`{"model":"m",` + five + `}`:                                                              {true, false},
		`{"model":"m","tools":[{"name":"f","Cache_Control":{}}],"system":"x","messages":[]}`:      {true, false},
		`{"model":"m","tools":[{"name":"f","input_schema":{"properties":{"cache_control":{}}}}]}`: {},
	} {
		if call := read(t, messages, body); call.CacheWrite != want[0] || call.CacheWrite1h != want[1] {
			t.Errorf("%s: %t, %t", body, call.CacheWrite, call.CacheWrite1h)
		}
	}
}

func TestAnthropicRefuses(t *testing.T) {
	for body, want := range map[string]struct {
		kind  fault.Kind
		param string
	}{
		`{"model":"m","max_tokens":-1}`:                                             {fault.InvalidField, "max_tokens"},
		`{"model":"m","max_tokens":"5"}`:                                            {fault.InvalidField, "max_tokens"},
		`{"model":"m","Max_Tokens":5}`:                                              {fault.DuplicateField, "max_tokens"},
		`{"model":"m","max_tokens":5,"max_tokens":6}`:                               {fault.DuplicateField, "max_tokens"},
		`{"max_tokens":5}`:                                                          {fault.InvalidField, "model"},
		`{"model":"m","thinking":{"budget_tokens":1024,"budget_tokens":9}}`:         {fault.DuplicateField, "thinking.budget_tokens"},
		`{"model":"m","thinking":{"budgetTokens":1024}}`:                            {fault.DuplicateField, "thinking.budget_tokens"},
		`{"model":"m","thinking":{"budget_tokens":-5}}`:                             {fault.InvalidField, "thinking.budget_tokens"},
		`{"model":"m","thinking":{"type":"enabled","budget_tokens":1.5}}`:           {fault.InvalidField, "thinking.budget_tokens"},
		`{"model":"m","messages":{}}`:                                               {fault.InvalidField, "messages"},
		`{"model":"m","messages":[{"content":5}]}`:                                  {fault.InvalidField, "messages[0].content"},
		`{"model":"m","system":5}`:                                                  {fault.InvalidField, "system"},
		`{"model":"m","fallbacks":[{"model":"claude-opus-5"}]}`:                     {fault.InvalidField, "fallbacks"},
		`{"model":"m","fallbacks":"default"}`:                                       {fault.InvalidField, "fallbacks"},
		`{"model":"m","tools":[{"type":"advisor_20260301","model":"claude-opus"}]}`: {fault.InvalidField, "tools"},
		`{"model":"m","tools":[{"type":"\u0061dvisor_20260301"}]}`:                  {fault.InvalidField, "tools"},
		`{"model":"m","tools":{}}`:                                                  {fault.InvalidField, "tools"},
	} {
		if got := refused(t, messages, body); got.Kind != want.kind || got.Param != want.param {
			t.Errorf("%s: %v %q, want %v", body, got, got.Param, want)
		}
	}
}

// TestAnthropicCapIsLowered keeps the budget of thinking below the cap and above
// its least.
func TestAnthropicCapIsLowered(t *testing.T) {
	const thinks = `{"model":"m","max_tokens":8000,"messages":[],"thinking":{"type":"enabled", "budget_tokens" : 5000 }}`
	for _, c := range []struct {
		body string
		edit dialect.Edit
		want string
	}{
		{`{"model":"m","max_tokens":8000}`, dialect.Edit{MaxOutput: 64}, `{"model":"m","max_tokens":64}`},
		{`{"model":"m","max_tokens":8000}`, dialect.Edit{MaxOutput: 8000}, `{"model":"m","max_tokens":8000}`},
		{`{"model":"m"}`, dialect.Edit{MaxOutput: 64}, `{"max_tokens":64,"model":"m"}`},
		{`{"model":"m","max_tokens":null}`, dialect.Edit{MaxOutput: 64}, `{"model":"m","max_tokens":64}`},
		{`{"model":"m","max_tokens":8000,"stream":true}`, dialect.Edit{Model: "n", IncludeUsage: true}, `{"model":"n","max_tokens":8000,"stream":true}`},
		{`{"model":"m","max_tokens":0}`, dialect.Edit{MaxOutput: 0}, `{"model":"m","max_tokens":0}`},
		{thinks, dialect.Edit{MaxOutput: 8000}, thinks},
		{thinks, dialect.Edit{MaxOutput: 6000}, strings.Replace(thinks, "8000", "6000", 1)},
		{thinks, dialect.Edit{MaxOutput: 5064}, strings.Replace(thinks, "8000", "5064", 1)},
		{thinks, dialect.Edit{MaxOutput: 5063}, strings.NewReplacer("8000", "5063", "5000", "4999").Replace(thinks)},
		{thinks, dialect.Edit{MaxOutput: 2000}, strings.NewReplacer("8000", "2000", "5000", "1936").Replace(thinks)},
		{thinks, dialect.Edit{MaxOutput: 1088}, strings.NewReplacer("8000", "1088", "5000", "1024").Replace(thinks)},
	} {
		if got := string(read(t, messages, c.body).Rewrite(c.edit)); got != c.want {
			t.Errorf("%s with %+v\n got %s\nwant %s", c.body, c.edit, got, c.want)
		}
	}
	for body, want := range map[string]int64{
		`{"model":"m","max_tokens":8000}`:                                                64,
		`{"model":"m","max_tokens":10}`:                                                  10,
		`{"model":"m","max_tokens":8000,"thinking":{"type":"adaptive"}}`:                 64,
		`{"model":"m","max_tokens":8000,"thinking":{"budget_tokens":5000}}`:              1088,
		`{"model":"m","max_tokens":5001,"thinking":{"budget_tokens":5000}}`:              1025,
		`{"model":"m","max_tokens":1025,"thinking":{"budget_tokens":1024}}`:              1025,
		`{"model":"m","max_tokens":2000,"thinking":{"budget_tokens":5000}}`:              2000,
		`{"model":"m","thinking":{"type":"enabled","budget_tokens":5000},"messages":[]}`: 1088,
	} {
		call := read(t, messages, body)
		wanted := call.MaxOutput
		if wanted == 0 {
			wanted = 5000
		}
		if got := call.LeastOutput(wanted, 64); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

// TestAnthropicTexts yields what is read, system first.
func TestAnthropicTexts(t *testing.T) {
	body := `{"model":"m","system":[{"type":"text","text":"Be brief."}],"messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + strings.Repeat("A", 1000) + `"}}]}]}`
	for _, templated := range []bool{false, true} {
		call := read(t, messages, body)
		call.Templated = templated
		var all []string
		rest := call.Texts(func(text []byte) { all = append(all, string(text)) })
		if got := strings.Join(all, " "); !strings.Contains(got, "Be brief.") || !strings.Contains(got, "Look") || strings.Contains(got, "AAAA") {
			t.Errorf("templated %t: %q", templated, got)
		}
		if rest < 100 || rest > 1200 {
			t.Errorf("templated %t: the rest is %d", templated, rest)
		}
	}
}

func TestAnthropicErrors(t *testing.T) {
	for _, c := range []struct {
		fault  fault.Error
		status int
		kind   string
		again  string
	}{
		{fault.Error{Kind: fault.InvalidField, Public: "no"}, 400, "invalid_request_error", "false"},
		{fault.Error{Kind: fault.KeyInvalid, Public: "no"}, 401, "authentication_error", "false"},
		{fault.Error{Kind: fault.BudgetExceeded, Public: "no"}, 402, "billing_error", "false"},
		{fault.Error{Kind: fault.ModelDenied, Public: "no"}, 403, "permission_error", "false"},
		{fault.Error{Kind: fault.ModelNotFound, Public: "no"}, 404, "not_found_error", "false"},
		{fault.Error{Kind: fault.BodyTooLarge, Public: "no"}, 413, "request_too_large", "false"},
		{fault.Error{Kind: fault.RateLimited, Public: "no"}, 429, "rate_limit_error", ""},
		{fault.Error{Kind: fault.Internal, Public: "no", Err: errors.New("secret cause")}, 500, "api_error", ""},
		{fault.Error{Kind: fault.UpstreamUnavailable, Public: "no"}, 502, "api_error", ""},
		{fault.Error{Kind: fault.Overloaded, Public: "no"}, 503, "overloaded_error", ""},
		{fault.Error{Kind: fault.UpstreamTimeout, Public: "no"}, 504, "timeout_error", ""},
	} {
		w := httptest.NewRecorder()
		dialect.WriteError(w, llm.Anthropic, &c.fault, c.status, "req_1")
		want := map[string]any{"type": "error", "request_id": "req_1", "error": map[string]any{
			"type": c.kind, "message": "no", "code": string(c.fault.Kind),
		}}
		if diff := cmp.Diff(want, decode(t, w.Body.Bytes())); diff != "" || w.Code != c.status {
			t.Errorf("%s: %d\n%s", c.fault.Kind, w.Code, diff)
		}
		if h := w.Header(); h.Get("X-Should-Retry") != c.again || h.Get("Request-Id") != "req_1" {
			t.Errorf("%s: headers %v", c.fault.Kind, h)
		}
	}
	tap := dialect.NewTap(find(t, messages), dialect.Events, false)
	event := string(tap.Broken(fault.New(fault.UpstreamUnavailable, "It broke\noff."), "req_1"))
	if !strings.HasPrefix(event, "event: error\ndata: {\"type\":\"error\",") || strings.Count(event, "\n") != 3 {
		t.Errorf("%q", event)
	}
	if got := tapped(t, messages, event, true, false, 0); !got.failed {
		t.Errorf("%+v", got)
	}
}

func TestFormatOfARequest(t *testing.T) {
	version, key := http.Header{"Anthropic-Version": {"2023-06-01"}}, http.Header{"X-Api-Key": {"k"}}
	for _, c := range []struct {
		method, path string
		header       http.Header
		want         string // format, scope and path of the route
	}{
		{"POST", messages, nil, "anthropic chat.completions /v1/messages"},
		{"POST", "/anthropic/v1/messages", nil, "anthropic chat.completions /v1/messages"},
		{"POST", countTokens, nil, "anthropic tokens.count /v1/messages/count_tokens"},
		{"POST", "/anthropic" + countTokens, nil, "anthropic tokens.count /v1/messages/count_tokens"},
		{"GET", "/v1/models", nil, "openai models.list /v1/models"},
		{"GET", "/v1/models", version, "anthropic models.list /v1/models"},
		{"GET", "/v1/models", key, "anthropic models.list /v1/models"},
		{"GET", "/v1/models", http.Header{"X-Api-Key": {"k"}, "Authorization": {"Bearer k"}}, "openai models.list /v1/models"},
		{"GET", "/v1/models/claude-opus-5", version, "anthropic models.list /v1/models/{id}"},
		{"GET", "/anthropic/v1/models", nil, "anthropic models.list /v1/models"},
		{"GET", "/anthropic/v1/models/a/b", nil, "anthropic models.list /v1/models/{id}"},
		{"POST", chat, version, "openai chat.completions /v1/chat/completions"},
		{"GET", messages, nil, "anthropic: method_not_allowed"},
		{"POST", "/anthropic/v1/chat/completions", nil, "anthropic: not_found"},
		{"POST", "/anthropicv1/messages", nil, "openai: not_found"},
		{"POST", "/v1/messages/batches", nil, "anthropic: not_found"},
		{"DELETE", "/anthropic/v1/models", nil, "anthropic: method_not_allowed"},
		{"POST", "/openai/v1/chat/completions", version, "openai chat.completions /v1/chat/completions"},
		{"POST", "/openai/embeddings", nil, "openai embeddings.create /v1/embeddings"},
		{"GET", "/openai/models", key, "openai models.list /v1/models"},
		{"GET", "/openai/v1/models/gpt-4o", key, "openai models.list /v1/models/{id}"},
		{"POST", "/openai/v1/messages", nil, "openai: not_found"},
		{"POST", "/openai/deployments/d/chat/completions", version, "openai chat.completions /openai/deployments/{model}/chat/completions"},
		{"POST", "/openai/deployments/azure/d/completions", nil, "openai chat.completions /openai/deployments/{model}/completions"},
		{"POST", "/openai/deployments/d/embeddings", nil, "openai embeddings.create /openai/deployments/{model}/embeddings"},
		{"GET", "/openai/deployments/d/chat/completions", nil, "openai: method_not_allowed"},
		{"POST", "/openai/v1/deployments/d/chat/completions", nil, "openai: not_found"},
		{"POST", "/openai/chatbots/b/v1/chat/completions", nil, "openai: not_found"},
	} {
		format := dialect.FormatOf(c.path, c.header)
		got := string(format)
		r, err := dialect.Find(c.method, c.path, c.header)
		if err == nil {
			got = fmt.Sprint(r.Format, " ", r.Scope, " ", r.Path)
		} else {
			got += ": " + string(fault.Of(err).Kind)
		}
		if got != c.want || r != nil && r.Format != format {
			t.Errorf("%s %s %v: %s, want %s", c.method, c.path, c.header, got, c.want)
		}
	}
}

// TestQueryStaysHere passes on the one word that Anthropic's SDKs say there.
func TestQueryStaysHere(t *testing.T) {
	body := []byte(`{"model":"m","messages":[]}`)
	for query, want := range map[string]string{
		"": "", "beta=true": "beta=true", "beta=false": "", "key=secret": "", "beta=true&key=secret&x=%zz": "", "x=1&beta=true": "beta=true",
	} {
		call, err := dialect.Read(find(t, messages), &url.URL{RawQuery: query}, body)
		if err != nil || call.Query != want {
			t.Errorf("%q: %q, %v", query, call.Query, err)
		}
	}
	if call, err := dialect.Read(find(t, chat), &url.URL{RawQuery: "beta=true"}, body); err != nil || call.Query != "" {
		t.Errorf("OpenAI's: %q, %v", call.Query, err)
	}
}

func TestAnthropicModels(t *testing.T) {
	var all []dialect.ModelInfo
	for i := range 5 {
		all = append(all, dialect.ModelInfo{ID: fmt.Sprint("m", i), OwnedBy: "anthropic", Created: int64(i) * 86400})
	}
	all[1].Input, all[1].Output = 200_000, 64_000
	for query, want := range map[string]string{
		"":                         "m0 m1 m2 m3 m4 false",
		"limit=2":                  "m0 m1 true",
		"limit=5":                  "m0 m1 m2 m3 m4 false",
		"limit=2&after_id=m1":      "m2 m3 true",
		"limit=2&after_id=m2":      "m3 m4 false",
		"after_id=m4":              "false",
		"limit=2&before_id=m3":     "m1 m2 true",
		"limit=2&before_id=m2":     "m0 m1 false",
		"after_id=unknown&limit=1": "m0 true",
		"limit=0":                  "invalid_field", "limit=1001": "invalid_field", "limit=x": "invalid_field",
	} {
		body, err := dialect.ModelList(llm.Anthropic, all, query)
		if err != nil {
			if got := string(fault.Of(err).Kind); got != want {
				t.Errorf("%s: %v, want %s", query, err, want)
			}
			continue
		}
		var list struct {
			Data []struct {
				ID, Type, DisplayName string
				CreatedAt             string `json:"created_at"`
			}
			HasMore bool    `json:"has_more"`
			FirstID *string `json:"first_id"`
			LastID  *string `json:"last_id"`
		}
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		got := ""
		for _, m := range list.Data {
			got += m.ID + " "
			if m.Type != "model" || !strings.HasPrefix(m.CreatedAt, "1970-01-0") {
				t.Errorf("%+v", m)
			}
		}
		if got += fmt.Sprint(list.HasMore); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
		if n := len(list.Data); (list.FirstID == nil) != (n == 0) || n > 0 && (*list.FirstID != list.Data[0].ID || *list.LastID != list.Data[n-1].ID) {
			t.Errorf("%s: %s", query, body)
		}
	}
	want := `{"type":"model","id":"m1","display_name":"m1","created_at":"1970-01-02T00:00:00Z","max_input_tokens":200000,"max_tokens":64000}`
	if got := string(dialect.ModelBody(llm.Anthropic, all[1])); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
