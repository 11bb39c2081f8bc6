package dialect

import (
	"encoding/json"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// What is said on a socket of OpenAI's Realtime API
// (https://platform.openai.com/docs/api-reference/realtime). Objects in which the gate
// reads something are written anew, so that the provider reads what the gate has read;
// what is in them stays as it is.

// The field of a cap, in the present form of the API and in the one before it.
const (
	capField   = "max_output_tokens"
	olderField = "max_response_output_tokens"
)

// Speech is what a session or a response is asked to be.
type Speech struct {
	MaxOutput  int64  // tokens of a response; 0 = no cap, -1 = not said
	Answers    int8   // the end of the caller's speech asks for a response: 1, not: 0, not said: -1
	Transcribe string // the model that writes down what the caller says; "" = not said
	Model      string // the session's; "" = not said
	Refers     bool   // it has a prompt that is kept at the provider
	Apart      bool   // a response beside the conversation
	Extra      string // what is billed apart, or makes no sense here; "" = nothing

	fields map[string]json.RawMessage
}

// ReadSession reads the body of a session.update. The error is fault.InvalidField.
func ReadSession(body []byte) (*Speech, error) { return readTalk(body, "session") }

// ReadCreate reads the body of a response.create. The error is fault.InvalidField.
func ReadCreate(body []byte) (*Speech, error) { return readTalk(body, "response") }

func readTalk(body []byte, of string) (*Speech, error) {
	s := &Speech{MaxOutput: -1, Answers: -1}
	top, err := members(body, of)
	if err != nil {
		return nil, err
	}
	if top[of] == nil || string(top[of]) == "null" {
		s.fields = map[string]json.RawMessage{}
		return s, nil
	}
	s.fields, err = members(top[of], capField, olderField, "model", "tools", "prompt", "turn_detection", "audio", "input_audio_transcription", "type", "conversation", "input")
	if err != nil {
		return nil, err
	}
	return s, s.read()
}

// members are those of an object. A name that is one of these in another spelling is
// refused: some servers would take it for that.
func members(raw []byte, known ...string) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, fault.New(fault.InvalidField, "An object is wanted where there is something else.")
	}
	for name := range m {
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return nil, invalid(k, "The field %q must be written %q.", brief([]byte(name)), k)
			}
		}
	}
	return m, nil
}

