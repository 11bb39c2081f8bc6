package dialect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/dialect"
)

func TestRewrite(t *testing.T) {
	model := dialect.Edit{Model: "gpt-4o"}
	capped := dialect.Edit{MaxOutput: 64}
	completion := dialect.Edit{MaxOutput: 64, CapField: "max_completion_tokens"}
	usage := dialect.Edit{IncludeUsage: true}
	for _, c := range []struct {
		path, body string
		edit       dialect.Edit
		want       string
	}{
		{chat, `{"model":"m"}`, dialect.Edit{}, `{"model":"m"}`},
		{chat, ` { "a" : 1 , "model" : "m" } `, model, ` { "a" : 1 , "model" : "gpt-4o" } `},
		{chat, `{"model":"gpt\u002d4o"}`, model, `{"model":"gpt\u002d4o"}`},
		{chat, `{"mod\u0065l":"m"}`, model, `{"mod\u0065l":"gpt-4o"}`},
		{chat, `{"model":"m"}`, dialect.Edit{Model: "a\"b\\é"}, `{"model":"a\"b\\é"}`},

		{chat, `{"model":"m"}`, capped, `{"max_tokens":64,"model":"m"}`},
		{chat, "\n{\n \"model\":\"m\"}", capped, "\n{\"max_tokens\":64,\n \"model\":\"m\"}"},
		{chat, `{"model":"m"}`, dialect.Edit{MaxOutput: 64, CapField: "max_completion_tokens"}, `{"max_completion_tokens":64,"model":"m"}`},
		{chat, `{"model":"m"}`, dialect.Edit{MaxOutput: 64, CapField: "min_tokens"}, `{"max_tokens":64,"model":"m"}`},
		{chat, `{"model":"m","max_tokens": 100 }`, capped, `{"model":"m","max_tokens": 64 }`},
		{chat, `{"max_tokens":64,"model":"m"}`, capped, `{"max_tokens":64,"model":"m"}`},
		{chat, `{"max_completion_tokens":100,"model":"m"}`, capped, `{"max_tokens":64,"max_completion_tokens":64,"model":"m"}`},
		{chat, `{"max_completion_tokens":64,"model":"m"}`, capped, `{"max_tokens":64,"max_completion_tokens":64,"model":"m"}`},
		{chat, `{"max_completion_tokens":100,"model":"m"}`, completion, `{"max_completion_tokens":64,"model":"m"}`},
		{chat, `{"model":"m","max_tokens":100}`, completion, `{"model":"m","max_tokens":64}`},
		{chat, `{"model":"m","max_tokens":64}`, completion, `{"model":"m","max_tokens":64}`},
		{chat, `{"model":"m","max_tokens":null}`, completion, `{"max_completion_tokens":64,"model":"m","max_tokens":null}`},
		{completions, `{"model":"m"}`, completion, `{"max_tokens":64,"model":"m"}`},
		{completions, `{"model":"m","max_tokens":100}`, completion, `{"model":"m","max_tokens":64}`},
		{completions, `{"model":"m","max_completion_tokens":100}`, completion, `{"max_tokens":64,"model":"m","max_completion_tokens":64}`},
		{chat, `{"max_completion_tokens":100,"model":"m","max_tokens":100}`, capped, `{"max_completion_tokens":64,"model":"m","max_tokens":64}`},
		{chat, `{"max_completion_tokens":100,"model":"m","max_tokens":null}`, capped, `{"max_completion_tokens":64,"model":"m","max_tokens":64}`},
		{chat, `{"model":"m","max_tokens":null}`, capped, `{"model":"m","max_tokens":64}`},
		{chat, `{"model":"m","max_completion_tokens":null}`, capped, `{"max_tokens":64,"model":"m","max_completion_tokens":null}`},
		{embeddings, `{"model":"m"}`, capped, `{"model":"m"}`},

		{chat, `{"model":"m"}`, usage, `{"model":"m"}`},
		{chat, `{"model":"m","stream":false}`, usage, `{"model":"m","stream":false}`},
		{chat, `{"model":"m","stream":true}`, usage, `{"stream_options":{"include_usage":true},"model":"m","stream":true}`},
		{chat, `{"model":"m","stream":true,"stream_options":null}`, usage, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{chat, `{"model":"m","stream":true,"stream_options":{ }}`, usage, `{"model":"m","stream":true,"stream_options":{"include_usage":true }}`},
		{chat, `{"model":"m","stream":true,"stream_options":{"x":1}}`, usage, `{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}`},
		{chat, `{"stream_options":{"include_usage":false},"model":"m","stream":true}`, usage, `{"stream_options":{"include_usage":true},"model":"m","stream":true}`},
		{chat, `{"stream_options":{"include_usage": null },"model":"m","stream":true}`, usage, `{"stream_options":{"include_usage": true },"model":"m","stream":true}`},
		{chat, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`, usage, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{embeddings, `{"model":"m","stream":true}`, usage, `{"model":"m","stream":true}`},

		{chat, `{"model":"m","stream":true}`, dialect.Edit{Model: "x", MaxOutput: 1, IncludeUsage: true}, `{"max_tokens":1,"stream_options":{"include_usage":true},"model":"x","stream":true}`},
	} {
		call := read(t, c.path, c.body)
		got := call.Rewrite(c.edit)
		if string(got) != c.want {
			t.Errorf("%s with %+v:\n got %s\nwant %s", c.body, c.edit, got, c.want)
		}
		if joined := bytes.Join(call.Segments(c.edit, nil), nil); !bytes.Equal(joined, got) {
			t.Errorf("%s with %+v: the segments are %s", c.body, c.edit, joined)
		}
	}
}

func TestRewriteGivesTheBodyItselfWhenNothingChanges(t *testing.T) {
	body := []byte(`{"model":"m","max_tokens":5}`)
	call, err := dialect.Read(find(t, chat), nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if got := call.Rewrite(dialect.Edit{Model: "m", MaxOutput: 5, IncludeUsage: true}); &got[0] != &body[0] {
		t.Error("the body was copied")
	}
}

// member is one member of a body, as text.
func member(t *rapid.T, name string, values ...string) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t"})
	return fmt.Sprintf("%s%q%s:%s%s%s", space.Draw(t, "space"), name, space.Draw(t, "space"), space.Draw(t, "space"),
		rapid.SampledFrom(values).Draw(t, name), space.Draw(t, "space"))
}

// anyBody is a chat body that Read takes.
func anyBody(t *rapid.T) string {
	members := []string{member(t, "model", `"m"`, `"g\u0070t"`, `"a/b"`)}
	limit := rapid.SampledFrom([]string{"7", "1000000", "null"}).Draw(t, "cap")
	for name, values := range map[string][]string{
		"max_tokens": {limit, "null"}, "max_completion_tokens": {limit, "null"},
		"stream":         {"true", "false", "null"},
		"stream_options": {"null", "{}", `{"x":{}}`, `{"include_usage":false}`, `{ "x" : 1, "include_usage" : true }`, `{"include_usage":null,"y":"}"}`},
		"messages":       {"[]", `[{"role":"user","content":"\"max_tokens\": 5 \\"}]`},
		"user":           {`"\u00e9\\\""`, "1e400", "[[],{}]"},
	} {
		if rapid.Bool().Draw(t, "has "+name) {
			members = append(members, member(t, name, values...))
		}
	}
	return "{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), ",") + "}"
}

func decode(t interface{ Fatalf(string, ...any) }, body []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

// Rewriting and then decoding is decoding and then editing.
func TestRewriteIsTheEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(anyBody(t))
		call, err := dialect.Read(chatRoute(t), nil, body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		e := dialect.Edit{
			Model:        rapid.SampledFrom([]string{"", "m", "other \"one\""}).Draw(t, "model"),
			MaxOutput:    rapid.SampledFrom([]int64{0, 7, 99}).Draw(t, "max output"),
			CapField:     rapid.SampledFrom([]string{"", "max_tokens", "max_completion_tokens"}).Draw(t, "cap field"),
			IncludeUsage: rapid.Bool().Draw(t, "include usage"),
		}
		got := call.Rewrite(e)
		want := decode(t, body)
		edit(want, e)
		if diff := cmp.Diff(want, decode(t, got)); diff != "" {
			t.Fatalf("%s became %s:\n%s", body, got, diff)
		}
		again, err := dialect.Read(chatRoute(t), nil, got)
		if err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if second := again.Rewrite(e); !bytes.Equal(second, got) {
			t.Fatalf("%s became %s at the second time", got, second)
		}
	})
}

// edit does to a decoded body what e says.
func edit(m map[string]any, e dialect.Edit) {
	if e.Model != "" {
		m["model"] = e.Model
	}
	if e.MaxOutput > 0 {
		n := json.Number(fmt.Sprint(e.MaxOutput))
		none := m["max_tokens"] == nil && m["max_completion_tokens"] == nil
		if e.CapField != "max_completion_tokens" {
			m["max_tokens"] = n
		}
		if none && e.CapField == "max_completion_tokens" || m["max_completion_tokens"] != nil {
			m["max_completion_tokens"] = n
		}
		if m["max_tokens"] != nil {
			m["max_tokens"] = n
		}
	}
	if e.IncludeUsage && m["stream"] == true {
		options, _ := m["stream_options"].(map[string]any)
		if options == nil {
			options = map[string]any{}
			m["stream_options"] = options
		}
		options["include_usage"] = true
	}
}

func chatRoute(t interface{ Fatalf(string, ...any) }) *dialect.Route {
	r, err := dialect.Find("POST", chat, nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

// All that the edit does not name stays as it is, to the byte: what is left of
// the result without the new pieces is the body without the replaced ones.
func TestSegmentsKeepTheCallersBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(anyBody(t))
		call, err := dialect.Read(chatRoute(t), nil, body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		at := 0
		for _, s := range call.Segments(dialect.Edit{Model: "new", MaxOutput: 99, IncludeUsage: true}, nil) {
			if from := offset(body, s); from >= 0 {
				if from < at || !plain(body[at:from]) {
					t.Fatalf("%s: %q was replaced", body, body[at:from])
				}
				at = from + len(s)
			}
		}
		if at != len(body) {
			t.Fatalf("%s: ends at %d", body, at)
		}
	})
}

// offset is where part lies in the memory of body, -1 if elsewhere.
func offset(body, part []byte) int {
	for i := range body {
		if len(part) > 0 && &body[i] == &part[0] {
			return i
		}
	}
	return -1
}

// plain reports whether replaced text is one of the values that may be.
func plain(b []byte) bool {
	switch string(b) {
	case "", `"m"`, `"g\u0070t"`, `"a/b"`, "7", "1000000", "null", "false":
		return true
	}
	return false
}
