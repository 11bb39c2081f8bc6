package dialect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

// parts is a chat request with one message of the given parts.
func parts(list string) string {
	return `{"model":"m","messages":[{"role":"user","content":[` + list + `]}]}`
}

const (
	inlineImage = `{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}`
	remoteImage = `{"type":"image_url","image_url":{"url":"https://example.com/cat.png"}}`
)

func TestMediaAreCounted(t *testing.T) {
	type media = dialect.Media
	for list, want := range map[string]media{
		`{"type":"text","text":"hello"},{"type":"refusal","refusal":"no"}`: {},
		`"hello"`:   {},
		inlineImage: {Images: 1, InlineBytes: 26},
		remoteImage: {RemoteImages: 1},
		inlineImage + "," + remoteImage + "," + remoteImage:                                                {Images: 1, RemoteImages: 2, InlineBytes: 26},
		`{"type":"image_url","image_url":"https://example.com/cat.png"}`:                                   {RemoteImages: 1},
		`{"type":"image_url","image_url":{}}`:                                                              {RemoteImages: 1},
		`{"image_url":{"url":"data:image/,"},"type":"image_url"}`:                                          {Images: 1, InlineBytes: 12},
		`{"type":"image_url","image_url":{"url":"data:image/a","url":"data:image/b"}}`:                     {Images: 2, InlineBytes: 24},
		`{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}`:                              {Audio: 1, InlineBytes: 4},
		`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,A"}}`:          {Files: 1, InlineBytes: 29},
		`{"type":"file","file":{"file_id":"file-1"}}`:                                                      {Files: 1},
		`{"type":"image_url","image_url":{"url":"data:application/pdf;base64,AAAA"}}`:                      {Files: 1, InlineBytes: 32},
		`{"type":"input_audio","input_audio":"x"},{"type":"input_audio","input_audio":{"data":{"x":"y"}}}`: {Audio: 2},
		`{"type":"video_url","video_url":{"url":"https://example.com/v"}}`:                                 {Others: 1},
		`{"type":"hologram","hologram":{}}`:                                                                {Others: 1},
		`{"type":"text","text":"x","type":"image_url"}`:                                                    {Others: 1},
		// A lenient parser may see an image in these.
		`{"type":"text","text":"x","image_url":{"url":"https://example.com/cat.png"}}`:           {RemoteImages: 1, Others: 1},
		`{"type":"text","text":"x","Image_URL":{"url":"https://example.com/cat.png"}}`:           {RemoteImages: 1, Others: 1},
		`{"type":"text","text":"x","image\u005furl":{"\u0075rl":"https://example.com/cat.png"}}`: {RemoteImages: 1, Others: 1},
		// What a part holds beside what its type says.
		`{"text":"x"}`:      {Others: 1},
		`{"type":null}`:     {Others: 1},
		`{"audio_url":{}}`:  {Others: 1},
		`{"type":"file"}`:   {Others: 1},
		`{"image_url":"u"}`: {RemoteImages: 1, Others: 1},
		`{"type":"text","text":"x","audio_url":{"url":"u"}}`:                                  {Others: 1},
		`{"type":"text","text":"x","audio_url":{},"video_url":{}}`:                            {Others: 2},
		`{"type":"image_url","image_url":"u","video_url":{}}`:                                 {RemoteImages: 1, Others: 1},
		`{"type":"image_url","image_url":"u","input_audio":{}}`:                               {RemoteImages: 1, Audio: 1, Others: 1},
		`{"type":"input_audio","input_audio":{},"image_url":"u","input_audio":{}}`:            {RemoteImages: 1, Audio: 2, Others: 1},
		`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}`:                     {},
		`{"type":"text","text":"x","image_url":null,"video_url":null,"cache_control":null}`:   {},
		`{"type":"image_url","image_url":"u","cache_control":{"type":"ephemeral"}}`:           {RemoteImages: 1},
		`{"type":"hologram","hologram":{},"image_url":{"url":"https://example.com/cat.png"}}`: {RemoteImages: 1, Others: 1},
	} {
		if got := read(t, chat, parts(list)).Media; got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", list, got, want)
		}
	}
	earlier := `{"model":"m","messages":[{"role":"assistant","audio":{"id":"audio_1"}},{"role":"assistant","audio":null,"content":null}]}`
	if got := read(t, chat, earlier).Media; got != (media{Others: 1}) {
		t.Errorf("an earlier spoken answer: %+v", got)
	}
	if got := read(t, embeddings, `{"model":"m","input":[{"image":"x"},"y"]}`).Media; got != (media{Others: 1}) {
		t.Errorf("an image to embed: %+v", got)
	}
}

