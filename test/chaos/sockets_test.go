package chaos

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// talker is a caller on a WebSocket.
type talker struct {
	conn *websocket.Conn
	ask  string
	last string // the event that ends a response
}

// talkers open sockets of both kinds, each of which has had one response, and has
// another on its way that takes as long as it is told.
func (g *gate) talkers(t *testing.T, key string, slow string) (all []*talker) {
	t.Helper()
	for _, to := range []*talker{
		{ask: `{"type":"response.create","model":"demo-large","input":"Hello","max_output_tokens":50}`, last: "response.completed"},
		{ask: `{"type":"response.create","response":{"max_output_tokens":50}}`, last: "response.done"},
	} {
		path := "/v1/responses"
		if to.last == "response.done" {
			path = "/v1/realtime?model=demo-large"
		}
		for range 3 {
			at := *to
			conn, resp, err := websocket.Dial(t.Context(), g.base+path, &websocket.DialOptions{HTTPHeader: http.Header{
				"Authorization": {"Bearer " + key}, "X-Simulate-Chunk-Delay": {slow}, "X-Simulate-Output-Tokens": {"5"}, "X-Simulate-Chunks": {"5"},
			}})
			if err != nil {
				t.Fatalf("%s: %v (%v)", path, err, resp)
			}
			t.Cleanup(func() { _ = conn.CloseNow() })
			at.conn = conn
			all = append(all, &at)
		}
	}
	for _, until := range []func(*talker) string{func(k *talker) string { return k.last }, func(*talker) string { return "response.created" }} {
		for _, k := range all {
			k.say(t)
		}
		for _, k := range all {
			k.until(t, until(k))
		}
	}
	return all
}

func (k *talker) say(t *testing.T) {
	t.Helper()
	if err := k.conn.Write(t.Context(), websocket.MessageText, []byte(k.ask)); err != nil {
		t.Fatal(err)
	}
}

// hear is the type of the next event.
func (k *talker) hear(t *testing.T) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, msg, err := k.conn.Read(ctx)
	var e struct{ Type string }
	if err == nil {
		err = json.Unmarshal(msg, &e)
	}
	return e.Type, err
}

func (k *talker) until(t *testing.T, kind string) {
	t.Helper()
	for {
		switch got, err := k.hear(t); {
		case err != nil:
			t.Fatalf("waiting for %s: %v", kind, err)
		case got == kind:
			return
		case got == "error":
			t.Fatalf("waiting for %s: an error", kind)
		}
	}
}

// outcomes counts the entries of a key.
func (g *gate) outcomes(t *testing.T, key api.KeyCreated) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, row := range g.rows(t, key.APIKey.ID) {
		n[row.Outcome]++
		if row.Outcome == "unconfirmed" && (row.CostUSD == "0.00" || row.OutputTokens != 50) {
			t.Errorf("less than was held: %+v", row)
		}
	}
	return n
}

// TestKillWithSockets: each response that was on its way is swept with what was held
// for it, and those that had ended are as they were.
func TestKillWithSockets(t *testing.T) {
	p := newProvider(t, simulate.Behaviour{}, nil)
	h := newHouse(t, p)
	c, g := h.start(t)
	k := g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](2000)})
	g.talkers(t, k.SecretKey, "100ms")
	c.kill(t)
	c, g = h.start(t)
	if n := g.outcomes(t, k); n["settled"] != 6 || n["unconfirmed"] != 6 || len(n) != 2 {
		t.Errorf("%v", n)
	}
	g.reconcile(t, k, g.byID(t))
	c.kill(t)
}

// TestTermWithSockets: a response on its way finishes, or is cut at the limit; then
// the caller is told that the server goes away.
func TestTermWithSockets(t *testing.T) {
	for name, test := range map[string]struct {
		limit, slow string
		settled     int
	}{"all finish": {"20s", "100ms", 12}, "cut": {"300ms", "200ms", 6}} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, simulate.Behaviour{}, nil)
			h := newHouse(t, p, "TOLLGATE_SHUTDOWN_TIMEOUT="+test.limit)
			c, g := h.start(t)
			k := g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](2000)})
			all := g.talkers(t, k.SecretKey, test.slow)
			begun := time.Now()
			c.terminate(t)
			for _, to := range all {
				last := ""
				for {
					kind, err := to.hear(t)
					if err != nil {
						if status := websocket.CloseStatus(err); name == "all finish" && (last != to.last || status != websocket.StatusGoingAway) {
							t.Errorf("%s, and then %v", last, err)
						}
						break
					}
					if kind == to.last || !strings.Contains(kind, "delta") {
						last = kind
					}
				}
			}
			if code := c.wait(t); code != 0 {
				t.Errorf("exit code %d:\n%s", code, h.output.tail())
			}
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("it took %s to end", took)
			}
			c, g = h.start(t)
			if n := g.outcomes(t, k); n["settled"] != test.settled || n["settled"]+n["unconfirmed"] != 12 {
				t.Errorf("%v", n)
			}
			g.reconcile(t, k, g.byID(t))
			c.kill(t)
		})
	}
}