func (s *Speech) read() error {
	for _, name := range [...]string{capField, olderField} {
		raw, there := s.fields[name]
		if !there || string(raw) == "null" {
			continue
		}
		n, ok := plainInteger(raw)
		switch {
		case string(raw) == `"inf"`:
			n = 0
		case !ok || n < 1 || n > maxCap:
			return invalid(name, "The field %q must be a whole number from 1 on, or \"inf\".", name)
		}
		if s.MaxOutput >= 0 && s.MaxOutput != n {
			return invalid(name, "There are two output caps, and they differ.")
		}
		s.MaxOutput = n
	}
	if raw, ok := s.fields["model"]; ok && json.Unmarshal(raw, &s.Model) != nil {
		return invalid("model", modelProblem)
	}
	s.Refers = present(s.fields["prompt"])
	s.Apart = present(s.fields["input"]) || present(s.fields["conversation"]) && string(s.fields["conversation"]) != `"auto"`
	if string(s.fields["type"]) == `"transcription"` {
		return invalid("session.type", "Sessions of the type transcription are not taken here.")
	}
	if err := s.tools(); err != nil {
		return err
	}
	return s.listens()
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// tools looks for those that the provider runs.
func (s *Speech) tools() error {
	if !present(s.fields["tools"]) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(s.fields["tools"], &list) != nil {
		return invalid("tools", "The field \"tools\" must be an array of tools.")
	}
	for i, raw := range list {
		tool, err := members(raw, "type")
		if err != nil {
			return err
		}
		list[i] = encoded(tool) // with one type
		if string(tool["type"]) != `"function"` {
			s.Extra = "A tool that the provider runs (tools)"
		}
	}
	s.fields["tools"], _ = json.Marshal(list) // each was valid
	return nil
}

// listens reads how the caller's speech is taken, in the present form and in the
// older one, and sees to it that the provider does not answer it by itself.
func (s *Speech) listens() error {
	if err := s.detection(s.fields, "input_audio_transcription"); err != nil {
		return err
	}
	if !present(s.fields["audio"]) {
		return nil
	}
	audio, err := members(s.fields["audio"], "input")
	if err != nil || !present(audio["input"]) {
		return err
	}
	input, err := members(audio["input"], "turn_detection", "transcription")
	if err != nil {
		return err
	}
	if err := s.detection(input, "transcription"); err != nil {
		return err
	}
	audio["input"] = encoded(input)
	s.fields["audio"] = encoded(audio)
	return nil
}

func (s *Speech) detection(in map[string]json.RawMessage, transcription string) error {
	if raw, there := in["turn_detection"]; there {
		s.Answers = 0
		if present(raw) {
			d, err := members(raw, "create_response", "idle_timeout_ms")
			if err != nil {
				return err
			}
			if string(d["create_response"]) != "false" {
				s.Answers = 1
			}
			d["create_response"] = json.RawMessage("false")
			delete(d, "idle_timeout_ms") // it asks for a response, too
			in["turn_detection"] = encoded(d)
		}
	}
	if !present(in[transcription]) {
		return nil
	}
	var t struct{ Model string }
	if json.Unmarshal(in[transcription], &t) != nil || t.Model == "" {
		return invalid(transcription, "The field %q must name a model.", transcription)
	}
	s.Transcribe = t.Model
	return nil
}

// encoded writes an object of members that were read.
func encoded(m map[string]json.RawMessage) json.RawMessage {
	b, _ := json.Marshal(m) // each member was valid
	return b
}

// Session is the body of the session.update that asks for s.
func (s *Speech) Session() []byte {
	return encoded(map[string]json.RawMessage{"session": encoded(s.fields)})
}

// Create is the body of the response.create that asks for s, with a cap if that is
// not 0. older says that the caller speaks the form of the API before the present.
func (s *Speech) Create(maxOutput int64, older bool) []byte {
	if maxOutput > 0 {
		name := capField
		if older {
			name = olderField
		}
		delete(s.fields, capField)
		delete(s.fields, olderField)
		s.fields[name], _ = json.Marshal(maxOutput)
	}
	return encoded(map[string]json.RawMessage{"response": encoded(s.fields)})
}

// audioToken is how many characters of base64 a token of sound has at the least: one is
// 100 ms, which are 800 bytes at the lowest rate that there is, 8 kHz of G.711.
const audioToken = 800

// Spoken is how many tokens an event of the caller's adds to the conversation at most.
// ok is false for one that is not known, and might do anything.
func Spoken(kind string, body []byte) (tokens int64, ok bool) {
	n := int64(len(body))
	switch kind {
	case "input_audio_buffer.append":
		return n/audioToken + 1, true
	case "conversation.item.create", "session.update", "response.create":
		return n, true
	case "input_audio_buffer.commit", "input_audio_buffer.clear", "output_audio_buffer.clear", "conversation.item.truncate",
		"conversation.item.delete", "conversation.item.retrieve", "response.cancel":
		return 0, true
	}
	return 0, false
}

// RefersElsewhere reports whether an item that a caller adds is about more than its
// bytes: a picture's tokens are not bounded by them, nor is what an id stands for.
func RefersElsewhere(body []byte) bool {
	for _, word := range [...]string{"input_image", "image_url", "file_id", "item_reference", "\\u"} {
		if strings.Contains(string(body), word) {
			return true
		}
	}
	return false
}

// ServerEvent is what the gate reads of an event of the provider's on a Realtime
// socket.
type ServerEvent struct {
	Type     string
	Response struct {
		ID    string
		Usage json.RawMessage
	}
	Error struct {
		EventID string `json:"event_id"`
	}
	Session json.RawMessage
	Usage   json.RawMessage // of a transcription
}

// ReadServerEvent reads an event, those alone that are of interest: what carries sound
// or text is known by its type, and not read.
func ReadServerEvent(msg []byte) (e ServerEvent) {
	s := scanner{b: msg}
	if s.peek() != '{' {
		return e
	}
	s.open()
	for {
		name, ok := s.member()
		if !ok {
			return e
		}
		if string(name) == "type" && s.peek() == '"' {
			e.Type = string(decoded(s.text()))
			break
		}
		s.skip()
	}
	if slices.Contains([]string{"session.created", "response.created", "response.done", "error", "conversation.item.input_audio_transcription.completed"}, e.Type) {
		if json.Unmarshal(msg, &e) != nil {
			return ServerEvent{}
		}
	}
	return e
}

// spokenUsage is a usage object of the Realtime API.
type spokenUsage struct {
	Type         string
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	Input        struct {
		Audio         int64 `json:"audio_tokens"`
		Cached        int64 `json:"cached_tokens"`
		CachedDetails struct {
			Audio int64 `json:"audio_tokens"`
		} `json:"cached_tokens_details"`
	} `json:"input_token_details"`
	Output struct {
		Audio int64 `json:"audio_tokens"`
	} `json:"output_token_details"`
}

// SpokenUsage reads a usage object of the Realtime API: of a response, or of a
// transcription, which may be by the second. ok is false where nothing is said.
func SpokenUsage(raw []byte) (u llm.Usage, ok bool) {
	var s spokenUsage
	if !present(raw) || json.Unmarshal(raw, &s) != nil {
		return u, false
	}
	if s.Type == "duration" {
		n, ok := Pointed(raw, "/seconds")
		return llm.Usage{Seconds: n}, ok && n > 0
	}
	in, out := clamp(s.InputTokens, maxTokens), clamp(s.OutputTokens, maxTokens)
	if in+out == 0 {
		return u, false
	}
	cached := clamp(s.Input.Cached, in)
	sound := clamp(s.Input.Audio-clamp(s.Input.CachedDetails.Audio, cached), in-cached)
	spoken := clamp(s.Output.Audio, out)
	return llm.Usage{
		Input: in - cached - sound, CacheRead: cached, InputAudio: sound, Output: out - spoken, OutputAudio: spoken,
	}, true
}

// NoSpeech is what asks for nothing in particular.
func NoSpeech() *Speech {
	return &Speech{MaxOutput: -1, Answers: -1, fields: map[string]json.RawMessage{}}
}

// ReadCreated reads the session that a provider has made, and gives what must be asked
// of it so that it does not answer the caller's speech by itself; nil = nothing. older
// says that it has the form of the API before the present.
func ReadCreated(session []byte) (s *Speech, older bool, err error) {
	made := NoSpeech()
	if made.fields, err = members(session, "turn_detection", "audio"); err != nil {
		return nil, false, err
	}
	_, flat := made.fields["turn_detection"]
	older = flat && !present(made.fields["audio"])
	kind := made.fields["type"]
	for name := range made.fields {
		if name != "turn_detection" && name != "audio" && name != capField && name != olderField {
			delete(made.fields, name)
		}
	}
	if err := made.read(); err != nil {
		return nil, older, err
	}
	if made.Answers < 1 {
		return nil, older, nil
	}
	if older {
		made.fields = map[string]json.RawMessage{"turn_detection": made.fields["turn_detection"]}
		return made, older, nil
	}
	var audio, input map[string]json.RawMessage
	if json.Unmarshal(made.fields["audio"], &audio) != nil || json.Unmarshal(audio["input"], &input) != nil {
		return nil, older, fault.New(fault.InvalidField, "The session has no input.")
	}
	made.fields = map[string]json.RawMessage{"audio": encoded(map[string]json.RawMessage{
		"input": encoded(map[string]json.RawMessage{"turn_detection": input["turn_detection"]}),
	})}
	if present(kind) {
		made.fields["type"] = kind
	}
	return made, older, nil
}
