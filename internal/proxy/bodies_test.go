package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/config"
)

func prefix(t *testing.T, s string) netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBodySizes goes to the border of 32 MiB and over it, with the length said
// before and without.
func TestBodySizes(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{}).SecretKey
	const most = 32 << 20
	frame := `{"model":"demo-mini","max_tokens":5,"messages":[{"role":"user","content":"` + `"}]}`
	at := strings.Index(frame, `"}]}`)
	for _, size := range []int{4 << 10, 256<<10 - 1, 256 << 10, 1 << 20, most - 1, most, most + 1, 33 << 20} {
		body := frame[:at] + strings.Repeat("x", size-len(frame)) + frame[at:]
		for _, chunked := range []bool{false, true} {
			req := g.request(t.Context(), ask{key: key, body: body})
			if chunked {
				req.Body, req.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(body))), -1
			}
			resp, err := g.http.Do(req)
			if err != nil {
				t.Errorf("%d bytes, chunked %t: %v", size, chunked, err)
				continue
			}
			r := read(resp)
			if size <= most {
				if _, sent := g.provider.latest(); r.status != 200 || len(sent) != size {
					t.Errorf("%d bytes, chunked %t: status %d %s, %d bytes sent", size, chunked, r.status, r.body, len(sent))
				}
			} else {
				r.want(t, http.StatusRequestEntityTooLarge, "body_too_large")
			}
		}
	}
}

// TestBodies are no requests.
func TestBodies(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{}).SecretKey
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for body, code := range map[string]string{
		" ":                              "invalid_json",
		"null":                           "invalid_json",
		"[]":                             "invalid_json",
		`"text"`:                         "invalid_json",
		"{":                              "invalid_json",
		"{}x":                            "invalid_json",
		"{}{}":                           "invalid_json",
		"{'a':1}":                        "invalid_json",
		`{"model":"demo-mini",}`:         "invalid_json",
		`{"model":"demo-mini" "a":1}`:    "invalid_json",
		`{"model":"demo-mini","a":01}`:   "invalid_json",
		`{"model":"demo-mini","a":NaN}`:  "invalid_json",
		`{"model":"demo-mini","a":"\q"}`: "invalid_json",
		"\xef\xbb\xbf{}":                 "invalid_json",
		`{"model":"demo-mini","messages":` + deep + `}`: "invalid_json",
		"{}":                         "invalid_field",
		`{"model":null}`:             "invalid_field",
		`{"model":7}`:                "invalid_field",
		`{"model":""}`:               "invalid_field",
		`{"model":["demo-mini"]}`:    "invalid_field",
		`{"model":"demo\u0000mini"}`: "invalid_field",
		`{"model":"` + strings.Repeat("m", 257) + `"}`:                       "invalid_field",
		`{"model":"demo-mini","stream":"true","messages":[]}`:                "invalid_field",
		`{"model":"demo-mini","stream":1,"messages":[]}`:                     "invalid_field",
		`{"model":"demo-mini","n":0,"messages":[]}`:                          "invalid_field",
		`{"model":"demo-mini","n":129,"messages":[]}`:                        "invalid_field",
		`{"model":"demo-mini","n":1.0,"messages":[]}`:                        "invalid_field",
		`{"model":"demo-mini","stream_options":1,"messages":[]}`:             "invalid_field",
		`{"model":"demo-mini","tools":{},"messages":[]}`:                     "invalid_field",
		`{"model":"demo-mini","model":"demo-large"}`:                         "duplicate_field",
		`{"model":"demo-mini","mod\u0065l":"demo-large"}`:                    "duplicate_field",
		`{"model":"demo-mini","MODEL":"demo-large"}`:                         "duplicate_field",
		`{"Model":"demo-mini"}`:                                              "duplicate_field",
		`{"model":"demo-mini","Stream":true,"messages":[]}`:                  "duplicate_field",
		`{"model":"demo-mini","max_Tokens":5,"messages":[]}`:                 "duplicate_field",
		`{"model":"demo-mini","max_to` + "\u212a" + `ens":5,"messages":[]}`:  "duplicate_field",
		`{"model":"demo-mini","me` + "\u017f" + `sages":[],"messages":[]}`:   "duplicate_field",
		`{"model":"demo-mini","x":1,"x":2,"messages":[]}`:                    "duplicate_field",
		`{"model":"demo-mini","stream_options":{"Include_usage":true}}`:      "duplicate_field",
		`{"model":"demo-mini","max_tokens":1,"max_tokens":100000}`:           "duplicate_field",
		`{"model":"demo-mini","max_tokens":1,"max_completion_tokens":10000}`: "invalid_field",
	} {
		r := g.do(ask{key: key, body: body})
		if r.status != 400 || r.fault.Error.Code != code {
			t.Errorf("%.100s: %d %s, not %s", body, r.status, r.fault.Error.Code, code)
		}
	}
	if n := g.provider.Stats().Requests; n != 0 {
		t.Errorf("%d of them reached the provider", n)
	}
}

