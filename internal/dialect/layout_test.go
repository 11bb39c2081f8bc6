package dialect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/dialect"
)

// anyJSON draws a value as Python would parse it: numbers are as written.
func anyJSON(t *rapid.T, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0, 1:
		return rapid.StringOfN(rapid.SampledFrom([]rune("ab\"\\\n\x01\b<&'/é한😀\u2028\ufffd")), 0, 12, -1).Draw(t, "text")
	case 2:
		return rapid.SampledFrom([]json.Number{"0", "-0", "7", "1e15", "-1e-15", "1.5", "12345678901234567890", "1E400", "1e0"}).Draw(t, "number")
	case 3:
		return rapid.Bool().Draw(t, "bool")
	case 4:
		return nil
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			list = append(list, anyJSON(t, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		m[rapid.SampledFrom([]string{"a", "type", "arguments", "text", "é<", "parameters", "image_url"}).Draw(t, "name")] = anyJSON(t, depth-1)
	}
	return m
}

// indented writes v as json.dumps(v, indent=4) does in Python, with all that the
// escapes of a template's tojson may be.
func indented(b *bytes.Buffer, v any, level int) {
	line := func(first bool) {
		if !first {
			b.WriteByte(',')
		}
		b.WriteString("\n" + strings.Repeat("    ", level+1))
	}
	end := func(n int) {
		if n > 0 {
			b.WriteString("\n" + strings.Repeat("    ", level))
		}
	}
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			line(i == 0)
			indented(b, e, level+1)
		}
		end(len(v))
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		first := true
		for name, e := range v {
			line(first)
			first = false
			indented(b, name, level+1)
			b.WriteString(": ")
			indented(b, e, level+1)
		}
		end(len(v))
		b.WriteByte('}')
	case json.Number:
		switch {
		case strings.ContainsAny(string(v), ".eE"):
			f, _ := v.Float64()
			if f > 1e300 {
				b.WriteString("Infinity")
			} else if s := fmt.Sprintf("%.1f", f); len(s) > 18 {
				b.WriteString(string(v))
			} else {
				b.WriteString(s)
			}
		case v == "-0":
			b.WriteString("-0.0")
		default:
			b.WriteString(string(v))
		}
	case string:
		text, _ := json.Marshal(v) // with <, > and & as escapes
		for _, r := range string(text) {
			switch {
			case r > 0xffff:
				b.WriteString(`\ud83d\ude00`)
			case r > 0x7e || r == '\'':
				fmt.Fprintf(b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
	default:
		text, _ := json.Marshal(v)
		b.Write(text)
	}
}

func compact(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func written(v any) int64 {
	var b bytes.Buffer
	indented(&b, v, 0)
	return int64(b.Len())
}

// templated reads a chat for a provider with templates.
func templated(t *rapid.T, body string) *dialect.Call {
	call, err := dialect.Read(chatRoute(t), nil, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	call.Templated = true
	return call
}

// counted is what Texts yields and returns, in bytes.
func counted(call *dialect.Call) int64 {
	yielded := 0
	rest := call.Texts(func(text []byte) { yielded += len(text) })
	return rest + int64(yielded)
}

// bare is what the bounds add to the bytes of any call with tools.
const bare = 256 + 1024

func TestTemplatedToolsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tools []any
		for range rapid.IntRange(1, 3).Draw(t, "tools") {
			tools = append(tools, map[string]any{"type": "function", "function": anyJSON(t, 6)})
		}
		body := `{"model":"m","tools":` + compact(tools) + `}`
		call, want := templated(t, body), written(tools)
		if got := call.InputBound(dialect.Figures{}, 0) - bare; got < want {
			t.Fatalf("%s\nis bounded by %d, but can be %d", body, got, want)
		}
		if got := call.Texts(func([]byte) {}) - bare; got < want {
			t.Fatalf("%s\nhas a rest of %d, but can be %d", body, got, want)
		}
	})
}

func TestTemplatedMessagesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := map[string]any{"tool_calls": anyJSON(t, 6), "role": "assistant"}
		arguments := anyJSON(t, 4)
		parsed := map[string]any{"function_call": map[string]any{"name": "f", "arguments": arguments}}
		asText := map[string]any{"function_call": map[string]any{"name": "f", "arguments": compact(arguments)}}
		body := `{"model":"m","messages":` + compact([]any{calls, asText}) + `}`
		call := templated(t, body)
		want := written(calls["tool_calls"]) + written(parsed)
		if got := call.InputBound(dialect.Figures{}, 0) - 256 - 2*16; got < want {
			t.Fatalf("%s\nis bounded by %d, but can be %d", body, got, want)
		}
		if got := counted(call) - 256 - 2*16; got < want {
			t.Fatalf("%s\nhas texts and a rest of %d, but can be %d", body, got, want)
		}
	})
}

