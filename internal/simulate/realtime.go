package simulate

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/coder/websocket"
)

// silence is the sound after which the simulated ear takes the caller's speech for
// ended: base64 of six zeroes.
const silence = "AAAAAAAA"

// talk is one session of the Realtime API. A token of what is said is four bytes of a
// text, or 3200 of a sound in base64; all of it is read again for each response.
type talk struct {
	Behaviour
	p       *Provider
	ctx     context.Context
	conn    *websocket.Conn
	older   bool // the session is in the form of the API before the present
	answers bool // the end of speech is answered
	hears   bool // there is a detection of it
	writes  string
	most    int64 // output tokens of a response; 0 = no cap
	text    int64 // tokens in the conversation
	sound   int64
	heard   int64 // sound that is not committed
	events  int64
}

// realtime serves a session.
func (p *Provider) realtime(w http.ResponseWriter, r *http.Request) {
	b, err := p.opts.Behaviour.read(r.Header)
	if err != nil || !authorised(r) || r.URL.Query().Get("model") == "" {
		http.Error(w, `{"error":{"message":"Refused.","code":"refused"}}`, http.StatusUnauthorized)
		return
	}
	if code, ok := strings.CutPrefix(b.Fault, "status="); ok {
		status, _ := strconv.Atoi(code) // 0 is refused below
		if status >= 500 || status == 429 {
			http.Error(w, `{"error":{"message":"Not now.","code":"busy"}}`, status)
			return
		}
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}})
	if err != nil {
		return // the library has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(p.opts.MaxBodyBytes)
	t := &talk{Behaviour: b, p: p, ctx: r.Context(), conn: conn, older: strings.Contains(r.Header.Get("OpenAI-Beta"), "realtime=v1"), answers: true, hears: true}
	t.send("session.created", map[string]any{"session": t.session(r.URL.Query().Get("model"))})
	for {
		_, msg, err := conn.Read(t.ctx)
		if err != nil || !t.take(msg) {
			return
		}
	}
}

func (t *talk) session(model string) map[string]any {
	var detection any
	if t.hears {
		detection = map[string]any{"type": "server_vad", "create_response": t.answers, "interrupt_response": true, "idle_timeout_ms": nil}
	}
	s := map[string]any{"id": "sess_1", "object": "realtime.session"}
	if model != "" {
		s["model"] = model
	}
	if t.older {
		s["turn_detection"], s[`max_response_output_tokens`] = detection, "inf"
		return s
	}
	s["type"], s["max_output_tokens"] = "realtime", "inf"
	s["audio"] = map[string]any{"input": map[string]any{"turn_detection": detection}}
	return s
}

// send sends an event.
func (t *talk) send(kind string, members map[string]any) {
	t.events++
	m := map[string]any{"type": kind, "event_id": "event_" + strconv.FormatInt(t.events, 10)}
	for name, v := range members {
		m[name] = v
	}
	b, _ := json.Marshal(m) // plain values
	_ = t.conn.Write(t.ctx, websocket.MessageText, b)
}

// said is what is read of a caller's event.
type said struct {
	Type    string
	EventID string `json:"event_id"`
	Audio   string
	Item    json.RawMessage
	Session struct {
		Type   string
		Most   any                     `json:"max_output_tokens"`
		Older  any                     `json:"max_response_output_tokens"`
		Flat   *detection              `json:"turn_detection"`
		Writes *struct{ Model string } `json:"input_audio_transcription"`
		Audio  struct {
			Input struct {
				Detection *detection              `json:"turn_detection"`
				Writes    *struct{ Model string } `json:"transcription"`
			}
		}
	}
	Response struct {
		Most  any `json:"max_output_tokens"`
		Older any `json:"max_response_output_tokens"`
	}
}

type detection struct {
	Create *bool `json:"create_response"`
}