// raw sends bytes as they are and gives back the connection.
func (g *gate) raw(text string) (net.Conn, *bufio.Reader) {
	g.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		g.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// answerWithin reads an answer from a raw connection; none is (0, "") once it is
// closed, and a failure when it is not.
func answerWithin(t *testing.T, conn net.Conn, r *bufio.Reader, d time.Duration) (status int, body string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(d))
	resp, err := http.ReadResponse(r, nil)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Fatalf("neither an answer nor an end within %s", d)
	}
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Fatalf("half an answer, and no end within %s", d)
	}
	return resp.StatusCode, string(b)
}

// slowSender is what comes before the sender falls silent.
type slowSender struct {
	name, text string
	status     int // 0 = closed, or any refusal of net/http's
}

// TestSlowSenders send headers or bodies that never come to their end.
func TestSlowSenders(t *testing.T) {
	g := open(t, func(c *config.Config) {
		c.Limits.ReadHeaderTimeout, c.Limits.BodyIdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	})
	key := g.key(api.KeyInput{}).SecretKey
	disabled := g.key(api.KeyInput{IsActive: api.Set(false)}).SecretKey
	post := func(key, more string) string {
		return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + key + "\r\n" + more
	}
	for _, c := range []slowSender{
		{"nothing", "", 0},
		{"half a header", "POST /v1/chat", 0},
		{"no body", post(key, "Content-Length: 100\r\n\r\n"), 408},
		{"half a body", post(key, "Content-Length: 100\r\n\r\n{\"model\":"), 408},
		{"half a chunk", post(key, "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"model\":"), 408},
		{"no key, no body", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 401},
		{"wrong key, no body", post("tg_nonsense", "Content-Length: 100\r\n\r\n"), 401},
		{"disabled key, no body", post(disabled, "Content-Length: 100\r\n\r\n"), 401},
		{"no such path, half a body", strings.Replace(post(key, "Content-Length: 100\r\n\r\n{"), "/chat/completions", "/nothing", 1), 404},
		{"a list of models with a body that does not come", strings.Replace(post(key, "Content-Length: 100\r\n\r\n"), "POST /v1/chat/completions", "GET /v1/models", 1), 200},
		{"management, no key, no body", "POST /api/v1/api-keys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n", 401},
		{"a wrong type, half a body", strings.Replace(post(key, "Content-Length: 100\r\n\r\n{"), "application/json", "text/plain", 1), 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, r := g.raw(c.text)
			status, body := answerWithin(t, conn, r, 3*time.Second)
			if status != c.status && (c.status != 0 || status < 400 || status >= 500) {
				t.Errorf("status %d, not %d: %s", status, c.status, body)
			}
		})
	}
}

// TestSteadySender is slow, but not too slow: a large body may take longer than
// the first grace.
func TestSteadySender(t *testing.T) {
	g := open(t, func(c *config.Config) { c.Limits.BodyIdleTimeout = 300 * time.Millisecond })
	key := g.key(api.KeyInput{}).SecretKey
	body := `{"model":"demo-mini","max_tokens":5,"messages":[{"role":"user","content":"` + strings.Repeat("x", 64<<10) + `"}]}`
	conn, r := g.raw(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", key, len(body)))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; sent < len(body); <-tick.C {
		n := min(8<<10, len(body)-sent)
		if _, err := io.WriteString(conn, body[sent:sent+n]); err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	if status, text := answerWithin(t, conn, r, 5*time.Second); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
}

// TestHeaderFlood is refused or cut, and the server goes on.
func TestHeaderFlood(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{}).SecretKey
	for name, text := range map[string]string{
		"one huge header":  "GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Flood: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"many headers":     "GET /v1/models HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Flood: x\r\n", 100_000) + "\r\n",
		"a huge line":      "GET /v1/models?" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"no HTTP":          strings.Repeat("\x16\x03\x01", 1000) + "\r\n\r\n",
		"two lengths":      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"length and chunk": "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
		"a negative chunk": "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, text) }() // may be cut off
			if status, _ := answerWithin(t, conn, bufio.NewReader(conn), 5*time.Second); status != 0 && (status < 400 || status >= 500) {
				t.Errorf("status %d", status)
			}
		})
	}
	if r := g.do(ask{key: key, max: 5}); r.status != 200 {
		t.Errorf("afterwards: %d %s", r.status, r.body)
	}
}
