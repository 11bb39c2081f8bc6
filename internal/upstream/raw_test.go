package upstream_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/upstream"
)

func TestWhereAProvidersOwnPathsLie(t *testing.T) {
	srv, got := provider(t)
	for _, test := range []struct{ kind, base, path, uri, header string }{
		{"openai", "/v1", "/v1/files", "/v1/files", "Authorization"},
		{"openai", "/v1", "/metrics", "/metrics", "Authorization"},
		{"custom", "/some/where/v1", "/v1/files", "/some/where/v1/files", "Authorization"},
		{"custom", "/some/where/v1", "/health", "/some/where/health", "Authorization"},
		{"custom", "/api", "/v1/files", "/api/files", "Authorization"},
		{"custom", "/api", "/health", "/api/health", "Authorization"},
		{"huggingface", "/v1", "/hf-inference/models/a/b", "/hf-inference/models/a/b", "Authorization"},
		{"azure", "", "/openai/files", "/openai/files", "Api-Key"},
		{"anthropic", "", "/v1/files", "/v1/files", "X-Api-Key"},
		{"google", "", "/upload/v1beta/files", "/upload/v1beta/files", "X-Goog-Api-Key"},
		{"google", "", "/v1beta/openai/files", "/v1beta/openai/files", "Authorization"},
		{"cohere", "", "/v1/classify", "/v1/classify", "Authorization"},
		{"demo", "/v1", "/simulate/stats", "/simulate/stats", "Authorization"},
	} {
		c := open(t, test.kind, srv.URL+test.base, upstream.Options{})
		send(t, c, upstream.Request{
			Provider: "p", Raw: true, Method: http.MethodPut, Path: test.path, RawQuery: "a=1&key=caller", Header: http.Header{"Content-Type": {"text/x"}},
			From: strings.NewReader("body"), Size: 4,
		})
		if got.uri != test.uri+"?a=1" || got.method != http.MethodPut || got.body != "body" || got.length != 4 || got.header.Get("Content-Type") != "text/x" ||
			!strings.HasSuffix(got.header.Get(test.header), credential) {
			t.Errorf("%s %s: %s %s %q %v, want %s", test.kind, test.path, got.method, got.uri, got.body, got.header, test.uri)
		}
	}
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	send(t, c, upstream.Request{Provider: "p", Raw: true, Method: http.MethodGet, Path: "/v1/x"})
	if got.length != 0 || got.header.Get("Content-Type") != "" {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"", "v1/x", "/v1/../x", "/.."} {
		if _, err := c.Do(t.Context(), upstream.Request{Provider: "p", Raw: true, Path: path}); !errors.Is(err, upstream.ErrNotSent) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestABodyThatIsNotKeptIsSentOnce: without a length it comes in chunks, and where
// nobody is reached none of it was read.
func TestABodyThatIsNotKeptIsSentOnce(t *testing.T) {
	srv, got := provider(t)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	released := 0
	send(t, c, upstream.Request{Provider: "p", Raw: true, Path: "/v1/x", From: strings.NewReader("abc"), Size: -1, Release: func() { released++ }})
	if got.body != "abc" || got.length != -1 || released != 1 {
		t.Errorf("%+v, released %d times", got, released)
	}
	srv.Close()
	c = open(t, "openai", srv.URL+"/v1", upstream.Options{}) // that has no connection left
	body := strings.NewReader("abc")
	if _, err := c.Do(t.Context(), upstream.Request{Provider: "p", Raw: true, Path: "/v1/x", From: body, Size: -1}); !errors.Is(err, upstream.ErrNotSent) || body.Len() != 3 {
		t.Errorf("%v, %d bytes left", err, body.Len())
	}
	if _, err := c.Do(t.Context(), upstream.Request{Provider: "p", Raw: true, Path: "/v1/x", From: io.LimitReader(body, 0), Size: 0}); !errors.Is(err, upstream.ErrNotSent) {
		t.Error(err)
	}
}
