package admin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/admin"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/counter/memory"
	"tollgate/internal/keyset"
	"tollgate/internal/ledger"
	"tollgate/internal/pricing"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vault"
)

const rootKey = "tgm_test_root_key_0123456789"

// house is a management API over a real store, and the real client of it.
type house struct {
	*client.Client
	url       string
	authority *authority.Authority
	ledger    *ledger.Ledger
	db        *sqlite.DB
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "tollgate.db"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	safe, err := vault.Open(ctx, db.Seals(), keyset.File{Path: filepath.Join(dir, "keyset.json")}, vault.Options{})
	must(t, err)
	t.Cleanup(safe.Close)
	h := &house{db: db, authority: authority.New(db.Authority(), authority.Options{Sealer: safe.Sealer()})}
	_, err = h.authority.EnsureRoot(ctx, secret.New(rootKey))
	must(t, err)
	prices, err := pricing.Open(ctx, db.Prices(), catalog.Options{})
	must(t, err)
	book := db.Ledger()
	h.ledger, err = ledger.Open(ctx, book, memory.New(book.Load), ledger.Options{Dir: filepath.Join(dir, "journal")})
	must(t, err)
	t.Cleanup(func() { must(t, h.ledger.Close()) })
	server := httptest.NewServer(admin.New(admin.Options{
		Vault:     safe,
		Authority: h.authority, Ledger: h.ledger, Prices: prices, Version: "test",
		Configured:  func(provider string) bool { return provider != "cohere" },
		BodyTimeout: 500 * time.Millisecond,
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.Client = client.New(server.URL, rootKey)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// createKey makes a key through the API.
func (h *house) createKey(t *testing.T, in api.KeyInput) api.KeyCreated {
	t.Helper()
	if in.Name.IsZero() {
		in.Name = api.Set("test")
	}
	made, err := h.CreateKey(t.Context(), in)
	must(t, err)
	return made
}

// request is one raw call, for what the client would not send.
type request struct {
	method, path, body string
	header             map[string]string
}

func (h *house) send(t *testing.T, r request) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, h.url+r.path, strings.NewReader(r.body))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+rootKey)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp, string(body)
}

// problem sends a request that must fail, and holds the answer to the form that
// every error has.
func (h *house) problem(t *testing.T, r request) (*http.Response, api.Problem) {
	t.Helper()
	resp, body := h.send(t, r)
	var p api.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s %s: %d with a body that is no problem: %q", r.method, r.path, resp.StatusCode, body)
	}
	switch {
	case resp.Header.Get("Content-Type") != api.ProblemMediaType:
		t.Errorf("Content-Type = %q", resp.Header.Get("Content-Type"))
	case p.Status != resp.StatusCode || api.Status(p.Code) != resp.StatusCode:
		t.Errorf("status %d, in the body %d, of code %q %d", resp.StatusCode, p.Status, p.Code, api.Status(p.Code))
	case p.RequestID == "" || p.RequestID != resp.Header.Get("X-Request-Id"):
		t.Errorf("request id %q, header %q", p.RequestID, resp.Header.Get("X-Request-Id"))
	case p.Title == "" || p.Detail == "" || p.Type != "about:blank":
		t.Errorf("incomplete problem: %+v", p)
	}
	return resp, p
}

// code sends a request that must fail, and gives the code.
func (h *house) code(t *testing.T, r request) string {
	t.Helper()
	_, p := h.problem(t, r)
	return p.Code
}
