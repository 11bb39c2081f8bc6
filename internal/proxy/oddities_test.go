package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
)

// chunk is an event of a stream with text; usage is put behind the choices.
func chunk(text, usage string) string {
	return fmt.Sprintf("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]%s}\n\n", text, usage)
}

func usageOf(prompt, completion int64) string {
	return fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, prompt, completion, prompt+completion)
}

// streams answers with events; broken breaks the connection after them.
func streams(broken bool, events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = io.WriteString(w, e)
			_ = http.NewResponseController(w).Flush()
		}
		if broken {
			panic(http.ErrAbortHandler)
		}
	}
}

// says answers with a whole body.
func says(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

const done = "data: [DONE]\n\n"

// TestOddAnswers are answers that real providers give now and then, under a hard
// budget: what may have been charged must be booked.
func TestOddAnswers(t *testing.T) {
	text := strings.Repeat("word ", 8)
	for _, c := range []struct {
		name    string
		stream  bool
		answer  http.HandlerFunc
		outcome string
		output  int64 // booked; -1 = more than none
	}{
		{"usage in every chunk", true, streams(false, chunk(text, usageOf(10, 8)), chunk(text, usageOf(10, 16)), done), "settled", 16},
		{"usage in every chunk, then broken", true, streams(true, chunk(text, usageOf(10, 8)), chunk(text, usageOf(10, 16))), "unconfirmed", outputCap},
		{"usage in every chunk, then closed", true, streams(false, chunk(text, usageOf(10, 8)), chunk(text, usageOf(10, 16))), "unconfirmed", outputCap},
		{"closed without an end", true, streams(false, chunk(text, "")), "unconfirmed", outputCap},
		{"nothing", true, streams(false), "unconfirmed", outputCap},
		{"an end and no usage", true, streams(false, chunk(text, ""), done), "estimated", -1},
		{"usage of nothing", true, streams(false, chunk(text, usageOf(0, 0)), done), "estimated", -1},
		{"negative usage", true, streams(false, chunk(text, usageOf(-5_000_000, -5_000_000)), done), "estimated", -1},
		{"usage beyond all bounds", true, streams(false, chunk(text, usageOf(9e18, 9e18)), done), "estimated", -1},
		{"more than was held", true, streams(false, chunk(text, usageOf(10, 5000)), done), "settled", 5000},
		{"a stream to a plain request", false, streams(false, chunk(text, usageOf(10, 16)), done), "settled", 16},
		{"a document to a stream", true, says("application/json", `{"id":"x","choices":[{"message":{"content":"hi"}}]`+usageOf(10, 7)+`}`), "settled", 7},
		{"usage first, then broken", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":"x"`+usageOf(10, 7)+`,"choices":[{"message":{"content":"hi`)
		}, "settled", 7},
		{"an empty body", false, says("application/json", ""), "unconfirmed", outputCap},
		{"a web page", false, says("text/html", "<html>"+text+"</html>"), "unconfirmed", outputCap},
		{"no JSON", false, says("application/json", "{\"choices\":[{\"message\":{\"content\":\""+text), "unconfirmed", outputCap},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, nil)
			key := g.key(limitedBy("budget"))
			g.provider.answers(c.answer)
			g.do(ask{key: key.SecretKey, stream: c.stream, max: outputCap})
			row := g.row(key.APIKey.ID)
			if row.Outcome != c.outcome || (c.output >= 0 && row.OutputTokens != c.output) || (c.output < 0 && row.OutputTokens <= 0) {
				t.Errorf("%s with %d output tokens, not %s with %d", row.Outcome, row.OutputTokens, c.outcome, c.output)
			}
			if row.InputTokens <= 0 || nano(t, row.CostUSD) <= 0 {
				t.Errorf("booked is %+v", row)
			}
			g.reconciled(key, []api.UsageRow{row})
		})
	}
}

// TestLargeAnswers are too large to be kept back until their end. One that breaks
// off must not look like a whole one.
func TestLargeAnswers(t *testing.T) {
	body := `{"id":"x","choices":[{"message":{"content":"` + strings.Repeat("word ", 600_000) + `"}}]` + usageOf(10, 40) + `}`
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprintf("broken=%t", broken), func(t *testing.T) {
			g := open(t, nil)
			key := g.key(limitedBy("budget"))
			g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if !broken {
					_, _ = io.WriteString(w, body)
					return
				}
				_, _ = io.WriteString(w, body[:len(body)/2])
				panic(http.ErrAbortHandler)
			})
			r := g.do(ask{key: key.SecretKey, max: outputCap})
			row := g.row(key.APIKey.ID)
			switch {
			case !broken && (r.body != body || r.err != nil || row.Outcome != "settled" || row.OutputTokens != 40):
				t.Errorf("%d of %d bytes, %v, booked %+v", len(r.body), len(body), r.err, row)
			case broken && row.Outcome != "unconfirmed":
				t.Errorf("booked %+v", row)
			case broken && r.err == nil:
				t.Errorf("half a document ends like a whole one, with %q", r.body[len(r.body)-min(200, len(r.body)):])
			}
		})
	}
}

// TestHiddenUsage asks whether the chunk with the usage is dropped where the
// caller did not ask for it, and only there.
func TestHiddenUsage(t *testing.T) {
	g := open(t, nil)
	key := g.key(hard())
	for _, c := range []struct {
		name, body string
		shown      bool
	}{
		{"not asked for", chat("demo-large", true, 20), false},
		{"refused", strings.Replace(chat("demo-large", true, 20), "{", `{"stream_options":{"include_usage":false},`, 1), false},
		{"asked for", strings.Replace(chat("demo-large", true, 20), "{", `{"stream_options":{"include_usage":true},`, 1), true},
	} {
		r := g.do(ask{key: key.SecretKey, body: c.body})
		if shown := strings.Contains(r.body, `"prompt_tokens"`); shown != c.shown || !r.complete(true) {
			t.Errorf("%s: usage shown: %t, complete: %t", c.name, shown, r.complete(true))
		}
		if !c.shown && strings.Contains(r.body, `"choices":[]`) {
			t.Errorf("%s: a chunk without choices is left: %s", c.name, r.body)
		}
		if r.header.Get("X-Tollgate-Cost-Usd") != "" {
			t.Errorf("%s: a stream says its cost before it is known", c.name)
		}
	}
	for _, row := range g.rows(key.APIKey.ID) {
		if row.Outcome != "settled" || !row.Stream {
			t.Errorf("booked %+v", row)
		}
	}
	if r := g.do(ask{key: key.SecretKey, max: 20}); r.header.Get("X-Tollgate-Cost-Usd") != g.rows(key.APIKey.ID)[0].CostUSD {
		t.Errorf("the answer cost %q, booked is %q", r.header.Get("X-Tollgate-Cost-Usd"), g.rows(key.APIKey.ID)[0].CostUSD)
	}
}