func TestInputBound(t *testing.T) {
	const context = 100_000
	text := parts(`{"type":"text","text":"hello"}`)
	for _, c := range []struct {
		body    string
		figures dialect.Figures
		more    int64 // than bytes and templates
	}{
		{text, dialect.Figures{}, 0},
		{text, dialect.Figures{Image: 7, File: 7, Other: 7}, 0},
		{parts(inlineImage + "," + remoteImage), dialect.Figures{}, context},
		{parts(inlineImage + "," + remoteImage), dialect.Figures{Image: 1000}, 1000 + context},
		{parts(inlineImage + "," + remoteImage), dialect.Figures{Image: 1000, RemoteImage: 10}, 1010},
		{parts(`{"type":"hologram"},{"type":"hologram"}`), dialect.Figures{}, context},
		{parts(`{"type":"hologram"},{"type":"hologram"}`), dialect.Figures{Other: 50}, 100},
		{parts(`{"type":"hologram"},{"type":"file","file":{"file_data":"x"}}`), dialect.Figures{Other: 50}, 50 + context},
		{parts(`{"type":"input_audio","input_audio":{}}`), dialect.Figures{Audio: 9}, 9},
	} {
		call := read(t, chat, c.body)
		if got, want := call.InputBound(c.figures, context), int64(len(c.body))+256+16+c.more; got != want {
			t.Errorf("%s with %+v: %d, want %d", c.body, c.figures, got, want)
		}
	}
	if got := read(t, chat, parts(`{"type":"hologram"}`)).MediaBound(dialect.Figures{}, 0); got < 2_000_000 {
		t.Errorf("with an unknown context window: %d", got)
	}
	tools := `{"model":"m","tools":[{"type":"function"}]}`
	if got, want := read(t, chat, tools).InputBound(dialect.Figures{}, 0), int64(len(tools)+256+1024); got != want {
		t.Errorf("with tools: %d, want %d", got, want)
	}
}

func TestTextBoundLeavesMediaOut(t *testing.T) {
	with := read(t, chat, parts(inlineImage))
	if got, want := with.TextBound(), with.InputBound(dialect.Figures{}, 0)-with.MediaBound(dialect.Figures{}, 0)-26; got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

// texts are what Texts yields for body, and what it returns.
func texts(t *testing.T, path, body string) (list []string, rest int64) {
	rest = read(t, path, body).Texts(func(text []byte) { list = append(list, string(text)) })
	return list, rest
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		path, body string
		want       []string
	}{
		{chat, `{"model":"m","messages":[{"role":"user","content":"caf\u00e9\n"},{"role":"assistant","content":null}],"user":"u"}`, []string{"user", "café\n", "assistant"}},
		{chat, parts(`{"type":"text","text":"look"},` + inlineImage), []string{"user", "text", "look", "image_url"}},
		{chat, `{"model":"m","messages":[{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}]}`, []string{"f", `{"a":1}`}},
		{completions, `{"prompt":["a","","b"],"model":"m"}`, []string{"a", "b"}},
		{completions, `{"prompt":[1,2,3],"model":"m"}`, nil},
		{embeddings, `{"input":"a","model":"m"}`, []string{"a"}},
		{chat, `{"model":"m"}`, nil},
	} {
		if got, _ := texts(t, c.path, c.body); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.body, got, c.want)
		}
	}
}

func TestTextsAndRestBoundTheTokens(t *testing.T) {
	tools := `"tools":[{"type":"function","function":{"name":"f"}}]`
	_, bare := texts(t, chat, `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	_, more := texts(t, chat, `{"model":"m",`+tools+`,"messages":[{"role":"user","content":"x"}]}`)
	if more != bare+int64(len(tools))+1+1024 {
		t.Errorf("tools count %d, want their bytes and 1024", more-bare)
	}
	_, one := texts(t, completions, `{"model":"m","prompt":[1]}`)
	_, thousand := texts(t, completions, `{"model":"m","prompt":[`+strings.Repeat("100000,", 999)+`1]}`)
	if thousand-one != 999 {
		t.Errorf("999 more token ids count %d", thousand-one)
	}
	_, small := texts(t, chat, parts(inlineImage))
	_, large := texts(t, chat, parts(strings.Replace(inlineImage, "AAAA", strings.Repeat("A", 1<<20), 1)))
	if small != large {
		t.Errorf("the size of an image counts as text: %d and %d", small, large)
	}
	_, odd := texts(t, chat, fmt.Sprintf(`{"model":"m","messages":[{"%s":1}]}`, strings.Repeat("x", 100)))
	if odd < bare+90 {
		t.Errorf("a long name counts %d", odd-bare)
	}
}