func TestTemplatedCases(t *testing.T) {
	for _, c := range []struct {
		name, members string
		least         int64 // the bytes a template is known to make of it
	}{
		{"numbers", `"tools":[{"type":"function","x":[` + strings.Repeat("1e15,", 999) + `1e15]}]`, 1000 * (18 + 2 + 12)},
		{"letters", `"response_format":{"x":"` + strings.Repeat("한", 1000) + `"}`, 6000},
		{"letters of HTML", `"tools":[{"x":"` + strings.Repeat("<&>'", 250) + `"}]`, 6000},
		{"names", `"metadata":{"` + strings.Repeat("é&", 500) + `":1}`, 6000},
		{"control characters", `"tools":[{"x":"` + strings.Repeat(`\b`, 1000) + `"}]`, 6000},
		{"nesting", `"functions":[` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `]`, 4 * 500 * 499},
		{"arguments", `"messages":[{"tool_calls":[{"function":{"arguments":"[` + strings.Repeat("1e15,", 999) + `1e15]"}}]}]`, 1000 * (18 + 2 + 12)},
		{"not numbers", `"messages":[{"function_call":{"arguments":"[` + strings.Repeat("NaN,", 999) + `-Infinity]"}}]`, 1000 * (3 + 2 + 8)},
		{"arguments too deep", `"messages":[{"function_call":{"arguments":"` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `"}}]`, 4 * 900 * 899},
	} {
		call := read(t, chat, `{"model":"m",`+c.members+`}`)
		plain := call.InputBound(dialect.Figures{}, 0)
		call.Templated = true
		sum := counted(call)
		if got := call.InputBound(dialect.Figures{}, 0); got < c.least || sum < c.least || plain >= c.least {
			t.Errorf("%s: bounds %d and %d, %d without a template; want at least %d", c.name, got, sum, plain, c.least)
		}
	}
}

func TestTemplatesCostPlainTextsNothing(t *testing.T) {
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"user","content":"한 <b>\n","name":"é"}],"stream_options":{"x":[1,2]},"user":"é"}`,
		parts(`{"type":"text","text":"` + strings.Repeat("한", 500) + `"}`),
		parts(strings.Replace(inlineImage, "AAAA", strings.Repeat("A'<", 500), 1)),
	} {
		call := read(t, chat, body)
		plain, plainText := call.InputBound(dialect.Figures{}, 0), call.TextBound()
		call.Templated = true
		if got := call.InputBound(dialect.Figures{}, 0) - plain; got > 200 {
			t.Errorf("%.60s: %d more", body, got)
		}
		if got := call.TextBound() - plainText; got > 200 {
			t.Errorf("%.60s: %d more of text", body, got)
		}
	}
}

func TestTemplatedTexts(t *testing.T) {
	call := read(t, chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\nb"},"c"]},{"tool_calls":[{"id":"x"}],"content":"d"}]}`)
	call.Templated = true
	var got []string
	call.Texts(func(text []byte) { got = append(got, string(text)) })
	if want := "user|a\nb|c|d"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// length is the bytes of v in compact JSON, but for the quotes and escapes of
// strings.
func length(v any) (n int64) {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []any:
		for _, e := range v {
			n += 1 + length(e)
		}
		return max(n+1, 2)
	case map[string]any:
		for name, e := range v {
			n += 2 + int64(len(name)) + length(e)
		}
		return max(n+1, 2)
	}
	return int64(len(compact(v)))
}

func TestTextsAndRestCountEachByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var messages []any
		for range rapid.IntRange(1, 5).Draw(t, "messages") {
			messages = append(messages, map[string]any{"role": "assistant", "content": "x", "tool_calls": anyJSON(t, 5), "weight": json.Number("1e400")})
		}
		body := `{"model":"m","messages":` + compact(messages) + `}`
		call, err := dialect.Read(chatRoute(t), nil, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		got := counted(call)
		if want := length(any(messages)); got-256 < want {
			t.Fatalf("%s\ncounts %d, want at least %d", body, got-256, want)
		}
	})
}

func TestArgumentsThatAreNoTextAreNotFree(t *testing.T) {
	for _, value := range []string{
		"[" + strings.Repeat("123456789,", 999) + "0]", strings.Repeat("[", 400) + strings.Repeat("]", 400),
		`{"a":[` + strings.Repeat("{},", 999) + `{}]}`, `{"a":1` + strings.Repeat(`,"name":true`, 999) + `}`,
	} {
		body := `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":` + value + `}}]}]}`
		quotes := int64(strings.Count(value, `"`))
		if rest := read(t, chat, body).Texts(func([]byte) {}); rest < int64(len(value))-quotes {
			t.Errorf("%.60s: the rest is %d for %d bytes", value, rest, len(value))
		}
	}
	_, small := texts(t, completions, `{"model":"m","prompt":[1]}`)
	_, large := texts(t, completions, `{"model":"m","prompt":[`+strings.Repeat("1", 1000)+`]}`)
	if large < small+1000 {
		t.Errorf("a number that is no token id counts %d", large-small)
	}
}
