package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
)

// ask is one request to the gate.
type ask struct {
	key    string
	model  string // demo-large
	stream bool
	max    int               // max_tokens; 0 = none
	n      int               // answers; 0 = one
	prompt string            // "Hello"
	header map[string]string // X-Simulate-… among others
}

// reply is what the caller got.
type reply struct {
	status   int
	code     string // of an error
	id       string // x-request-id
	header   http.Header
	complete bool   // the whole answer was read, up to its proper end
	broken   bool   // a stream ended with an error event
	body     string // what was read
	err      error  // of the connection
}

// do sends a and reads the answer to its end.
func (g *gate) do(ctx context.Context, a ask) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/v1/chat/completions", strings.NewReader(a.body()))
	if err != nil {
		return reply{err: err}
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer drain(resp.Body)
	r := reply{status: resp.StatusCode, id: resp.Header.Get("X-Request-Id"), header: resp.Header}
	if resp.StatusCode == http.StatusOK && a.stream {
		r.readStream(resp.Body)
	} else {
		r.readWhole(resp.Body)
	}
	return r
}

func (a ask) body() string {
	if a.model == "" {
		a.model = "demo-large"
	}
	if a.prompt == "" {
		a.prompt = "Hello"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":%q,"messages":[{"role":"user","content":%q}]`, a.model, a.prompt)
	if a.max > 0 {
		fmt.Fprintf(&b, `,"max_tokens":%d`, a.max)
	}
	if a.n > 0 {
		fmt.Fprintf(&b, `,"n":%d`, a.n)
	}
	if a.stream {
		b.WriteString(`,"stream":true`)
	}
	return b.String() + "}"
}

func (r *reply) readWhole(body io.Reader) {
	b, err := io.ReadAll(body)
	r.body, r.err = string(b), err
	var seen struct{ Error struct{ Code string } }
	if json.Unmarshal(b, &seen) == nil {
		r.code = seen.Error.Code
	}
	r.complete = err == nil && r.status == http.StatusOK && json.Valid(b)
}

func (r *reply) readStream(body io.Reader) {
	var all strings.Builder
	lines := bufio.NewScanner(io.TeeReader(body, &all))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "data: [DONE]":
			r.complete = true
		case strings.HasPrefix(line, `data: {"error"`):
			r.broken = true
		}
	}
	r.body, r.err = all.String(), lines.Err()
}

// quiet is a log for servers whose handlers are meant to break off.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
