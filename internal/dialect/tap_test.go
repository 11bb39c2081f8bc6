package dialect_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/llm"
)

// seen is what a tap made of an answer.
type seen struct {
	relayed string
	tally   llm.Tally
	failed  bool
}

// tapped sends a stream or a document through a tap in pieces of size bytes; 0 =
// in one.
func tapped(t testing.TB, path, answer string, stream, hide bool, size int) seen {
	return tappedAs(t, path, answer, shape(stream), hide, size)
}

func shape(stream bool) dialect.Shape {
	if stream {
		return dialect.Events
	}
	return dialect.Document
}

// tappedAs sends an answer of any shape through a tap.
func tappedAs(t testing.TB, path, answer string, s dialect.Shape, hide bool, size int) seen {
	tap := dialect.NewTap(find(t, path), s, hide)
	var relayed bytes.Buffer
	buf := make([]byte, max(size, 1)) // used again, as a connection's reader does
	if size == 0 {
		relayed.Write(tap.Write([]byte(answer)))
	}
	for rest := answer; size > 0 && len(rest) > 0; {
		n := copy(buf, rest)
		relayed.Write(tap.Write(buf[:n]))
		rest = rest[n:]
	}
	tap.Ended()
	relayed.Write(tap.Close())
	return seen{relayed.String(), tap.Tally(), tap.Failed()}
}

// tappedAnyhow checks that the cuts do not matter, and gives what is seen.
func tappedAnyhow(t *testing.T, path, answer string, stream, hide bool) seen {
	t.Helper()
	whole := tapped(t, path, answer, stream, hide, 0)
	for _, size := range []int{1, 2, 3, 7, 64, 100} {
		if got := tapped(t, path, answer, stream, hide, size); got != whole {
			t.Fatalf("in pieces of %d bytes\n got %+v\nwant %+v", size, got, whole)
		}
	}
	return whole
}

// event is one event of a stream whose data is a chunk with these members.
func event(members string) string {
	return `data: {"id":"chatcmpl-7","object":"chat.completion.chunk","model":"gpt-4o-mini",` + members + "}\n\n"
}

const (
	begin     = `"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null`
	end       = `"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null`
	usageOnly = `"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4}}`
	done      = "data: [DONE]\n\n"
)

func words(list ...string) (stream string) {
	for _, w := range list {
		stream += event(`"choices":[{"index":0,"delta":{"content":"` + w + `"},"finish_reason":null}],"usage":null`)
	}
	return stream
}

var used = llm.Usage{Input: 8, CacheRead: 4, Output: 5}

