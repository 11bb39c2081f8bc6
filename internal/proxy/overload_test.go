package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// TestBodiesInMemoryAreBounded sends a body that is larger than all bodies
// together may be, and then one that fits: what was lent has been given back.
func TestBodiesInMemoryAreBounded(t *testing.T) {
	g := open(t, func(cfg *config.Config) { cfg.Limits.MaxBufferedBytes = config.MiB })
	key := g.key(api.KeyInput{}).SecretKey
	large := `{"model":"demo-mini","max_tokens":1,"messages":[{"role":"user","content":"` + strings.Repeat("x", 2<<20) + `"}]}`
	for range 3 {
		r := g.do(ask{key: key, body: large})
		r.want(t, http.StatusServiceUnavailable, "overloaded")
		if r.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
		}
	}
	for range 20 {
		if r := g.do(ask{key: key, max: 1}); r.status != http.StatusOK {
			t.Fatalf("after the large ones: %d %s", r.status, r.body)
		}
	}
}

// TestCutAnswersGiveTheirBodiesBack lets documents break off that were begun
// already, which ends their handlers by a panic, until the bodies of their
// requests would not fit into memory together.
func TestCutAnswersGiveTheirBodiesBack(t *testing.T) {
	g := open(t, func(cfg *config.Config) { cfg.Limits.MaxBufferedBytes = config.MiB })
	key := g.key(api.KeyInput{}).SecretKey
	g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"choices":"` + strings.Repeat("x", 2<<20)))
		panic(http.ErrAbortHandler)
	})
	body := `{"model":"demo-mini","max_tokens":1,"messages":[{"role":"user","content":"` + strings.Repeat("x", 200<<10) + `"}]}`
	for i := range 12 {
		if r := g.do(ask{key: key, body: body}); r.status != http.StatusOK {
			t.Fatalf("request %d: %d %s", i, r.status, r.body)
		}
	}
}
