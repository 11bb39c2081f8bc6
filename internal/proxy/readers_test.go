package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/config"
)

// dialSmall is a connection to the gate with a small receive buffer, whose reader
// does not read.
func (g *gate) dialSmall(text string) net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		g.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		g.t.Fatal(err)
	}
	return conn
}

func rawPost(key, body string) string {
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body)
}

// closed waits until the other side has closed the connection, reading nothing
// before.
func (g *gate) closed(what string, conn net.Conn) {
	g.t.Helper()
	// A closed peer answers further bytes with a reset.
	g.eventually(what+" to be closed", func() bool {
		_, err := conn.Write([]byte("x"))
		return err != nil
	})
}

// flood is a provider that writes an answer of this many bytes of text.
func flood(contentType string, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		text := strings.Repeat("word ", 2000)
		if contentType == "application/json" {
			_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"`+strings.Repeat("x", size)+`"}}]`+usageOf(10, 20)+`}`)
			return
		}
		for n := 0; n < size; n += len(text) {
			if _, err := io.WriteString(w, chunk(text, "")); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, chunk("", usageOf(10, 20))+done)
	}
}

// TestReaderStops leaves an answer unread: after the time-out the caller counts
// as gone, its connection is closed and nothing is held for it.
func TestReaderStops(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		size              int
		stream            bool
		limited, outcome  string
	}{
		{"stream, hard", "text/event-stream", 24 << 20, true, "budget", "settled"}, // drained
		{"stream, not hard", "text/event-stream", 24 << 20, true, "none", "estimated"},
		{"large document", "application/json", 24 << 20, false, "budget", "settled"},
		{"document kept back", "application/json", 1000 << 10, false, "budget", "settled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, func(cfg *config.Config) {
				cfg.Limits.WriteIdleTimeout, cfg.DrainTimeout, cfg.ShutdownTimeout = 200*time.Millisecond, 5*time.Second, 3*time.Second
				cfg.Limits.ReadHeaderTimeout = 300 * time.Millisecond // for what closed writes behind an answer
			})
			key := g.key(limitedBy(c.limited))
			g.provider.answers(flood(c.contentType, c.size))
			conn := g.dialSmall(rawPost(key.SecretKey, chat("demo-large", c.stream, outputCap)))
			row := g.row(key.APIKey.ID)
			if row.Outcome != c.outcome {
				t.Errorf("booked %+v", row)
			}
			g.reconciled(key, []api.UsageRow{row})
			g.closed("the connection", conn)
		})
	}
}

// TestSlowReader reads a stream slowly, with pauses that are shorter than the
// time-out, and gets all of it.
func TestSlowReader(t *testing.T) {
	g := open(t, func(cfg *config.Config) { cfg.Limits.WriteIdleTimeout = 500 * time.Millisecond })
	key := g.key(hard())
	g.provider.answers(flood("text/event-stream", 8<<20))
	conn, buffered := g.raw(rawPost(key.SecretKey, chat("demo-large", true, outputCap)))
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	resp, err := http.ReadResponse(buffered, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var tail []byte
	for buf := make([]byte, 256<<10); ; <-tick.C {
		n, err := io.ReadFull(resp.Body, buf)
		tail = append(tail[max(0, len(tail)-100):], buf[:n]...)
		if err != nil {
			break
		}
	}
	if !strings.HasSuffix(string(tail), done) || g.row(key.APIKey.ID).Outcome != "settled" {
		t.Errorf("ends with %q, booked %+v", tail[max(0, len(tail)-100):], g.rows(key.APIKey.ID))
	}
}

// TestConnectionAfterStream uses a connection again on which a stream was
// written: what a later answer takes is no business of the stream's time-out.
func TestConnectionAfterStream(t *testing.T) {
	g := open(t, func(cfg *config.Config) { cfg.Limits.WriteIdleTimeout = 100 * time.Millisecond })
	key := g.key(hard())
	conn, r := g.raw(rawPost(key.SecretKey, chat("demo-large", true, 5)))
	if status, body := answerWithin(t, conn, r, 5*time.Second); status != 200 || !strings.HasSuffix(body, done) {
		t.Fatalf("status %d %s", status, body)
	}
	_ = conn.SetReadDeadline(time.Time{})
	slow := strings.Replace(rawPost(key.SecretKey, chat("demo-large", false, 5)), "Host: x\r\n", "Host: x\r\nX-Simulate-Latency: 1500ms\r\n", 1)
	if _, err := io.WriteString(conn, slow); err != nil {
		t.Fatal(err)
	}
	if status, body := answerWithin(t, conn, r, 5*time.Second); status != 200 {
		t.Errorf("the next answer on the connection is lost: status %d %s; booked %+v", status, body, g.rows(key.APIKey.ID)[0])
	}
}

// TestManyOnOneConnection sends request after request on one connection, all
// sorts of them, also one behind the other without waiting.
func TestManyOnOneConnection(t *testing.T) {
	g := open(t, nil)
	key := g.key(hard())
	var all strings.Builder
	want := []int{200, 200, 400, 200, 404, 502, 200}
	for _, body := range []string{
		chat("demo-large", false, 5), chat("demo-large", true, 5), "{", chat("demo-large", true, 5),
		chat("no-such-model", false, 5), chat("dead/ghost", false, 5), chat("demo-large", false, 5),
	} {
		all.WriteString(rawPost(key.SecretKey, body))
	}
	conn, r := g.raw(all.String())
	for i, status := range want {
		if got, body := answerWithin(t, conn, r, 5*time.Second); got != status {
			t.Fatalf("answer %d: status %d, not %d: %s", i, got, status, body)
		}
	}
	if rows := g.rows(key.APIKey.ID); len(rows) != 5 {
		t.Errorf("%d entries, not 5", len(rows))
	} else {
		g.reconciled(key, rows)
	}
}
