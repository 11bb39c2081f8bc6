package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"

	"tollgate/internal/secret"
	"tollgate/internal/simulate"
	"tollgate/internal/upstream"
)

// serveRole makes this process one of the others: it says where it listens, and
// lives until its input is closed, so that it never outlives the benchmark.
func serveRole(role, to string) error {
	var handler http.Handler
	var err error
	switch role {
	case "provider":
		handler = simulate.New(simulate.Options{})
	case "rp":
		target, err := url.Parse(to)
		if err != nil {
			return err
		}
		handler = reverseProxy(target)
	case "relay":
		if handler, err = relay(to); err != nil {
			return err
		}
	default:
		return fmt.Errorf("there is no role %q", role)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	_ = (&http.Server{Handler: handler}).Serve(l)
	return nil
}

// reverseProxy is Go's own, as anybody would set it up, with a pool that keeps
// all connections of the load: with the default of two it would mostly dial.
func reverseProxy(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 512,
			DisableCompression:  true,
		},
	}
}

// relay is the least that a gate made of Tollgate's own parts can be: the server,
// a body read whole, the pool of connections to the provider, and nothing that
// decides, meters or keeps. What Tollgate takes beyond it is the gate's own.
func relay(to string) (http.Handler, error) {
	client, err := upstream.New([]upstream.Provider{{Slug: "p", Kind: "custom", BaseURL: to + "/v1", Credential: secret.New("sk-bench")}}, upstream.Options{})
	if err != nil {
		return nil, err
	}
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := buffers.Get().(*[]byte)
		if int64(cap(*body)) <= r.ContentLength {
			*body = make([]byte, r.ContentLength+1)
		}
		n, _ := io.ReadFull(r.Body, (*body)[:r.ContentLength])
		resp, err := client.Do(r.Context(), upstream.Request{
			Provider: "p", Path: r.URL.Path, Header: r.Header, Body: (*body)[:n], Release: func() { buffers.Put(body) },
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		upstream.CopyHeader(w.Header(), resp.Header)
		if resp.ContentLength >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
		w.WriteHeader(resp.StatusCode)
		pass(w, resp)
	}), nil
}

func pass(w http.ResponseWriter, resp *http.Response) {
	var piece [8 << 10]byte
	flusher, _ := w.(http.Flusher)
	for {
		n, err := resp.Body.Read(piece[:])
		if n > 0 {
			_, _ = w.Write(piece[:n])
			if resp.ContentLength < 0 {
				flusher.Flush()
			}
		}
		if err != nil {
			return
		}
	}
}
