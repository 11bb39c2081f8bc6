package proxy_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
)

// TestAnEncodedSecretDoesNotPass: nor does one that a provider repeats in base64 or
// hex, as a part of what it was sent.
func TestAnEncodedSecretDoesNotPass(t *testing.T) {
	g := open(t, nil)
	g.shared(api.CredentialInput{})
	k := g.key(api.KeyInput{})
	for name, encode := range map[string]func(string) string{
		"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte("Bearer " + s + "\n")) },
		"basic":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) },
		"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"hex":       func(s string) string { return hex.EncodeToString([]byte("Bearer " + s)) },
		"HEX":       func(s string) string { return fmt.Sprintf("%X", s) },
	} {
		word := encode(sharedSecret)
		inside := word[len(word)-32 : len(word)-8] // a part of it that is the secret's alone
		for what, c := range map[string]struct {
			status       int
			kind, answer string
			stream       bool
		}{
			"an error":        {401, "application/json", `{"error":{"message":"wrong: ` + word + `"}}`, false},
			"a cut error":     {500, "text/plain", strings.Repeat("x", 64<<10-len(word)/2) + word + strings.Repeat("y", 9000), false},
			"a document":      {200, "application/json", `{"id":"` + word + `","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"` + word + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}`, false},
			"a stream":        {200, "text/event-stream", "data: {\"id\":\"" + word + "\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + word + "\"}}]}\n\ndata: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":3,\"total_tokens\":6}}\n\ndata: [DONE]\n\n", true},
			"a cut in a word": {500, "text/plain", word[:len(word)/2] + " is not all of it", false},
		} {
			for _, step := range []int{1 << 30, 7} {
				g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.kind)
					w.Header().Set("X-Request-Id", "req-"+word)
					w.Header().Set("X-Echo", word)
					w.WriteHeader(c.status)
					for rest := c.answer; rest != ""; {
						n := min(step, len(rest))
						_, _ = w.Write([]byte(rest[:n]))
						if len(c.answer) < 1<<14 {
							_ = http.NewResponseController(w).Flush()
						}
						rest = rest[n:]
					}
				})
				r := g.do(ask{key: k.SecretKey, model: gpt, stream: c.stream})
				all := fmt.Sprint(r.status, r.header, r.body, g.rows(k.APIKey.ID)[0])
				if r.status != c.status || !strings.Contains(all, "[redacted]") {
					t.Errorf("%s, %s, %d: %d %.300s", name, what, step, r.status, r.body)
				}
				if strings.Contains(all, word) || strings.Contains(all, inside) {
					t.Errorf("%s, %s, %d: it passed: %.300s", name, what, step, all)
				}
				if what == "a cut error" && (!strings.HasPrefix(r.body, "xxx") || len(strings.Trim(r.body, "x")) > len("Bearer ")*2) {
					t.Errorf("%s, %s, %d: passed %q at the border", name, what, step, strings.Trim(r.body, "x"))
				}
				if what == "a cut in a word" && r.body != c.answer {
					t.Errorf("%s, %s, %d: %q became %q", name, what, step, c.answer, r.body)
				}
			}
		}
	}
	if strings.Contains(g.log.String(), "PLANTED") {
		t.Error("it is in the log")
	}
}