// take serves one event; it is false when the session is over.
func (t *talk) take(msg []byte) bool {
	var e said
	if json.Unmarshal(msg, &e) != nil {
		return false
	}
	switch e.Type {
	case "session.update":
		t.update(&e)
	case "input_audio_buffer.append":
		t.heard += int64(len(e.Audio))
		if t.hears && strings.HasSuffix(e.Audio, silence) {
			t.send("input_audio_buffer.speech_started", nil)
			t.send("input_audio_buffer.speech_stopped", nil)
			t.commit()
			if t.answers {
				return t.respond(&said{})
			}
		}
	case "input_audio_buffer.commit":
		t.commit()
	case "conversation.item.create":
		t.text += int64(len(e.Item)+3) / 4
		t.send("conversation.item.added", nil)
	case "response.create":
		return t.respond(&e)
	case "response.cancel":
	default:
		t.refuse(&e, "unknown_event")
	}
	return true
}

func (t *talk) refuse(e *said, code string) {
	t.send("error", map[string]any{"error": map[string]any{"type": "invalid_request_error", "code": code, "message": "Refused.", "event_id": e.EventID}})
}

func (t *talk) update(e *said) {
	for _, d := range []*detection{e.Session.Flat, e.Session.Audio.Input.Detection} {
		if d != nil {
			t.hears, t.answers = true, d.Create == nil || *d.Create
		}
	}
	for _, w := range []*struct{ Model string }{e.Session.Writes, e.Session.Audio.Input.Writes} {
		if w != nil {
			t.writes = w.Model
		}
	}
	if n := most(e.Session.Most, e.Session.Older); n >= 0 {
		t.most = n
	}
	t.send("session.updated", map[string]any{"session": t.session("")})
}

// most is a cap; 0 = none, -1 = nothing is said.
func most(caps ...any) int64 {
	for _, c := range caps {
		switch n := c.(type) {
		case string:
			return 0
		case float64: // as encoding/json reads every number
			return int64(n)
		}
	}
	return -1
}

func (t *talk) commit() {
	tokens := (t.heard + 3199) / 3200
	t.sound, t.heard = t.sound+tokens, 0
	t.send("input_audio_buffer.committed", map[string]any{"item_id": "item_1"})
	if t.writes != "" {
		t.send("conversation.item.input_audio_transcription.completed", map[string]any{"transcript": "…", "usage": map[string]any{
			"type": "tokens", "total_tokens": tokens + 2, "input_tokens": tokens, "output_tokens": 2, "input_token_details": map[string]any{"text_tokens": 0, "audio_tokens": tokens},
		}})
	}
}

// respond makes a response, half of it in sound.
func (t *talk) respond(e *said) bool {
	a := &t.p.account
	a.requests.Add(1)
	if strings.HasPrefix(t.Fault, "status=") {
		a.refused.Add(1)
		t.refuse(e, "refused")
		return true
	}
	if t.Fault == "cut-before" {
		return false
	}
	out, status := t.OutputTokens, "completed"
	if out == 0 {
		out = defaultOutput
	}
	limit := most(e.Response.Most, e.Response.Older)
	if limit < 0 {
		limit = t.most
	}
	if limit > 0 && out > limit {
		out, status = limit, "incomplete"
	}
	text, sound := t.text+8, t.sound // the instructions
	if t.InputTokens > 0 {
		text = t.InputTokens
	}
	cached := min(t.CachedTokens, text)
	a.billed.Add(1)
	a.input.Add(text + sound)
	a.output.Add(out)
	id := t.p.nextID("resp_")
	t.send("response.created", map[string]any{"response": map[string]any{"id": id, "status": "in_progress"}})
	for range min(out, 5) {
		if !sleep(t.ctx, t.ChunkDelay) {
			return false
		}
		t.send("response.output_audio.delta", map[string]any{"response_id": id, "delta": silence})
	}
	if t.Fault == "cut" {
		return false
	}
	response := map[string]any{"id": id, "status": status}
	if t.Fault != "no-usage" {
		response["usage"] = map[string]any{
			"total_tokens": text + sound + out, "input_tokens": text + sound, "output_tokens": out,
			"input_token_details":  map[string]any{"text_tokens": text, "audio_tokens": sound, "cached_tokens": cached, "cached_tokens_details": map[string]any{"text_tokens": cached, "audio_tokens": 0}},
			"output_token_details": map[string]any{"text_tokens": out - out/2, "audio_tokens": out / 2},
		}
	}
	t.text += out - out/2
	t.sound += out / 2
	t.send("response.done", map[string]any{"response": response})
	return true
}
