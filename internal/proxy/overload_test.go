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
