package simulate

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestInputIsCountedFromDecodedTexts(t *testing.T) {
	chatAt := location{wire: chat{}, op: generate}
	message := func(content string) string {
		return `{"model":"m","messages":[{"role":"user","content":` + content + `}]}`
	}
	const around = beginTokens + messageTokens
	tests := []struct {
		name, body string
		want       int64
	}{
		{"empty", message(`""`), around},
		{"3 bytes", message(`"abc"`), around + 1},
		{"4 bytes", message(`"abcd"`), around + 1},
		{"5 bytes", message(`"abcde"`), around + 2},
		{"escapes", message(`"\n\"\\\t"`), around + 1},
		{"escaped letters", message(`"\u0061\u0062\u0063\u0064"`), around + 1},
		{"two and three bytes", message(`"\u00e9\u20ac"`), around + 2},
		{"a pair is four bytes", message(`"\ud83d\ude00"`), around + 1},
		{"quotes inside", message(`"a\"b\"c\"d\""`), around + 2},
		{"parts", message(`[{"type":"text","text":"abcd"},{"type":"text","text":"efgh"}]`), around + 2},
		{"a picture", message(`[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", 5000) + `"}}]`), around + mediaTokens},
		{"no messages", `{"model":"m","messages":[]}`, beginTokens},
		{"not counted", `{"model":"m","messages":[],"user":"` + strings.Repeat("x", 99) + `","metadata":{"a":["b"]}}`, beginTokens},
		{"white space", "\n { \"model\" : \"m\" , \"messages\" : [ { \"content\" : \"abcd\" } ] } \t", around + 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := readAsk([]byte(test.body), chatAt)
			if err != nil || a.input != test.want {
				t.Errorf("got %d tokens, %v; want %d", a.input, err, test.want)
			}
		})
	}
}

func TestLongTextsWithEscapesAreReadOnce(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"content":"` + strings.Repeat(`line\n`, 1<<20) + `"}]}`)
	a, err := readAsk(body, location{wire: chat{}, op: generate})
	if want := int64(5<<20)/4 + 6; err != nil || a.input != want {
		t.Errorf("got %d, %v, want %d", a.input, err, want)
	}
}

// FuzzReadAsk holds the count to its bound, and the reader to JSON's grammar where
// it says yes to what JSON refuses.
func FuzzReadAsk(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"user","content":"a\u00e9\n"}],"max_tokens":5,"n":2,"stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"m","prompt":[[1,2],[3]],"best_of":2}`, `{"model":"m","input":["a",["b"],1]}`,
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":3}}`, `{"a":[1,]}`, `{"a" 1}`, `[`, `{"a":"\ud800"}`, `{} x`,
	} {
		f.Add([]byte(body))
	}
	places := []location{
		{wire: chat{}, op: generate},
		{wire: text{}, op: complete},
		{wire: chat{}, op: embed},
		{wire: anthropic{}, op: count},
		{wire: gemini{}, op: generate, model: "m"},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, at := range places {
			a, err := readAsk(body, at)
			if err != nil {
				continue
			}
			if bound := int64(len(body)) + 256 + 16*int64(strings.Count(string(body), "{")); a.input < 0 || a.input > bound {
				t.Errorf("%d tokens counted in %d bytes", a.input, len(body))
			}
			if a.choices < 1 || a.charged < a.choices || a.limit < 0 {
				t.Errorf("got %+v", a)
			}
		}
		if json.Valid(body) && len(body) < maxDepth {
			s := scanner{b: body}
			if s.skip(); !s.end() {
				t.Errorf("valid JSON is refused: %q", body)
			}
		}
	})
}

func TestWordsAreTokens(t *testing.T) {
	whole := appendWords(nil, 0, 20_000)
	if n := len(strings.Fields(string(whole))); n != 20_000 {
		t.Errorf("%d words, want 20000", n)
	}
	var pieces []byte
	for i := int64(0); i < 20_000; i += 7 {
		pieces = appendWords(pieces, i, min(i+7, 20_000))
	}
	if string(pieces) != string(whole) {
		t.Error("pieces differ from the whole")
	}
	if got := string(appendWords(nil, 0, 0)); got != "" {
		t.Errorf("no tokens are %q", got)
	}
}
