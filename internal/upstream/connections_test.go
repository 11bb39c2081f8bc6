package upstream_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	own "tollgate/internal/credential"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
	"tollgate/internal/upstream"
)

func TestConnectionsAreReused(t *testing.T) {
	var conns atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})

	for range 100 {
		send(t, c, chat(strings.Repeat("x", 100_000)))
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("100 requests in a row took %d connections, want 1", n)
	}
	for range 3 {
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() { send(t, c, chat("{}")) })
		}
		all.Wait()
	}
	if n := conns.Load(); n > 64 {
		t.Errorf("64 requests at a time took %d connections, want at most 64", n)
	}
}

func TestHTTP2(t *testing.T) {
	var conns atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ProtoMajor != 2 || len(body) != 100_000 || r.Header.Get("Authorization") != "Bearer "+credential || r.Header.Get("Idempotency-Key") != "i" {
			http.Error(w, "bad "+r.Proto, http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	srv.EnableHTTP2 = true
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{RootCAs: roots})
	for range 10 {
		r := chat(strings.Repeat("x", 100_000))
		r.Header = http.Header{"Idempotency-Key": {"i"}}
		if got := send(t, c, r); got != "ok" {
			t.Fatal(got)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}

	stranger := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	if _, err := stranger.Do(t.Context(), chat("{}")); !errors.Is(err, upstream.ErrNotSent) {
		t.Errorf("a certificate that nobody known signed: got %v, want ErrNotSent", err)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	srv := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect))
	defer srv.Close()
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	resp, err := c.Do(t.Context(), chat("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestCallerGone(t *testing.T) {
	arrived := make(chan struct{}, 1)
	base := rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	c := open(t, "custom", base, upstream.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-arrived; cancel(errors.New("some cause")) }()
	_, err := c.Do(ctx, chat("{}"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, upstream.ErrNotSent) || errors.Is(err, upstream.ErrTimeout) {
		t.Errorf("cancelled after sending: %v", err)
	}
	_, err = c.Do(ctx, chat("{}"))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, upstream.ErrNotSent) {
		t.Errorf("cancelled before sending: %v", err)
	}
}

// TestPostIsNotSentTwice cuts a kept connection after a request with an
// idempotency key was read from it: net/http would send that again by itself,
// whether the caller sent it or the account it is sent under has one.
func TestPostIsNotSentTwice(t *testing.T) {
	for name, r := range map[string]func(base string) upstream.Request{
		"the caller's": func(string) upstream.Request {
			r := chat("{}")
			r.Header = http.Header{"Idempotency-Key": {"i-1"}, "X-Idempotency-Key": {"i-1"}}
			return r
		},
		"the account's": func(base string) upstream.Request {
			r := chat("{}")
			a := own.NewAccount(own.Custom, own.Config{BaseURL: base, Headers: []string{"Idempotency-Key", "X-Idempotency-Key"}}, []own.Opened{
				{Field: own.APIKey, Text: secret.New("sk-0123456789")},
				{Field: own.Headers + "Idempotency-Key", Text: secret.New("idempotent")},
				{Field: own.Headers + "X-Idempotency-Key", Text: secret.New("idempotent")},
			})
			r.Account = &a
			return r
		},
	} {
		var requests atomic.Int64
		base := rawServer(t, func(c net.Conn) {
			in := bufio.NewReader(c)
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				if requests.Add(1) > 1 {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		})
		c := open(t, "custom", base, upstream.Options{Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
		send(t, c, r(base))
		_, err := c.Do(t.Context(), r(base))
		if err == nil || errors.Is(err, upstream.ErrNotSent) {
			t.Errorf("%s: got %v, want an error that says it may have been served", name, err)
		}
		if n := requests.Load(); n != 2 {
			t.Errorf("%s: the provider got %d requests, want 2", name, n)
		}
	}
}
