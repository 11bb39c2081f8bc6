package admin_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/admin"
	"tollgate/internal/ledger"
)

// log is a log that may be written to and read at the same time.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer // covered by mu
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// broken is a ledger that panics where it is asked for totals.
type broken struct{ admin.Ledger }

func (broken) Totals(context.Context, []string) (map[string]ledger.Sum, error) {
	panic("planted panic")
}

func TestPanicIsSurvived(t *testing.T) {
	h := newHouse(t)
	var lines log
	server := httptest.NewServer(admin.New(admin.Options{
		Authority: h.authority, Ledger: broken{h.ledger}, Logger: slog.New(slog.NewTextHandler(&lines, nil)),
	}))
	defer server.Close()
	h.url = server.URL
	_, p := h.problem(t, request{method: "GET", path: "/api/v1/api-keys"})
	if p.Code != "internal" || strings.Contains(p.Detail, "planted") {
		t.Errorf("%+v", p)
	}
	if got := lines.String(); !strings.Contains(got, "planted panic") || !strings.Contains(got, p.RequestID) {
		t.Errorf("the log does not tell of it: %s", got)
	}
}

// A database that is away is 503: no key is called wrong because nobody could
// look it up.
func TestStoreAway(t *testing.T) {
	h := newHouse(t)
	must(t, h.db.Close())
	for _, path := range []string{"/api/v1/api-keys", "/api/v1/usage", "/api/v1/organization"} {
		if code := h.code(t, request{method: "GET", path: path}); code != "store_unavailable" {
			t.Errorf("%s: %s", path, code)
		}
	}
}

// A sender that stops in the middle of a body is answered, and let go.
func TestSlowSender(t *testing.T) {
	h := newHouse(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/v1/api-keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+rootKey+
		"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"name\"")
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := io.ReadAll(conn)
	must(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 408") || !strings.Contains(string(answer), `"code":"request_timeout"`) {
		t.Errorf("answer: %s", answer)
	}
}

// No answer but the one that makes a key, and no line of the log, holds a secret.
func TestLogHoldsNoSecret(t *testing.T) {
	h := newHouse(t)
	var lines log
	server := httptest.NewServer(admin.New(admin.Options{
		Authority: h.authority, Ledger: h.ledger, Logger: slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}))
	defer server.Close()
	h.url, h.Client = server.URL, client.New(server.URL, rootKey)
	made := h.createKey(t, api.KeyInput{})
	for _, r := range []request{
		{method: "POST", path: "/api/v1/explain", body: `{"key":"` + made.SecretKey + `"}`},
		{method: "GET", path: "/api/v1/api-keys/" + made.SecretKey},
		{method: "GET", path: "/api/v1/api-keys?search=" + made.SecretKey},
		{method: "GET", path: "/api/v1/" + made.SecretKey},
		{method: http.MethodPost, path: "/api/v1/api-keys", body: `{"` + made.SecretKey + `":1}`},
		{method: "GET", path: "/api/v1/api-keys", header: map[string]string{"Authorization": "Bearer " + made.SecretKey}},
	} {
		_, _ = h.send(t, r)
	}
	if got := lines.String(); strings.Contains(got, made.SecretKey) || strings.Contains(got, rootKey) || !regexp.MustCompile(`"status":201,"actor":"mk_`).MatchString(got) {
		t.Errorf("log: %s", got)
	}
}
