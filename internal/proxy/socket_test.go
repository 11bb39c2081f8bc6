package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tollgate/api"
	"tollgate/internal/config"
)

// wire is a WebSocket to the gate.
type wire struct {
	t *testing.T
	*websocket.Conn
}

// dial opens a WebSocket; the reply is that of a refusal.
func (g *gate) dial(path, key string, header map[string]string, protocols ...string) (*wire, reply) {
	g.t.Helper()
	h := http.Header{}
	if key != "" {
		h.Set("Authorization", "Bearer "+key)
	}
	for name, value := range header {
		h.Set(name, value)
	}
	c, resp, err := websocket.Dial(g.t.Context(), g.base+path, &websocket.DialOptions{HTTPHeader: h, Subprotocols: protocols})
	if err != nil {
		if resp == nil {
			g.t.Fatal(err)
		}
		return nil, read(resp)
	}
	c.SetReadLimit(32 << 20)
	g.t.Cleanup(func() { _ = c.CloseNow() })
	return &wire{g.t, c}, reply{status: resp.StatusCode, header: resp.Header}
}

func (w *wire) say(format string, args ...any) {
	w.t.Helper()
	if err := w.Write(w.t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		w.t.Fatalf("say: %v", err)
	}
}

// event is what the tests read of one.
type event struct {
	Type     string
	EventID  string `json:"event_id"`
	Status   int
	Response struct {
		ID     string
		Status string
	}
	Error struct {
		Type, Code, Message, Param string
		EventID                    string `json:"event_id"`
	}
	raw string
}

// hear reads the next event; the error is the end of the socket.
func (w *wire) hear() (event, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	var e event
	_, msg, err := w.Read(ctx)
	if err == nil {
		err = json.Unmarshal(msg, &e)
	}
	e.raw = string(msg)
	return e, err
}

// until reads events up to one of a type.
func (w *wire) until(kinds ...string) event {
	w.t.Helper()
	for {
		e, err := w.hear()
		if err != nil {
			w.t.Fatalf("waiting for %v: %v", kinds, err)
		}
		for _, kind := range kinds {
			if e.Type == kind {
				return e
			}
		}
		if e.Type == "error" {
			w.t.Fatalf("waiting for %v: %s", kinds, e.raw)
		}
	}
}

// closes waits for the end, and gives its code and reason.
func (w *wire) closes() websocket.CloseError {
	w.t.Helper()
	for {
		if _, err := w.hear(); err != nil {
			ended, ok := errors.AsType[websocket.CloseError](err)
			if !ok {
				w.t.Fatalf("ended with %v", err)
			}
			return ended
		}
	}
}

const respond = `{"type":"response.create","event_id":"mine","model":"%s","input":"Hello, who are you?","max_output_tokens":50}`

