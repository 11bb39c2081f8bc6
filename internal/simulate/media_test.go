package simulate_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/simulate"
)

const responseBody = `{"model":"demo-mini","input":"Say this is a test"%s}`

func TestResponses(t *testing.T) {
	p, srv := serve(t, simulate.Options{Keep: true})
	v := object(t, post(t, srv, "/v1/responses", strings.Replace(responseBody, "%s", `,"max_output_tokens":20`, 1), "X-Simulate-Reasoning-Tokens: 5", "X-Simulate-Cached-Tokens: 4"))
	equal(t, v, "incomplete", "status")
	equal(t, v, chatTokens, "usage", "input_tokens")
	equal(t, v, 4, "usage", "input_tokens_details", "cached_tokens")
	equal(t, v, 20, "usage", "output_tokens")
	equal(t, v, 5, "usage", "output_tokens_details", "reasoning_tokens")
	if n := wordCount(at(v, "output", 1, "content", 0, "text")); n != 15 {
		t.Errorf("%d words", n)
	}
	if s := p.Served()[0]; s.InputTokens != chatTokens || s.OutputTokens != 20 || s.ReasoningTokens != 5 {
		t.Errorf("billed %+v", s)
	}

	all := events(t, post(t, srv, "/v1/responses", strings.Replace(responseBody, "%s", `,"stream":true`, 1), "X-Simulate-Chunks: 4"))
	text := ""
	for i, e := range all {
		equal(t, e, i, "sequence_number")
		delta, _ := e["delta"].(string)
		text += delta
	}
	last := all[len(all)-1]
	equal(t, last, "response.completed", "type")
	equal(t, last, text, "response", "output", 0, "content", 0, "text")
	equal(t, last, 32, "response", "usage", "output_tokens")

	if resp := post(t, srv, "/v1/responses", `{"model":"m"}`); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without an input: status %d", resp.StatusCode)
	}
}

func TestPicturesAndSpeech(t *testing.T) {
	p, srv := serve(t, simulate.Options{Keep: true})
	v := object(t, post(t, srv, "/v1/images/generations", `{"model":"gpt-image-2","prompt":"A cat","n":2}`))
	equal(t, v, 2*1056, "usage", "output_tokens")
	equal(t, v, "iVBORw0KGgo=", "data", 1, "b64_json")
	all := events(t, post(t, srv, "/v1/images/generations", `{"model":"gpt-image-2","prompt":"A cat","stream":true}`, "X-Simulate-Chunks: 2"))
	if len(all) != 3 {
		t.Errorf("%d events", len(all))
	}
	equal(t, all[2], 1056, "usage", "output_tokens")

	resp := post(t, srv, "/v1/audio/speech", `{"model":"tts-1","input":"Héllo"}`)
	sound, err := io.ReadAll(resp.Body)
	if err != nil || len(sound) == 0 || resp.Header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("%d bytes of %s: %v", len(sound), resp.Header.Get("Content-Type"), err)
	}
	all = events(t, post(t, srv, "/v1/audio/speech", `{"model":"gpt-4o-mini-tts","input":"Hello","stream_format":"sse"}`))
	equal(t, all[len(all)-1], 64, "usage", "output_tokens")
	object(t, post(t, srv, "/v1/moderations", `{"model":"m","input":["a","b"]}`))

	served := p.Served()
	for i, want := range []simulate.Served{
		{Images: 2, OutputTokens: 2 * 1056}, {Images: 1, OutputTokens: 1056}, {Characters: 5}, {Characters: 5, OutputTokens: 64}, {},
	} {
		if s := served[i]; s.Images != want.Images || s.Characters != want.Characters || s.OutputTokens != want.OutputTokens {
			t.Errorf("billed %+v, want %+v", s, want)
		}
	}
	for path, body := range map[string]string{
		"/v1/images/generations": `{"model":"gpt-image-2"}`, "/v1/audio/speech": `{"model":"tts-1","input":["a"]}`, "/v1/moderations": `{"input":"a"}`, "/v1/images/edits": `{}`,
	} {
		if resp := post(t, srv, path, body); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: status %d", path, body, resp.StatusCode)
		}
	}
}

func TestTranscriptions(t *testing.T) {
	p, srv := serve(t, simulate.Options{Keep: true})
	ask := func(fields ...string) *http.Response {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for i := 0; i < len(fields); i += 2 {
			_ = w.WriteField(fields[i], fields[i+1])
		}
		part, _ := w.CreateFormFile("file", "a.mp3")
		_, _ = part.Write([]byte("sound"))
		_ = w.Close() // memory does not fail
		return post(t, srv, "/v1/audio/transcriptions", b.String(), "Content-Type: "+w.FormDataContentType(), "X-Simulate-Seconds: 20")
	}
	v := object(t, ask("model", "whisper-1"))
	equal(t, v, "duration", "usage", "type")
	equal(t, v, 20, "usage", "seconds")
	v = object(t, ask("model", "gpt-4o-transcribe"))
	equal(t, v, 200, "usage", "input_token_details", "audio_tokens")
	all := events(t, ask("model", "gpt-4o-transcribe", "stream", "true"))
	equal(t, all[len(all)-1], "transcript.text.done", "type")
	equal(t, all[len(all)-1], 232, "usage", "total_tokens")
	if text, _ := io.ReadAll(ask("model", "whisper-1", "response_format", "vtt").Body); !bytes.HasPrefix(text, []byte("WEBVTT\n")) {
		t.Errorf("subtitles %q", text)
	}
	if s := p.Served(); s[0].Seconds != 20 || s[0].InputTokens != 0 || s[1].InputTokens != 200 || s[1].OutputTokens != 32 {
		t.Errorf("billed %+v", s)
	}
	if resp := post(t, srv, "/v1/audio/transcriptions", `{}`, "Content-Type: application/json"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("JSON: status %d", resp.StatusCode)
	}
}
