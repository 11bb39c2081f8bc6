package dialect_test

import (
	"errors"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	moderations = "/v1/moderations"
	generations = "/v1/images/generations"
	speech      = "/v1/audio/speech"
)

func TestModerationsNeedNoModel(t *testing.T) {
	for body, want := range map[string]string{
		`{"input":"Hi"}`: `{"model":"other","input":"Hi"}`,
		`{}`:             `{"model":"other"}`,
		`{"model":"omni-moderation-2024-09-26","input":["a",{"type":"text","text":"b"}]}`: `{"model":"other","input":["a",{"type":"text","text":"b"}]}`,
	} {
		call := read(t, moderations, body)
		if call.Model != "omni-moderation-latest" && call.Model != "omni-moderation-2024-09-26" {
			t.Errorf("%s asks for %q", body, call.Model)
		}
		if got := string(call.Rewrite(dialect.Edit{Model: "other", MaxOutput: 5})); got != want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
}

func TestPicturesAreRead(t *testing.T) {
	call := read(t, generations, `{"model":"m","prompt":"A cat","n":3,"size":"1024x1792","quality":"hd","stream":true,"background":"transparent"}`)
	if call.Choices != 3 || call.Size != "1024x1792" || call.Quality != "hd" || !call.Stream || call.Override != "" {
		t.Errorf("read %+v", call)
	}
	if plain := read(t, generations, `{"model":"m","prompt":"A cat","n":null,"size":null}`); plain.Choices != 1 || plain.Size != "" {
		t.Errorf("read %+v", plain)
	}
	if got := read(t, generations, `{"model":"m","prompt":"A cat","novelty":1}`).Override; got != "novelty" {
		t.Errorf("override %q", got)
	}
	for member, want := range map[string]string{
		`"output_format":"png"`: "", `"output_format":null`: "", `"output_format":"svg"`: "output_format", `"output_format":"gif"`: "output_format", `"svg":null`: "", `"frame_count":9`: "frame_count",
	} {
		call := read(t, generations, `{"model":"m","prompt":"A cat",`+member+`}`)
		if call.Override != want || (call.Extra != "") != (want == "output_format") {
			t.Errorf("%s: override %q, extra %q", member, call.Override, call.Extra)
		}
	}
	if got := string(call.Rewrite(dialect.Edit{MaxOutput: 5, IncludeUsage: true})); got != `{"model":"m","prompt":"A cat","n":3,"size":"1024x1792","quality":"hd","stream":true,"background":"transparent"}` {
		t.Errorf("became %s", got)
	}
}

func TestSpeechIsRead(t *testing.T) {
	for body, want := range map[string]int64{
		`{"model":"m","voice":"alloy","input":"Hello"}`:                   5,
		`{"model":"m","voice":"alloy","input":""}`:                        0,
		`{"model":"m","voice":"alloy","input":"h\u00e9llo \ud83d\ude00"}`: 7,
		`{"model":"m","voice":"alloy","input":"héllo 😀"}`:                 7,
	} {
		call := read(t, speech, body)
		if call.Characters != want || call.Stream || call.Override != "" {
			t.Errorf("%s: %d characters, want %d", body, call.Characters, want)
		}
	}
	if !read(t, speech, `{"model":"m","input":"Hello","stream_format":"sse"}`).Stream {
		t.Error("it streams")
	}
	if read(t, speech, `{"model":"m","input":"Hello","stream_format":"audio"}`).Stream {
		t.Error("it does not stream")
	}
}

func TestMediaThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		path, body string
		kind       fault.Kind
	}{
		{speech, `{"model":"m","input":["Hello"]}`, fault.InvalidField},
		{speech, `{"model":"m","input":null}`, fault.InvalidField},
		{speech, `{"model":"m","input":"a","Input":"b"}`, fault.DuplicateField},
		{generations, `{"model":"m","prompt":"a","n":0}`, fault.InvalidField},
		{generations, `{"model":"m","prompt":"a","size":5}`, fault.InvalidField},
		{generations, `{"model":"m","prompt":"a","svg":{"model":"other"}}`, fault.InvalidField},
		{generations, `{"prompt":"a"}`, fault.InvalidField},
		{generations, `{"model":"m","prompt":"a","Quality":"hd"}`, fault.DuplicateField},
	} {
		if _, err := dialect.Read(find(t, c.path), nil, []byte(c.body)); !errors.Is(err, c.kind) {
			t.Errorf("%s %s: %v, want %s", c.path, c.body, err, c.kind)
		}
	}
}

// A stream of several pictures has come to its end with the last of them.
func TestSeveralPicturesInAStream(t *testing.T) {
	one := "event: image_generation.completed\ndata: " + `{"type":"image_generation.completed","b64_json":"AAAA","usage":{"input_tokens":5,"input_tokens_details":{"text_tokens":5,"image_tokens":0},"output_tokens":100,"total_tokens":105}}` + "\n\n"
	tap := dialect.NewTap(find(t, generations), dialect.Events, false)
	tap.Expect(2)
	tap.Write([]byte(one))
	if got := tap.Tally(); got.Finished || got.Images != 1 {
		t.Errorf("behind one of two: %+v", got)
	}
	tap.Write([]byte(one))
	want := llm.Tally{Usage: llm.Usage{Input: 10, OutputAudio: 200}, Reported: true, Finished: true, Final: true, Images: 2}
	if got := tap.Tally(); got != want {
		t.Errorf("behind both: %+v, want %+v", got, want)
	}
}

func TestWhoHasWhat(t *testing.T) {
	for path, kinds := range map[string]map[string]bool{
		moderations: {"openai": true, "custom": true, "demo": true, "azure": false, "google": false, "huggingface": false},
		generations: {"openai": true, "custom": true, "demo": true, "azure": true, "google": false, "huggingface": false, "anthropic": false},
		speech:      {"openai": true, "custom": true, "demo": true, "azure": true, "google": false, "cohere": false},
	} {
		for kind, want := range kinds {
			if find(t, path).Speaks(kind) != want {
				t.Errorf("%s of %s: %t", path, kind, !want)
			}
		}
	}
}
