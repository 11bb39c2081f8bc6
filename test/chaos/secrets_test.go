package chaos

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/simulate"
)

// What is planted. The marker is no secret: what finds it would find the others.
const (
	plantedCredential = "sk-provider-credential" // see newHouse
	plantedPrompt     = "prompt-Zq81xvLw-of-nobody-else"
	plantedAnswer     = "answer-Rk27ptNe-of-nobody-else"
	plantedMarker     = "marker-Bd94msUy"
)

// echo is a provider that repeats its credential wherever it can, when a request
// says where in X-Echo, and else lets the simulated one answer.
func echo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credential := carried(r)
		switch r.Header.Get("X-Echo") {
		case "":
			next.ServeHTTP(w, r)
		case "error body":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, credential)
		case "long error body": // the credential lies across the end of what is passed on
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, strings.Repeat(".", 64<<10-len(credential)/2)+credential)
		case "error body of others": // whose encoders are others than Go's
			w.Header().Set("Location", "/?key="+url.QueryEscape(credential))
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"%s %s %s"}}`, strings.ReplaceAll(credential, "/", `\/`), strings.ReplaceAll(credential, "+", `\u002B`), url.PathEscape(credential))
		case "error header":
			w.Header().Set("X-Debug", "authorization: Bearer "+credential)
			w.WriteHeader(http.StatusForbidden)
		case "redirect":
			w.Header().Set("Location", "https://example.com/?key="+credential)
			w.WriteHeader(http.StatusFound)
		case "answer header":
			w.Header().Set("X-Debug", credential)
			next.ServeHTTP(w, r)
		case "answer id": // which is kept, and shown with the usage
			w.Header().Set("X-Request-Id", credential)
			w.WriteHeader(http.StatusBadRequest)
		case "answer":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":"x","choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, plantedAnswer)
		case "error event":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"error\":{\"message\":\"Incorrect API key provided: %s\"}}\n\ndata: [DONE]\n\n", credential)
		case "document":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":"%s","choices":[{"message":{"content":"%[1]s"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, credential)
		case "stream": // a character at a time
			w.Header().Set("Content-Type", "text/event-stream")
			for c := range strings.SplitSeq(fmt.Sprintf("data: {\"id\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%[1]s\"}}]}\n\ndata: [DONE]\n\n", credential), "") {
				_, _ = io.WriteString(w, c)
				_ = http.NewResponseController(w).Flush()
			}
		default:
			hijacked(w, r.Header.Get("X-Echo"), credential)
		}
	})
}

// carried is the secrets that a request came with.
func carried(r *http.Request) string {
	return strings.TrimSpace(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + " " + r.Header.Get("X-Team"))
}

// hijacked answers with what is hardly HTTP.
func hijacked(w http.ResponseWriter, how, credential string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	switch how {
	case "no http":
		fmt.Fprintf(conn, "HTTP/1.1 %s %s\r\n\r\n", credential, plantedAnswer)
	case "bad header":
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s %s\r\n\r\n", credential, plantedAnswer)
	case "behind the answer": // what comes after the announced length is nobody's answer
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}%s %s", plantedAnswer, credential)
		_, _ = conn.Read(make([]byte, 1)) // until the other side has seen it and closes
	}
}

var echoes = []string{
	"error body", "long error body", "error body of others", "error header", "redirect", "answer header", "answer id", "answer", "error event",
	"document", "stream", "no http", "bad header", "behind the answer",
}

// searched is a text that must not be found, with its name.
type searched struct{ name, text string }

// find gives the names of what is found in b, as it is or as programs write it.
func find(b []byte, secrets []searched) (found []string) {
	lower := bytes.ToLower(b)
	for _, s := range secrets {
		for _, form := range []string{s.text, hex.EncodeToString([]byte(s.text)), base64.StdEncoding.EncodeToString([]byte(s.text))[:len(s.text)/3*4]} {
			if bytes.Contains(lower, []byte(strings.ToLower(form))) {
				found = append(found, s.name)
				break
			}
		}
	}
	return found
}

// TestSecrets lets secrets pass in every way there is and then looks for them in
// all that the process wrote and answered.
func TestSecrets(t *testing.T) {
	p := newProvider(t, simulate.Behaviour{}, echo)
	h := newHouse(t, p)
	c, g := h.start(t)
	key := g.newKey(t, api.KeyInput{Name: api.Set(plantedMarker), BudgetLimitCents: api.Set[int64](1000)})
	open := g.newKey(t, api.KeyInput{Name: api.Set(plantedMarker)})
	secrets := []searched{
		{"the provider's credential", plantedCredential},
		{"half of the credential", plantedCredential[:len(plantedCredential)/2]},
		{"the caller's key", key.SecretKey[3:]},
		{"the other key", open.SecretKey[3:]},
		{"the root key", h.root[4:]},
		{"the prompt", plantedPrompt},
		{"the answer", plantedAnswer},
	}
	marker := []searched{{"the marker", plantedMarker}}
	ctx := within(t, time.Minute)

	t.Run("answers", func(t *testing.T) {
		for _, how := range echoes {
			t.Run(how, func(t *testing.T) {
				g.echoed(ctx, t, key.SecretKey, how, secrets)
				g.echoed(ctx, t, open.SecretKey, how, secrets)
			})
		}
		g.misplaced(ctx, t, key.SecretKey, secrets)
		for _, path := range []string{"/api/v1/api-keys", "/api/v1/api-keys/" + key.APIKey.ID, "/api/v1/usage", "/api/v1/organization"} {
			said := g.get(ctx, path, h.root)
			if found := find(said, secrets); found != nil {
				t.Errorf("GET %s tells %v", path, found)
			}
			if path != "/api/v1/organization" && find(said, marker) == nil {
				t.Errorf("GET %s: the marker is not found, so nothing would be", path)
			}
		}
	})
	t.Run("faults", func(t *testing.T) {
		for _, fault := range []string{"", "cut", "cut-before", "bad-json", "no-usage", "status=500", "gzip"} {
			for _, stream := range []bool{false, true} {
				r := g.do(ctx, ask{key: key.SecretKey, stream: stream, prompt: plantedPrompt, header: map[string]string{"X-Simulate-Fault": fault}})
				if found := find([]byte(r.body+fmt.Sprint(r.header, r.err)), secrets); found != nil {
					t.Errorf("fault %q, stream %t: the answer tells %v", fault, stream, found)
				}
			}
		}
	})
	t.Run("files after a crash", func(t *testing.T) {
		c.kill(t)
		searchFiles(t, h.dir, secrets, marker)
	})
	t.Run("files after an end", func(t *testing.T) {
		c, g = h.start(t)
		g.do(ctx, ask{key: key.SecretKey, prompt: plantedPrompt})
		c.terminate(t)
		c.wait(t)
		searchFiles(t, h.dir, secrets, marker)
	})
	t.Run("the log", func(t *testing.T) {
		c, g = h.start(t)
		g.do(ctx, ask{key: key.SecretKey, prompt: plantedPrompt})
		if err := c.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // all goroutines' stacks
			t.Fatal(err)
		}
		c.wait(t)
		for line := range strings.Lines(h.output.String()) {
			if found := find([]byte(line), secrets); found != nil {
				t.Errorf("the log tells %v: %.300s", found, line)
			}
		}
		log := h.output.String()
		if !strings.Contains(log, key.APIKey.ID) || !strings.Contains(log, "goroutine ") {
			t.Error("the key's id or the stacks are not found, so nothing would be")
		}
		if strings.Contains(log, "panic:") || strings.Contains(log, "http: panic") {
			t.Error("something panicked")
		}
	})
}

// echoed sends a request to which the provider answers with its credential.
func (g *gate) echoed(ctx context.Context, t *testing.T, secret, how string, secrets []searched) {
	t.Helper()
	r := g.do(ctx, ask{key: secret, prompt: plantedPrompt, stream: how == "error event", header: map[string]string{"X-Echo": how}})
	if how == "answer" || how == "behind the answer" {
		if how == "answer" && !strings.Contains(r.body, plantedAnswer) {
			t.Errorf("the answer is lost: %d %s", r.status, r.body)
		}
		r.body = strings.ReplaceAll(r.body, plantedAnswer, "")
	}
	if found := find([]byte(r.body+fmt.Sprint(r.header, r.err)), secrets); found != nil {
		t.Errorf("%s: the caller is told %v: %d %v %.200s", how, found, r.status, r.header, strings.TrimLeft(r.body, "."))
	}
}

// misplaced puts keys where they do not belong.
func (g *gate) misplaced(ctx context.Context, t *testing.T, secret string, secrets []searched) {
	t.Helper()
	for _, path := range []string{"/v1/models/" + secret, "/v1/" + secret, "/v1/chat/completions?key=" + secret, "/" + secret, "/api/v1/" + secret, "/api/v1/api-keys/" + secret, "/api/v1/api-keys?search=" + secret} {
		for _, token := range []string{secret, g.root, ""} {
			_ = g.get(ctx, path, token) // may repeat to the caller what it sent
		}
	}
	g.do(ctx, ask{key: secret + "x"})
	g.do(ctx, ask{key: "tg_" + plantedPrompt})
	for _, model := range []string{"no such model " + plantedPrompt, secret, "demo/" + secret} {
		fresh := g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](0)}) // refusals alike are logged once
		g.do(ctx, ask{key: fresh.SecretKey, model: model})
	}
	r := g.do(ctx, ask{key: secret, header: map[string]string{"X-Api-Key": g.root}})
	if found := find([]byte(r.body), secrets); found != nil {
		t.Errorf("two keys: the caller is told %v", found)
	}
}

func (g *gate) get(ctx context.Context, path, token string) []byte {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.base+path, nil)
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := g.http.Do(req)
	if err != nil {
		return nil
	}
	defer drain(resp.Body)
	b, _ := io.ReadAll(resp.Body)
	return b
}

// searchFiles looks into every file, byte by byte.
func searchFiles(t *testing.T, dir string, secrets, marker []searched) {
	t.Helper()
	files, marked := 0, map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if found := find(b, secrets); found != nil {
			t.Errorf("%s holds %v", filepath.Base(path), found)
		}
		if find(b, marker) != nil {
			marked[strings.SplitN(filepath.Base(path), "-", 2)[0]] = true
		}
		if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %s", filepath.Base(path), info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !marked["tollgate.db"] || !marked["journal"] {
		t.Errorf("the marker is found in %v of %d files only, so a secret would not be", marked, files)
	}
}
