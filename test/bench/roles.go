package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"tollgate/internal/simulate"
)

// serveRole makes this process one of the others: it says where it listens, and
// lives until its input is closed, so that it never outlives the benchmark.
func serveRole(role, to string) error {
	var handler http.Handler
	switch role {
	case "provider":
		handler = simulate.New(simulate.Options{})
	case "rp":
		target, err := url.Parse(to)
		if err != nil {
			return err
		}
		handler = reverseProxy(target)
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
