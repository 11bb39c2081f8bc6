package simulate

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// socket speaks Responses on a WebSocket: each response.create is answered as a
// streamed request would be, one after another.
func (p *Provider) socket(w http.ResponseWriter, r *http.Request) {
	if !authorised(r) {
		http.Error(w, `{"error":{"message":"Incorrect API key provided: invalid.","code":"invalid_api_key"}}`, http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	defer func() {
		if caught := recover(); caught != nil && caught != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
			panic(caught)
		}
		_ = conn.CloseNow() // it may be closed already
	}()
	conn.SetReadLimit(p.opts.MaxBodyBytes)
	for {
		_, msg, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var event struct{ Type string }
		if json.Unmarshal(msg, &event) != nil || event.Type != "response.create" {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"error","status":400,"error":{"type":"invalid_request_error","code":"unknown_event","message":"Unknown event."}}`))
			continue
		}
		body := append([]byte(`{"stream":true,`), bytes.TrimLeft(msg, " \t\r\n{")...)
		ask := r.Clone(r.Context())
		ask.Method, ask.Body, ask.ContentLength = http.MethodPost, nopCloser{bytes.NewReader(body)}, int64(len(body))
		out := &eventWriter{conn: conn, r: r, header: http.Header{}}
		p.ServeHTTP(out, ask)
		out.end()
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// eventWriter sends the events of a stream as messages, and a refusal as an event.
type eventWriter struct {
	conn   *websocket.Conn
	r      *http.Request
	header http.Header
	status int
	held   []byte
}

// Header is of no use on a WebSocket.
func (w *eventWriter) Header() http.Header { return w.header }

// WriteHeader notes whether it is a refusal.
func (w *eventWriter) WriteHeader(status int) { w.status = status }

// Write sends the events that are whole.
func (w *eventWriter) Write(b []byte) (int, error) {
	w.held = append(w.held, b...)
	for w.status < 400 {
		event, rest, whole := bytes.Cut(w.held, []byte("\n\n"))
		if !whole {
			break
		}
		w.held = rest
		for line := range strings.SplitSeq(string(event), "\n") {
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok || data == "[DONE]" {
				continue
			}
			if err := w.conn.Write(w.r.Context(), websocket.MessageText, []byte(data)); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}

// Flush has nothing to do: messages go out at once.
func (w *eventWriter) Flush() {}

func (w *eventWriter) end() {
	if w.status >= 400 {
		msg := append([]byte(`{"type":"error","status":400,`), bytes.TrimLeft(w.held, " \t\r\n{")...)
		_ = w.conn.Write(w.r.Context(), websocket.MessageText, msg)
	}
}