func TestStream(t *testing.T) {
	text := event(begin) + words("Waves", " come", " and go, all day.") + event(end)
	tools := event(begin) +
		event(`"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"tide","arguments":""}}]},"finish_reason":null}]`) +
		event(`"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"at\""}}]},"finish_reason":null}]`) +
		event(`"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":\"noon\"}"}}]},"finish_reason":null}]`)
	last := event(`"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}`)
	reported := llm.Tally{Usage: used, Reported: true, Final: true, Finished: true, UpstreamID: "chatcmpl-7"}
	within := reported
	within.Final = false
	with := func(tally llm.Tally, tokens int64) llm.Tally { tally.Seen = tokens; return tally }
	for name, c := range map[string]struct {
		stream string
		want   llm.Tally
	}{
		"text":                 {text + event(usageOnly) + done, with(reported, 9)},
		"tools":                {tools + event(usageOnly) + done, with(reported, 5)},
		"usage in last chunk":  {text + last + done, with(within, 10)},
		"no usage":             {text + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7", Seen: 9}},
		"cut before the end":   {text, llm.Tally{UpstreamID: "chatcmpl-7", Seen: 9}},
		"cut in an event":      {text + event(usageOnly)[:80], llm.Tally{UpstreamID: "chatcmpl-7", Seen: 9}},
		"cut behind the JSON":  {text + strings.TrimRight(event(usageOnly), "\n"), with(llm.Tally{Usage: used, Reported: true, Final: true, UpstreamID: "chatcmpl-7"}, 9)},
		"done without newline": {text + event(usageOnly) + "data: [DONE]", with(reported, 9)},
		"usage twice":          {event(strings.Replace(usageOnly, "12", "1", 1)) + text + event(usageOnly) + done, with(reported, 9)},
		"usage, then zeros":    {text + event(usageOnly) + event(`"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`) + done, with(reported, 9)},
		"comments and pings":   {": ping\n\n" + strings.ReplaceAll(text, "\n\n", "\n: ping\n\nevent: ping\nretry: 100\nid\n\n") + ":\n\n\n" + event(usageOnly) + done, with(reported, 9)},
		"CRLF":                 {strings.ReplaceAll(text+event(usageOnly)+done, "\n", "\r\n"), with(reported, 9)},
		"CR":                   {strings.ReplaceAll(text+event(usageOnly)+done, "\n", "\r"), with(reported, 9)},
		"no space":             {strings.ReplaceAll(text+event(usageOnly)+done, "data: ", "data:"), with(reported, 9)},
		"spaced JSON":          {strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(text+event(usageOnly)) + done, with(reported, 9)},
		"several data lines":   {strings.ReplaceAll(text+event(usageOnly)+done, `,"model"`, ",\ndata: \"model\""), with(reported, 9)},
		"byte order mark":      {"\xef\xbb\xbf" + event(usageOnly) + done, reported},
		"nested usage":         {event(`"x":{"usage":{"prompt_tokens":9}},"choices":[{"usage":{"prompt_tokens":8}}]`) + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7"}},
		"usage in a text":      {words(`a\"usage`, `b\"usage\":{\"prompt_tokens\":1}`, `usage`) + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7", Seen: 2 + 8 + 2}},
		"broken JSON":          {event(begin) + "data: {\"usage\":{\"prompt_tokens\":1}\n\n" + event(usageOnly) + done, reported},
		"two choices at once":  {event(`"choices":[{"index":0,"delta":{"content":"abcdef"}},{"index":1,"delta":{"content":"ghij"}}]`) + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7", Seen: 3}},
		"completions":          {event(`"choices":[{"index":0,"text":"abcdef"}]`) + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7", Seen: 2}},
		"reasoning shown":      {event(`"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]`) + done, llm.Tally{Finished: true, UpstreamID: "chatcmpl-7", Seen: 1}},
		"gigantic event":       {words(strings.Repeat("x", 1<<20)) + event(usageOnly) + done, with(reported, 1<<18)},
		"empty":                {"", llm.Tally{}},
		"not a stream":         {`{"usage":{"prompt_tokens":1}}`, llm.Tally{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tappedAnyhow(t, chat, c.stream, true, false)
			if got.tally != c.want || got.failed {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
			if got.relayed != c.stream {
				t.Error("the stream was changed")
			}
		})
	}
}

func TestHideUsageDropsTheUsageChunkOnly(t *testing.T) {
	both := event(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}`)
	azure := `data: {"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}` + "\n\n"
	failure := `data: {"error":{"message":"x"},"choices":[],"usage":{"prompt_tokens":1}}` + "\n\n"
	ping := ": ping\n\n"
	for name, c := range map[string][2]string{
		"at the end":      {event(begin) + words("a") + event(usageOnly) + done, event(begin) + words("a") + done},
		"first":           {event(usageOnly) + words("a") + done, words("a") + done},
		"alone":           {event(usageOnly), ""},
		"twice":           {words("a") + event(usageOnly) + ping + event(usageOnly) + done, words("a") + ping + done},
		"with a choice":   {words("a") + both + done, words("a") + both + done},
		"null":            {azure + words("a") + done, azure + words("a") + done},
		"no choices":      {`data: {"usage":{"prompt_tokens":1}}` + "\n\n", `data: {"usage":{"prompt_tokens":1}}` + "\n\n"},
		"an error":        {words("a") + failure, words("a") + failure},
		"CRLF":            {strings.ReplaceAll(words("a")+event(usageOnly)+done, "\n", "\r\n"), strings.ReplaceAll(words("a")+done, "\n", "\r\n")},
		"CR":              {strings.ReplaceAll(words("a")+event(usageOnly)+done, "\n", "\r"), strings.ReplaceAll(words("a")+done, "\n", "\r")},
		"two lines":       {words("a") + strings.Replace(event(usageOnly), ",", ",\ndata: ", 1) + done, words("a") + done},
		"unended":         {words("a") + strings.TrimRight(event(usageOnly), "\n"), words("a")},
		"cut off":         {words("a") + event(usageOnly)[:60], words("a") + event(usageOnly)[:60]},
		"behind the end":  {words("a") + done + event(usageOnly), words("a") + done},
		"not a stream":    {`{"choices":[],"usage":{}}`, `{"choices":[],"usage":{}}`},
		"not of a stream": {`{"choices":[],"usage":{"prompt_tokens":1}}`, `{"choices":[],"usage":{"prompt_tokens":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tappedAnyhow(t, chat, c[0], true, true); got.relayed != c[1] {
				t.Errorf("relayed\n%s\nwant\n%s", got.relayed, c[1])
			}
		})
	}
}

func TestRelayIsWholeEvents(t *testing.T) {
	one, two := words("a"), words("b")
	for _, hide := range []bool{false, true} {
		tap := dialect.NewTap(find(t, chat), dialect.Events, hide)
		var relayed string
		for i, b := range []byte(one + two + one[:20]) {
			relayed += string(tap.Write([]byte{b}))
			want := ""
			if i+1 >= len(one) {
				want = one
			}
			if i+1 >= len(one+two) {
				want += two
			}
			if relayed != want {
				t.Fatalf("hide %t: after %d bytes %q was relayed", hide, i+1, relayed)
			}
		}
		if rest := tap.Close(); string(rest) != one[:20] {
			t.Errorf("hide %t: Close gives %q", hide, rest)
		}
	}
}

func TestFinalIsTheLastWord(t *testing.T) {
	counted := event(`"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":12,"completion_tokens":1}`)
	zeros := event(`"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`)
	for name, c := range map[string]struct {
		stream string
		want   bool
	}{
		"no usage":         {words("a") + done, false},
		"by itself":        {words("a") + event(usageOnly), true},
		"with a choice":    {counted + done, false},
		"with no choices":  {words("a") + `data: {"usage":{"prompt_tokens":1}}` + "\n\n", false},
		"both":             {counted + event(usageOnly) + done, true},
		"output behind it": {event(usageOnly) + words("a"), false},
		"twice behind it":  {words("a") + event(usageOnly) + words("a"), false},
		"counted behind":   {event(usageOnly) + counted, false},
		"zeros only":       {words("a") + zeros, false},
		"zeros behind it":  {event(usageOnly) + zeros + done, true},
	} {
		if got := tappedAnyhow(t, chat, c.stream, true, false).tally; got.Final != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestStreamThatFails(t *testing.T) {
	for _, failure := range []string{
		`data: {"error":{"message":"The server had an error","type":"server_error"}}` + "\n\n",
		`data: {"id":"x","error":{"code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}` + "\n\n",
		"event: error\ndata: overloaded\n\n",
	} {
		got := tappedAnyhow(t, chat, event(begin)+words("a")+failure, true, true)
		if !got.failed || got.tally.Finished {
			t.Errorf("%s: %+v", failure, got)
		}
	}
	if got := tappedAnyhow(t, chat, event(`"error":null,`+end)+done, true, true); got.failed {
		t.Errorf("error null: %+v", got)
	}
}

func TestEventsTooLargeAreRelayedUnseen(t *testing.T) {
	huge := words(strings.Repeat("x", 16<<20))
	stream := words("a") + huge + event(usageOnly) + done
	for _, size := range []int{0, 1 << 20} {
		got := tapped(t, chat, stream, true, true, size)
		if got.relayed != stream {
			t.Errorf("pieces of %d: the stream was changed", size)
		}
		if want := (llm.Tally{UpstreamID: "chatcmpl-7", Seen: 1}); got.tally != want {
			t.Errorf("pieces of %d: %+v", size, got.tally)
		}
	}
}

func TestJSONAnswer(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4}}`
	message := `"choices":[{"index":0,"message":{"role":"assistant","content":"Waves \"come\" and go.","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]`
	all := llm.Tally{Usage: used, Reported: true, Final: true, Finished: true, UpstreamID: "chatcmpl-9", Seen: 6}
	for name, c := range map[string]struct {
		path, answer string
		want         llm.Tally
	}{
		"usage last":     {chat, `{"id":"chatcmpl-9",` + message + `,` + usage + `}`, all},
		"usage first":    {chat, "\n{ " + usage + " , " + message + ` , "id" : "chatcmpl-9" }` + "\n", all},
		"usage twice":    {chat, `{"usage":{"prompt_tokens":1},"id":"chatcmpl-9",` + message + `,` + usage + `}`, all},
		"no usage":       {chat, `{"id":"chatcmpl-9",` + message + `}`, llm.Tally{Finished: true, UpstreamID: "chatcmpl-9", Seen: 6}},
		"usage null":     {chat, `{"id":"chatcmpl-9","usage":null}`, llm.Tally{Finished: true, UpstreamID: "chatcmpl-9"}},
		"usage nested":   {chat, `{"x":{"usage":{"prompt_tokens":1},"id":"y"},"z":[{"usage":{"prompt_tokens":1}}]}`, llm.Tally{Finished: true}},
		"usage a text":   {chat, `{"x":"usage","y":"\"usage\":{","z":["usage",{"prompt_tokens":1}]}`, llm.Tally{Finished: true}},
		"cut in usage":   {chat, `{"id":"chatcmpl-9",` + usage, llm.Tally{UpstreamID: "chatcmpl-9"}},
		"cut at the end": {chat, `{"id":"chatcmpl-9",` + message + `,` + usage + ` ,`, llm.Tally{Usage: used, Reported: true, Final: true, UpstreamID: "chatcmpl-9", Seen: 6}},
		"parts":          {chat, `{"choices":[{"message":{"content":[{"type":"text","text":"abcdefgh"}],"refusal":null,"x":"y"}}]}`, llm.Tally{Finished: true, Seen: 2}},
		"nothing said":   {chat, `{"choices":[{"message":{"content":null,"role":"assistant"}},{"text":7},{"content":"","x":"y"}]}`, llm.Tally{Finished: true}},
		"embeddings":     {embeddings, `{"object":"list","data":[{"embedding":[0.1,-2e-3],"text":"abc"}],"usage":{"prompt_tokens":8,"total_tokens":8}}`, llm.Tally{Usage: llm.Usage{Input: 8}, Reported: true, Final: true, Finished: true}},
		"id broken":      {chat, `{"id":"\u12","choices":[]}`, llm.Tally{Finished: true}},
		"escapes":        {chat, `{"a":"\\","b":"\\\"","id":"x\u0079\"z","c":"\u005c"}`, llm.Tally{Finished: true, UpstreamID: `xy"z`}},
		"id no text":     {chat, `{"id":7}`, llm.Tally{Finished: true}},
		"usage too long": {chat, `{"usage":{"prompt_tokens":1` + strings.Repeat(" ", 64<<10) + `},"id":"chatcmpl-9"}`, llm.Tally{Finished: true, UpstreamID: "chatcmpl-9"}},
		"empty":          {chat, ``, llm.Tally{}},
		"an array":       {chat, `[{"usage":{"prompt_tokens":1}}]`, llm.Tally{}},
		"HTML":           {chat, `<html>{"usage":{"prompt_tokens":1}}</html>`, llm.Tally{}},
		"an empty one":   {chat, ` {} `, llm.Tally{Finished: true}},
		"more behind it": {chat, `{"id":"a"}{"id":"b","usage":{"prompt_tokens":1}}`, llm.Tally{Finished: true, UpstreamID: "a"}},
		"unbalanced":     {chat, `{"id":"a"]]}`, llm.Tally{}},
		"no JSON":        {chat, `{not JSON: {"usage":{"prompt_tokens":1}}}`, llm.Tally{}},
		"a bracket":      {chat, `{"id":"chatcmpl-9"]`, llm.Tally{}},
		"a brace":        {chat, ` { `, llm.Tally{}},
		"a text":         {chat, `Bad gateway`, llm.Tally{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tappedAnyhow(t, c.path, c.answer, false, true)
			if got.tally != c.want || got.failed {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
			if got.relayed != c.answer {
				t.Error("the answer was changed")
			}
		})
	}
	if got := tappedAnyhow(t, chat, `{"error":{"message":"x"}}`, false, false); !got.failed {
		t.Error("an error is not seen")
	}
	if got := tappedAnyhow(t, chat, `{"error":null}`, false, false); got.failed {
		t.Error("an error is seen where there is none")
	}
}

func TestUsageClasses(t *testing.T) {
	for usage, want := range map[string]llm.Usage{
		`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}`:                                           {Input: 10, Output: 5},
		`{"prompt_tokens":8,"total_tokens":8}`:                                                                   {Input: 8},
		`{"prompt_tokens":10,"completion_tokens":0}`:                                                             {Input: 10},
		`{"completion_tokens":5,"total_tokens":15}`:                                                              {Input: 10, Output: 5},
		`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":3}}`:                      {Input: 3, CacheRead: 4, InputAudio: 3},
		`{"prompt_tokens":10,"prompt_tokens_details":null,"completion_tokens_details":null}`:                     {Input: 10},
		`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":11}}`:                                      {CacheRead: 10},
		`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":7}}`:                      {CacheRead: 3, InputAudio: 7},
		`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":-4}}`:                                      {Input: 10},
		`{"prompt_tokens":10,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}`:                          {Input: 4, CacheRead: 6},
		`{"completion_tokens":9,"prompt_tokens":1,"completion_tokens_details":{"reasoning_tokens":6}}`:           {Input: 1, Output: 9, Reasoning: 6},
		`{"completion_tokens":9,"prompt_tokens":1,"completion_tokens_details":{"reasoning_tokens":60}}`:          {Input: 1, Output: 9, Reasoning: 9},
		`{"completion_tokens":9,"prompt_tokens":1,"completion_tokens_details":{"audio_tokens":6}}`:               {Input: 1, Output: 3, OutputAudio: 6},
		`{"completion_tokens":9,"prompt_tokens":1,"completion_tokens_details":{"rejected_prediction_tokens":2}}`: {Input: 1, Output: 9},
		// Hidden reasoning that only the total tells of.
		`{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}`:                                                  {Input: 20, Output: 603, Reasoning: 405},
		`{"prompt_tokens":21,"completion_tokens":0,"total_tokens":81,"completion_tokens_details":{"reasoning_tokens":60}}`: {Input: 21, Output: 60, Reasoning: 60},
		// Sums that do not add up downwards.
		`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":3}`:       {Input: 10, Output: 5},
		`{"prompt_tokens":12.0,"completion_tokens":5.000}`:                  {Input: 12, Output: 5},
		`{"prompt_tokens":1000000000000,"completion_tokens":1}`:             {Input: 1_000_000_000_000, Output: 1},
		`{"prompt_tokens":5,"completion_tokens":1000000000001}`:             {Input: 5},
		`{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens":7}`:       {Input: 7, Output: 1},
		`{"prompt_tokens":5,"x":{"prompt_tokens":9},"y":[{"a":"b"}],"z":1}`: {Input: 5},
	} {
		got := tappedAnyhow(t, chat, `{"usage":`+usage+`}`, false, false).tally
		if !got.Reported || got.Usage != want {
			t.Errorf("%s:\n got %+v\nwant %+v", usage, got, want)
		}
	}
}

func TestUsageWithoutOutputIsInput(t *testing.T) {
	for usage, want := range map[string]llm.Usage{
		`{"total_tokens":8}`:                                                                            {Input: 8},
		`{"prompt_tokens":8,"total_tokens":8}`:                                                          {Input: 8},
		`{"prompt_tokens":5,"total_tokens":8}`:                                                          {Input: 8},
		`{"prompt_tokens":5,"completion_tokens":1,"total_tokens":8}`:                                    {Input: 8},
		`{"prompt_tokens":5,"completion_tokens":4,"total_tokens":8}`:                                    {Input: 9},
		`{"total_tokens":8,"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":2}}`:        {Input: 8},
		`{"prompt_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":2,"a":{"b":[]}}}`: {Input: 6, CacheRead: 2},
	} {
		got := tappedAnyhow(t, embeddings, `{"usage":`+usage+`}`, false, false).tally
		if !got.Reported || got.Usage != want {
			t.Errorf("%s:\n got %+v\nwant %+v", usage, got, want)
		}
	}
}

func TestUsageThatSaysNothing(t *testing.T) {
	for _, usage := range []string{
		`{}`, `null`, `7`, `"x"`, `[]`, `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`,
		`{"prompt_tokens":-1}`, `{"prompt_tokens":"12"}`, `{"prompt_tokens":1.5}`, `{"prompt_tokens":1e3}`,
		`{"prompt_tokens":1000000000001}`, `{"prompt_tokens":99999999999999999999}`, `{"prompt_tokens":12`, `{"input":1}`,
	} {
		if got := tapped(t, chat, `{"usage":`+usage+`}`, false, false, 0).tally; got.Reported {
			t.Errorf("%s: %+v", usage, got)
		}
	}
}

func TestOrdinaryChunksAreNotAllocatedFor(t *testing.T) {
	for _, hide := range []bool{false, true} {
		tap := dialect.NewTap(find(t, chat), dialect.Events, hide)
		chunk := []byte(chunkOf("a"))
		tap.Write(chunk)
		if n := testing.AllocsPerRun(1000, func() { tap.Write(chunk) }); n > 0 {
			t.Errorf("hide %t: %v allocations", hide, n)
		}
	}
}

func ExampleTap() {
	route, _ := dialect.Find("POST", "/v1/chat/completions", nil)
	tap := dialect.NewTap(route, dialect.Events, true)
	for _, piece := range []string{
		"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\ndata: {\"choi",
		"ces\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
	} {
		fmt.Print(string(tap.Write([]byte(piece))))
	}
	fmt.Print(string(tap.Close()))
	fmt.Println(tap.Tally().Usage.Total(), "tokens")
	// Output:
	// data: {"choices":[{"delta":{"content":"Hi"}}],"usage":null}
	//
	// data: [DONE]
	//
	// 10 tokens
}