func TestResponsesOnAWebSocket(t *testing.T) {
	g := open(t, nil)
	for name, in := range map[string]api.KeyInput{"hard": hard(), "unlimited": {}} {
		k := g.key(in)
		w, r := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Reasoning-Tokens": "5", "X-Api-Key": k.SecretKey, "Openai-Beta": "kept"})
		if w == nil || r.header.Get("X-Request-Id") == "" {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		for range 3 {
			w.say(respond, "gpt-4o-mini")
			if e := w.until("response.completed"); e.Response.ID == "" {
				t.Errorf("%s", e.raw)
			}
		}
		if err := w.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
		rows := g.rows(k.APIKey.ID)
		if len(rows) != 3 {
			t.Fatalf("%s: %d rows", name, len(rows))
		}
		seen := map[string]bool{}
		for _, row := range rows {
			if row.Outcome != "settled" || row.Endpoint != "/v1/responses" || !row.Stream || row.OutputTokens != 37 || row.ReasoningTokens != 5 || row.Model != "gpt-4o-mini" || row.CostUSD == "0.00" || seen[row.RequestID] || row.UpstreamRequestID == "" {
				t.Errorf("%s: %+v", name, row)
			}
			seen[row.RequestID] = true
		}
		header, _ := g.provider.latest()
		if strings.Contains(fmt.Sprint(header), k.SecretKey) || header.Get("Authorization") != "Bearer "+openaiCredential || header.Get("Openai-Beta") != "kept" {
			t.Errorf("%s: %v", name, header)
		}
	}
	if strings.Contains(g.log.String(), openaiCredential) {
		t.Error("a secret is in the log")
	}
}

// TestWhoMayOpenAWebSocket, and what is refused on one that is open.
func TestWhoMayOpenAWebSocket(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{})
	for name, test := range map[string]struct {
		key, path string
		protocols []string
		status    int
		code      string
	}{
		"no key":           {"", "/v1/responses", nil, 401, "key_missing"},
		"a wrong key":      {"tg_nobody", "/v1/responses", nil, 401, "key_invalid"},
		"no socket there":  {k.SecretKey, "/v1/chat/completions", nil, 405, "method_not_allowed"},
		"two keys":         {k.SecretKey, "/v1/responses", []string{"realtime", "openai-insecure-api-key.tg_other"}, 401, "key_ambiguous"},
		"another scope":    {g.key(api.KeyInput{Scopes: api.Set([]string{"embeddings.create"})}).SecretKey, "/v1/responses", nil, 403, "scope_denied"},
		"no slot":          {g.key(api.KeyInput{ConcurrentLimit: api.Set[int64](0)}).SecretKey, "/v1/responses", nil, 429, "concurrency_limited"},
		"another endpoint": {g.key(api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/chat/*"})}).SecretKey, "/v1/responses", nil, 403, "endpoint_denied"},
	} {
		w, r := g.dial(test.path, test.key, nil, test.protocols...)
		if w != nil || r.status != test.status || r.fault.Error.Code != test.code {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	w, r := g.dial("/v1/responses", "", nil, "realtime", "openai-insecure-api-key."+k.SecretKey)
	if w == nil || w.Subprotocol() != "realtime" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for name, test := range map[string]struct{ message, code, about string }{
		"no JSON":            {`hello`, "invalid_json", ""},
		"no object":          {`[]`, "invalid_json", ""},
		"no type":            {`{"model":"gpt-4o-mini"}`, "invalid_field", ""},
		"another event":      {`{"type":"response.steer","event_id":"e1"}`, "invalid_field", "e1"},
		"two types":          {`{"type":"response.create","type":"response.steer"}`, "duplicate_field", ""},
		"another spelling":   {`{"Type":"response.create","model":"gpt-4o-mini","input":"x"}`, "duplicate_field", ""},
		"no model":           {`{"type":"response.create","input":"x"}`, "invalid_field", ""},
		"no such model":      {`{"type":"response.create","event_id":"e2","model":"nobody-knows","input":"x"}`, "model_not_found", "e2"},
		"in the background":  {`{"type":"response.create","background":true,"model":"gpt-4o-mini","input":"x"}`, "invalid_field", ""},
		"another provider's": {`{"type":"response.create","model":"anthropic/claude-sonnet-4-5","input":"x"}`, "model_not_found", ""},
	} {
		w.say("%s", test.message)
		if e, err := w.hear(); err != nil || e.Type != "error" || e.Error.Code != test.code || e.Error.EventID != test.about || e.Status == 0 {
			t.Errorf("%s: %s, %v", name, e.raw, err)
		}
	}
	w.say(respond, "gpt-4o-mini")
	w.until("response.completed")
	w.say(respond, "demo-large") // which another provider has
	if e, err := w.hear(); err != nil || e.Error.Code != "invalid_field" || e.Error.Param != "model" {
		t.Errorf("%s, %v", e.raw, err)
	}
	w.say(respond, "gpt-4o-mini")
	w.until("response.completed")
	if n := len(g.rows(k.APIKey.ID)); n != 2 {
		t.Errorf("%d entries", n)
	}
}

// TestTheCapOfASocket: each response is held for; what does not fit is refused by
// name, and the socket is closed.
func TestTheCapOfASocket(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{TokensPerDay: api.Set[int64](1000)})
	w, _ := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Output-Tokens": "1000"})
	done := 0
	for {
		w.say(`{"type":"response.create","model":"gpt-4o-mini","input":"Hello","max_output_tokens":400}`)
		e, err := w.hear()
		for err == nil && e.Type != "response.completed" && e.Type != "response.incomplete" && e.Type != "error" {
			e, err = w.hear()
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == "error" {
			if e.Error.Code != "tokens_limited" || e.Status != 429 || !strings.Contains(e.Error.Message, "tokens_per_day") {
				t.Errorf("%s", e.raw)
			}
			break
		}
		done++
	}
	if end := w.closes(); end.Code != websocket.StatusPolicyViolation || !strings.HasPrefix(end.Reason, "tokens_limited") || len(end.Reason) > 123 {
		t.Errorf("%+v", end)
	}
	if now, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || now.TotalTokens > 1000 || done < 2 {
		t.Errorf("%d responses, %+v, %v", done, now, err)
	}
}

// TestNoCapIsPassedOnSockets: many at once, until the money is gone.
func TestNoCapIsPassedOnSockets(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w, r := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Output-Tokens": "100000"})
			if w == nil {
				t.Errorf("%d %s", r.status, r.body)
				return
			}
			for range 40 {
				if w.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"type":"response.create","model":"gpt-4o-mini","input":"Hello","max_output_tokens":1000}`)) != nil {
					return
				}
				for {
					e, err := w.hear()
					if err != nil {
						return
					}
					if e.Type == "response.completed" || e.Type == "response.incomplete" || e.Type == "error" {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	var sum int64
	for _, row := range g.rows(k.APIKey.ID) {
		sum += nano(t, row.CostUSD)
	}
	if sum > 10_000_000 || sum < 9_000_000 {
		t.Errorf("$%s of $0.01", usd(sum))
	}
	if now, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || nano(t, now.TotalCostUSD) != sum {
		t.Errorf("%+v, %v", now, err)
	}
}

// TestASocketEndsWithItsKey, with the next message at the latest.
func TestASocketEndsWithItsKey(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{})
	w, _ := g.dial("/v1/responses", k.SecretKey, nil)
	w.say(respond, "gpt-4o-mini")
	w.until("response.completed")
	if _, err := g.admin.RevokeKey(t.Context(), k.APIKey.ID); err != nil {
		t.Fatal(err)
	}
	w.say(respond, "gpt-4o-mini")
	if e, err := w.hear(); err != nil || e.Error.Code != "key_revoked" {
		t.Errorf("%s, %v", e.raw, err)
	}
	if end := w.closes(); end.Code != websocket.StatusPolicyViolation || !strings.HasPrefix(end.Reason, "key_revoked") {
		t.Errorf("%+v", end)
	}
	if n := len(g.rows(k.APIKey.ID)); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// TestASocketTakesASlot, and gives it back.
func TestASocketTakesASlot(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{ConcurrentLimit: api.Set[int64](1)})
	w, _ := g.dial("/v1/responses", k.SecretKey, nil)
	if second, r := g.dial("/v1/responses", k.SecretKey, nil); second != nil || r.status != 429 || r.fault.Error.Code != "concurrency_limited" {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.say(respond, "gpt-4o-mini")
	w.until("response.completed")
	if err := w.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	g.eventually("a slot", func() bool { w, _ := g.dial("/v1/responses", k.SecretKey, nil); return w != nil })
}

// TestWhatAProviderDoesOnASocket: refusing, breaking off, and leaving the usage out.
func TestWhatAProviderDoesOnASocket(t *testing.T) {
	g := open(t, nil)
	for fault, test := range map[string]struct {
		last    string // event
		outcome string
		goesOn  bool
	}{
		"status=429": {"error", "failed", true},
		"status=400": {"error", "failed", true},
		"cut":        {"error", "unconfirmed", false},
		"cut-before": {"error", "unconfirmed", false},
		"no-usage":   {"response.completed", "estimated", true},
		"error-mid":  {"error", "unconfirmed", true},
		"novelties":  {"response.completed", "settled", true},
	} {
		k := g.key(hard())
		w, r := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Fault": fault})
		if w == nil {
			t.Fatalf("%s: %d %s", fault, r.status, r.body)
		}
		w.say(respond, "gpt-4o-mini")
		var e event
		var err error
		for err == nil && e.Type != "error" && e.Type != test.last {
			e, err = w.hear()
		}
		row := g.row(k.APIKey.ID)
		if err != nil || e.Type != test.last || row.Outcome != test.outcome {
			t.Errorf("%s: %s, %v, %+v", fault, e.raw, err, row)
		}
		if !test.goesOn {
			if end := w.closes(); end.Code != websocket.StatusInternalError {
				t.Errorf("%s: %+v", fault, end)
			}
			continue
		}
		w.say(respond, "gpt-4o-mini")
		for err == nil {
			if e, err = w.hear(); e.Type == test.last || e.Type == "error" {
				break
			}
		}
		if err != nil || len(g.rows(k.APIKey.ID)) != 2 {
			t.Errorf("%s: it does not go on: %v", fault, err)
		}
	}
}

// TestAResponseThatNobodyAskedFor: what a provider begins to make beside what it was
// asked for has no hold, so it ends the socket.
func TestAResponseThatNobodyAskedFor(t *testing.T) {
	g := open(t, nil)
	const created, refused = `{"type":"response.created","response":{"id":"resp_1"}}`, `{"type":"error","error":{"code":"busy","message":"x"}}`
	for name, test := range map[string]struct {
		events  []string
		outcome string
	}{
		"refused before": {[]string{refused, created, `{"type":"response.output_text.delta","delta":"gift"}`}, "failed"},
		"two at once":    {[]string{created, created, `{"type":"response.output_text.delta","delta":"gift"}`}, "unconfirmed"},
	} {
		g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			_, _, err = c.Read(r.Context())
			for _, e := range test.events {
				if err == nil {
					err = c.Write(r.Context(), websocket.MessageText, []byte(e))
				}
			}
			_, _, _ = c.Read(r.Context()) // until it is cut off
		})
		k := g.key(hard())
		w, r := g.dial("/v1/responses", k.SecretKey, nil)
		if w == nil {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		w.say(respond, "gpt-4o-mini")
		for {
			e, err := w.hear()
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusInternalError {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			if strings.Contains(e.raw, "gift") {
				t.Errorf("%s: passed on %s", name, e.raw)
				break
			}
		}
		if row := g.row(k.APIKey.ID); row.Outcome != test.outcome {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// TestACallerLeavesASocket: under a hard limit the response is read to its end.
func TestACallerLeavesASocket(t *testing.T) {
	g := open(t, nil)
	for name, test := range map[string]struct {
		in      api.KeyInput
		outcome string
	}{"hard": {hard(), "settled"}, "unlimited": {api.KeyInput{}, "estimated"}} {
		k := g.key(test.in)
		w, _ := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Chunk-Delay": "10ms", "X-Simulate-Output-Tokens": "50"})
		w.say(respond, "gpt-4o-mini")
		w.until("response.output_text.delta")
		_ = w.CloseNow()
		if row := g.row(k.APIKey.ID); row.Outcome != test.outcome || row.OutputTokens == 0 || test.outcome == "settled" && row.OutputTokens != 50 {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// TestASocketHasAnEnd: when nothing is said, and when it has been open for as long as
// a request may take, whatever is being said.
func TestASocketHasAnEnd(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		g := open(t, func(c *config.Config) { c.Limits.SocketIdleTimeout = time.Second })
		w, _ := g.dial("/v1/responses", g.key(api.KeyInput{}).SecretKey, map[string]string{"X-Simulate-Chunk-Delay": "40ms", "X-Simulate-Output-Tokens": "50"})
		w.say(`{"type":"response.create","model":"gpt-4o-mini","input":"Hello"}`) // two seconds, in which something is said
		w.until("response.completed")
		if end := w.closes(); end.Code != websocket.StatusPolicyViolation || !strings.Contains(end.Reason, "1s") {
			t.Errorf("%+v", end)
		}
	})
	t.Run("old", func(t *testing.T) {
		g := open(t, func(c *config.Config) { c.Limits.MaxRequestDuration = time.Second })
		k := g.key(hard())
		w, _ := g.dial("/v1/responses", k.SecretKey, map[string]string{"X-Simulate-Chunk-Delay": "40ms", "X-Simulate-Output-Tokens": "50"})
		w.say(`{"type":"response.create","model":"gpt-4o-mini","input":"Hello"}`)
		if end := w.closes(); end.Code != websocket.StatusGoingAway {
			t.Errorf("%+v", end)
		}
		if row := g.row(k.APIKey.ID); row.Outcome != "settled" || row.OutputTokens != 50 { // read to its end
			t.Errorf("%+v", row)
		}
	})
}

// TestTheSizeOfMessages: one that is larger than a body may be ends the socket, and so
// does one for which there is no room.
func TestTheSizeOfMessages(t *testing.T) {
	for name, test := range map[string]struct {
		size, buffered config.Bytes
		code           websocket.StatusCode
	}{
		"fits": {100_000, config.GiB, 0}, "no room": {3 * config.MiB, 2 * config.MiB, websocket.StatusInternalError}, "too large": {5 * config.MiB, config.GiB, websocket.StatusMessageTooBig},
	} {
		g := open(t, func(c *config.Config) { c.Limits.MaxBodyBytes, c.Limits.MaxBufferedBytes = 4*config.MiB, test.buffered })
		k := g.key(api.KeyInput{})
		w, _ := g.dial("/v1/responses", k.SecretKey, nil)
		message := fmt.Appendf(nil, `{"type":"response.create","model":"gpt-4o-mini","input":"%s"}`, strings.Repeat("a ", int(test.size)/2))
		_ = w.Write(t.Context(), websocket.MessageText, message) // it may be cut off on the way
		if test.code == 0 {
			w.until("response.completed")
			continue
		}
		var err error
		for err == nil {
			_, err = w.hear()
		}
		// The reason may be lost behind what was sent and not read.
		if got := websocket.CloseStatus(err); errors.Is(err, context.DeadlineExceeded) || got != test.code && got != -1 {
			t.Errorf("%s: %v", name, err)
		}
		if rows := g.rows(k.APIKey.ID); len(rows) != 0 {
			t.Errorf("%s: %+v", name, rows)
		}
	}
}
