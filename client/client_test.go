package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
)

const token = "tgm_planted_secret_token"

// serve answers every request with h.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		_, _ = io.WriteString(w, `{"id":"key_1","version":4}`)
	})
	for name, base := range map[string]string{"plain": url, "with a slash": url + "/", "with the API's path": url + "/api/v1/"} {
		t.Run(name, func(t *testing.T) {
			k, err := client.New(base, token, client.WithUserAgent("me/1")).UpdateKey(t.Context(), "key_1/../x", api.KeyInput{Name: api.Set("n")}, client.IfVersion(3))
			if err != nil || k.ID != "key_1" || k.Version != 4 {
				t.Fatalf("%+v, %v", k, err)
			}
			if got.Method != "PATCH" || got.URL.EscapedPath() != "/api/v1/api-keys/key_1%2F..%2Fx" || body != `{"name":"n"}` {
				t.Errorf("%s %s %s", got.Method, got.URL.EscapedPath(), body)
			}
			for header, want := range map[string]string{
				"Authorization": "Bearer " + token, "If-Match": `"3"`, "Content-Type": "application/json", "User-Agent": "me/1",
			} {
				if got.Header.Get(header) != want {
					t.Errorf("%s: %q, want %q", header, got.Header.Get(header), want)
				}
			}
		})
	}
}

func TestProblem(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", api.ProblemMediaType+"; charset=utf-8")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(422)
		_, _ = io.WriteString(w, `{"status":422,"code":"validation_failed","detail":"2 fields.","request_id":"req_1",
			"errors":[{"field":"name","message":"is required"},{"field":"tags","message":"too many"}]}`)
	})
	_, err := client.New(url, token).CreateKey(t.Context(), api.KeyInput{})
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if e.Code != "validation_failed" || e.Status != 422 || len(e.Fields) != 2 || e.RetryAfter != 7*time.Second || e.RequestID != "req_1" {
		t.Errorf("%+v", e)
	}
	if want := "validation_failed: 2 fields. name: is required; tags: too many"; e.Error() != want {
		t.Errorf("%q, want %q", e.Error(), want)
	}
}

// Answers that are not Tollgate's are told by their status, and bounded.
func TestForeignAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		status int    // of the *Error; 0 = another error
		text   string // in the message
	}{
		"a gateway's page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<h1>Bad gateway</h1>")
		}, 502, "502 Bad Gateway"},
		"a broken problem": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", api.ProblemMediaType)
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "{")
		}, 500, "500"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
		}, 302, "302"},
		"a page for 200": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, 0, "is it a Tollgate server"},
		"far too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(spaces{}, 33<<20))
		}, 0, "larger than 32 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(serve(t, tc.answer), token).Key(t.Context(), "key_1")
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("%v, want %q in it", err, tc.text)
			}
			if e, ok := errors.AsType[*client.Error](err); ok != (tc.status != 0) || ok && (e.Status != tc.status || e.Code != "") {
				t.Errorf("%#v, want status %d", err, tc.status)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the token is in the error: %v", err)
			}
		})
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestUnusableBaseURL(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://example.com", "http://", "http://user:hunter2@example.com", "http://[::1"} {
		_, err := client.New(base, token).Key(t.Context(), "key_1")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// Whoever prints a client or one of its errors does not print the token.
func TestTokenIsNotPrinted(t *testing.T) {
	c := client.New("http://127.0.0.1:1", token)
	_, err := c.Keys(t.Context(), client.KeyQuery{Search: "x"})
	if err == nil {
		t.Fatal("a request to a closed port succeeded")
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", *c), err.Error(), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, token) {
			t.Errorf("the token is in %q", text)
		}
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := client.New(url, token).Key(ctx, "key_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
