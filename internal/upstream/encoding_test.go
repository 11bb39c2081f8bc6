package upstream_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/upstream"
)

// TestGzipIsTakenOff serves what nobody asked for: a compressed answer.
func TestGzipIsTakenOff(t *testing.T) {
	const text = `{"usage":{"prompt_tokens":1}}`
	for _, c := range []struct {
		name, encoding, want, left string
		err                        error
	}{
		{"gzip", "gzip", text, "", nil},
		{"its older name, in another case", "X-GZip", text, "", nil},
		{"empty gzip", "gzip", "", "", nil},
		{"none, by name", "Identity", text, "", nil},
		{"none, twice", "identity, identity", text, "", nil},
		{"gzip and none", "identity,gzip", text, "", nil},
		{"another coding is not read", "br", "", "br", upstream.ErrCoded},
		{"nor is one upon gzip", "gzip, zstd", "", "gzip, zstd", upstream.ErrCoded},
		{"nor gzip upon gzip", "gzip,gzip", "", "gzip, gzip", upstream.ErrCoded},
		{"nor what nobody knows", "made-up", "", "made-up", upstream.ErrCoded},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept-Encoding"); got != "identity" {
					t.Errorf("the provider was asked for %q", got)
				}
				w.Header().Set("Content-Encoding", c.encoding)
				if c.want == "" && c.err == nil {
					return
				}
				if strings.Contains(strings.ToLower(c.encoding), "gzip") {
					z := gzip.NewWriter(w)
					defer func() { _ = z.Close() }()
					_, _ = io.WriteString(z, text)
					return
				}
				_, _ = io.WriteString(w, text)
			}))
			defer srv.Close()
			client, err := upstream.New([]upstream.Provider{{Slug: "custom", Kind: "custom", BaseURL: srv.URL + "/v1"}}, upstream.Options{})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(t.Context(), upstream.Request{Provider: "custom", Path: "/v1/chat/completions", Body: []byte("{}")})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if !errors.Is(err, c.err) || string(body) != c.want || resp.Header.Get("Content-Encoding") != c.left {
				t.Errorf("%q, coding %q, %v; want %q, coding %q", body, resp.Header.Get("Content-Encoding"), err, c.want, c.left)
			}
		})
	}
}
