package dialect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/llm"
)

// TestASessionIsReadAsItIsSentOn: what the provider gets says the same, but for what
// it must not do by itself.
func TestASessionIsReadAsItIsSentOn(t *testing.T) {
	for body, want := range map[string]struct {
		most    int64
		answers int8
		sent    string
	}{
		`{"session":{}}`: {-1, -1, `{"session":{}}`},
		`{}`:             {-1, -1, `{"session":{}}`},
		`{"session":{"max_output_tokens":"inf","instructions":"a<b","x":[1.0]}}`:                              {0, -1, `{"session":{"instructions":"a<b","max_output_tokens":"inf","x":[1.0]}}`},
		`{"session":{"max_response_output_tokens":7,"turn_detection":null}}`:                                  {7, 0, `{"session":{"max_response_output_tokens":7,"turn_detection":null}}`},
		`{"session":{"turn_detection":{"type":"server_vad","idle_timeout_ms":5000}}}`:                         {-1, 1, `{"session":{"turn_detection":{"create_response":false,"type":"server_vad"}}}`},
		`{"session":{"audio":{"output":{"voice":"a"},"input":{"turn_detection":{"create_response":true}}}}}`:  {-1, 1, `{"session":{"audio":{"input":{"turn_detection":{"create_response":false}},"output":{"voice":"a"}}}}`},
		`{"session":{"audio":{"input":{"turn_detection":{"create_response":true,"create_response":false}}}}}`: {-1, 0, `{"session":{"audio":{"input":{"turn_detection":{"create_response":false}}}}}`},
		`{"session":{"turn_detection":null,"turn_detection":{"type":"semantic_vad"}}}`:                        {-1, 1, `{"session":{"turn_detection":{"create_response":false,"type":"semantic_vad"}}}`},
		`{"session":{"tools":[{"type":"mcp","type":"function"}]}}`:                                            {-1, -1, `{"session":{"tools":[{"type":"function"}]}}`},
	} {
		s, err := dialect.ReadSession([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		var got, sent any
		if json.Unmarshal(s.Session(), &got) != nil || json.Unmarshal([]byte(want.sent), &sent) != nil || s.MaxOutput != want.most || s.Answers != want.answers {
			t.Errorf("%s: %+v", body, s)
		}
		if a, b := mustJSON(t, got), mustJSON(t, sent); a != b {
			t.Errorf("%s: %s, want %s", body, a, b)
		}
	}
	for _, body := range []string{
		`{"session":1}`, `{"Session":{}}`, `{"session":{"Audio":{}}}`, `{"session":{"audio":{"Input":{}}}}`, `{"session":{"audio":1}}`, `{"session":{"turn_detection":true}}`,
		`{"session":{"audio":{"input":{"turn_detection":{"Create_Response":true}}}}}`, `{"session":{"max_output_tokens":0}}`, `{"session":{"max_output_tokens":1.5}}`,
		`{"session":{"max_output_tokens":"a"}}`, `{"session":{"type":"transcription"}}`, `{"session":{"tools":{}}}`, `{"session":{"tools":[1]}}`, `{"session":{"tools":[{"Type":"mcp"}]}}`,
		`{"session":{"model":1}}`, `{"session":{"input_audio_transcription":{}}}`, `[]`, `{`,
	} {
		if s, err := dialect.ReadSession([]byte(body)); err == nil {
			t.Errorf("%s is taken for %+v", body, s)
		}
	}
	s, err := dialect.ReadCreate([]byte(`{"response":{"max_output_tokens":"inf","metadata":{"a":"b"},"conversation":"none","prompt":{"id":"p"},"tools":[{"type":"mcp"}]}}`))
	if err != nil || !s.Apart || !s.Refers || s.Extra == "" || s.MaxOutput != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := string(s.Create(9, false)); !strings.Contains(got, `"max_output_tokens":9`) || strings.Contains(got, "inf") || !strings.Contains(got, `"metadata":{"a":"b"}`) {
		t.Error(got)
	}
	if got := string(s.Create(9, true)); !strings.Contains(got, `"max_response_output_tokens":9`) || strings.Contains(got, `"max_output_tokens"`) {
		t.Error(got)
	}
}

func mustJSON(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestWhatASessionMustBeAskedFor: nothing, where the provider waits to be asked.
func TestWhatASessionMustBeAskedFor(t *testing.T) {
	for session, want := range map[string]string{
		`{"type":"realtime","instructions":"x","audio":{"input":{"format":{},"turn_detection":{"type":"server_vad","create_response":true}},"output":{}}}`: `{"session":{"audio":{"input":{"turn_detection":{"create_response":false,"type":"server_vad"}}},"type":"realtime"}}`,
		`{"turn_detection":{"type":"server_vad"},"tools":[]}`:              `{"session":{"turn_detection":{"create_response":false,"type":"server_vad"}}}`,
		`{"turn_detection":null}`:                                          "",
		`{"audio":{"input":{"turn_detection":{"create_response":false}}}}`: "",
		`{"audio":{"input":{}}}`:                                           "",
	} {
		s, _, err := dialect.ReadCreated([]byte(session))
		got := ""
		if s != nil {
			got = string(s.Session())
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v", session, got, err)
		}
	}
	for _, session := range []string{`null`, `1`, `{"audio":{"Input":{"turn_detection":{}}}}`} {
		if s, _, err := dialect.ReadCreated([]byte(session)); err == nil {
			t.Errorf("%s is taken for %+v", session, s)
		}
	}
}

func TestSpokenUsage(t *testing.T) {
	for raw, want := range map[string]llm.Usage{
		`{"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,"audio_tokens":13,"image_tokens":0,"cached_tokens":64,"cached_tokens_details":{"text_tokens":64,"audio_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":91}}`: {Input: 55, CacheRead: 64, InputAudio: 13, Output: 30, OutputAudio: 91},
		`{"input_tokens":100,"output_tokens":1,"input_token_details":{"text_tokens":20,"audio_tokens":80,"cached_tokens":60,"cached_tokens_details":{"text_tokens":10,"audio_tokens":50}}}`:                                                                                                   {Input: 10, CacheRead: 60, InputAudio: 30, Output: 1},
		`{"type":"tokens","total_tokens":22,"input_tokens":13,"input_token_details":{"text_tokens":0,"audio_tokens":13},"output_tokens":9}`:                                                                                                                                                   {InputAudio: 13, Output: 9},
		`{"type":"duration","seconds":4.2}`: {Seconds: 5},
		`{"input_tokens":5,"output_tokens":0,"input_token_details":{"audio_tokens":50,"cached_tokens":70}}`: {CacheRead: 5},
	} {
		got, ok := dialect.SpokenUsage([]byte(raw))
		if !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", raw, got, ok, want)
		}
		if got.Total() > 0 && got.Total() != want.Total() {
			t.Errorf("%s: %d tokens", raw, got.Total())
		}
	}
	for _, raw := range []string{"", "null", "{}", "1", `{"type":"duration"}`, `{"type":"duration","seconds":-1}`, `{"type":"duration","seconds":1e30}`, `{"input_tokens":-4,"output_tokens":-4}`, `{"input_tokens":"a"}`} {
		if got, ok := dialect.SpokenUsage([]byte(raw)); ok {
			t.Errorf("%s is taken for %+v", raw, got)
		}
	}
}

// FuzzSession: whatever a caller sends, the provider is never told to answer by
// itself, in a session that is read here as one that does not.
func FuzzSession(f *testing.F) {
	f.Add([]byte(`{"session":{"turn_detection":{"type":"server_vad"},"audio":{"input":{"turn_detection":{"create_response":true}}}}}`))
	f.Add([]byte(`{"session":{"audio":{"input":{"turn_detection":null}},"audio":{"input":{"turn_detection":{}}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := dialect.ReadSession(body)
		if err != nil {
			return
		}
		type detection struct {
			Create *bool `json:"create_response"`
			Idle   any   `json:"idle_timeout_ms"`
		}
		var sent struct {
			Session struct {
				Flat  *detection `json:"turn_detection"`
				Audio struct {
					Input struct {
						Deep *detection `json:"turn_detection"`
					}
				}
			}
		}
		if err := json.Unmarshal(s.Session(), &sent); err != nil {
			t.Skip() // of types that only the provider would refuse
		}
		for _, d := range []*detection{sent.Session.Flat, sent.Session.Audio.Input.Deep} {
			if d != nil && (d.Create == nil || *d.Create || d.Idle != nil) {
				t.Fatalf("%q: %s", body, s.Session())
			}
		}
		if again, err := dialect.ReadSession(s.Session()); err != nil || again.MaxOutput != s.MaxOutput {
			t.Fatalf("%q: %s: %v", body, s.Session(), err)
		}
	})
}
