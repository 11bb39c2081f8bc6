package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tollgate/client"
	"tollgate/internal/config"
)

const (
	probeTimeout = 5 * time.Second
	clockSlack   = 5 * time.Second // of a Date header in whole seconds, and a slow answer
)

// checkData looks whether the data directory is there, private and writable.
func checkData(dir string) check {
	const name = "data directory"
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := writable(filepath.Dir(filepath.Clean(dir))); err != nil {
			return failed(name, "make "+dir+" writable for the server's user, or set TOLLGATE_DATA", "%s is not there and cannot be made: %v", dir, err)
		}
		return warned(name, "the first tollgate serve makes it", "%s is not there yet", dir)
	case err != nil:
		return failed(name, "make it readable for the server's user, or set TOLLGATE_DATA", "%s: %v", dir, err)
	case !info.IsDir():
		return failed(name, "set TOLLGATE_DATA to a directory", "%s is no directory", dir)
	case info.Mode().Perm()&0o077 != 0:
		return failed(name, "chmod 700 "+dir, "%s can be read by other users (mode %04o)", dir, info.Mode().Perm())
	}
	if err := writable(dir); err != nil {
		return failed(name, "chown or chmod it for the server's user", "%s cannot be written: %v", dir, err)
	}
	return passed(name, "%s is private and writable", dir)
}

// writable tries to make a file in dir, and takes it away again.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// checkServer asks whether the server lives and serves, and what time it has.
func checkServer(ctx context.Context, base string) []check {
	health, err := probe(ctx, base+"/healthz")
	if err != nil {
		return []check{failed("server", "start tollgate serve, or set TOLLGATE_URL to where it listens", "%s does not answer: %v", shownURL(base), rootCause(err))}
	}
	if health.StatusCode != http.StatusOK {
		return []check{failed("server", "set TOLLGATE_URL to a Tollgate server", "%s/healthz answers %d", shownURL(base), health.StatusCode)}
	}
	checks := []check{passed("server", "%s is up", shownURL(base))}
	switch ready, err := probe(ctx, base+"/readyz"); {
	case err != nil:
		checks = append(checks, failed("readiness", "look into the server's log", "%s/readyz does not answer: %v", shownURL(base), rootCause(err)))
	case ready.StatusCode != http.StatusOK:
		checks = append(checks, failed("readiness", "look into the server's log: it is starting, draining, or without its database", "%s/readyz answers %d", shownURL(base), ready.StatusCode))
	default:
		checks = append(checks, passed("readiness", "requests are served"))
	}
	return append(checks, checkClock(health.Header.Get("Date"), time.Now()))
}

// checkClock compares this machine's clock with the server's: expiry times and
// budget windows are the server's.
func checkClock(date string, now time.Time) check {
	const name = "clock"
	server, err := http.ParseTime(date)
	if err != nil {
		return warned(name, "", "the server does not tell its time")
	}
	if off := server.Sub(now).Abs(); off > clockSlack {
		return warned(name, "let both machines follow a time server (NTP)", "the server's clock is %s off this machine's", off.Round(time.Second))
	}
	return passed(name, "the server's clock agrees with this machine's")
}

func probe(ctx context.Context, url string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// shownURL is an address without what it must not show.
func shownURL(s string) string {
	return firstSet(config.ShownURL(s), "the address in TOLLGATE_URL")
}

// errNoURL stands for the parser's own error, which quotes what it could not read.
var errNoURL = errors.New("it is not an address like " + defaultURL)

// rootCause is what happened, without the address that stands beside it.
func rootCause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Op == "parse" {
			return errNoURL
		}
		return u.Err
	}
	return err
}

// checkToken asks for something that any management key may see.
func checkToken(ctx context.Context, cl *client.Client, token string) check {
	const name = "token"
	if token == "" {
		return warned(name, "set TOLLGATE_TOKEN to a management key (tgm_…)", "there is none, so the management API cannot be used from here")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err := cl.Keys(ctx, client.KeyQuery{Size: 1})
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		return passed(name, "the management key works")
	case answered && refused.Code == "permission_denied":
		return passed(name, "the management key is valid; it may not list keys")
	case answered:
		return failed(name, refusalHint(refused), "%s", message(err))
	}
	return failed(name, "see the check of the server", "it could not be tried: %v", rootCause(err))
}

// checkProviders looks at each configured provider and opens a connection to it.
func checkProviders(ctx context.Context, cfg *config.Config) []check {
	endpoints := cfg.Configured()
	if len(endpoints) == 0 {
		return []check{warned("providers", "set OPENAI_API_KEY or another provider's variable for the server", "none is configured, so no model can be reached")}
	}
	checks := make([]check, len(endpoints))
	var wg sync.WaitGroup
	for i, e := range endpoints {
		wg.Go(func() { checks[i] = checkProvider(ctx, e) })
	}
	wg.Wait()
	return checks
}

func checkProvider(ctx context.Context, e config.Endpoint) check {
	name := "provider " + e.Slug
	u, err := url.Parse(e.BaseURL)
	if err != nil {
		return failed(name, "correct its base URL", "its base URL cannot be read")
	}
	if err := dial(ctx, u); err != nil {
		return failed(name, "check its base URL, the network, the firewall and the name service", "%s cannot be reached: %v", u.Host, err)
	}
	if e.APIKey.IsZero() {
		return warned(name, "set its credential, unless its server wants none", "%s can be reached; there is no credential", u.Host)
	}
	return passed(name, "%s can be reached; there is a credential (not tried)", u.Host)
}

// dial opens a connection, and for https also checks the certificate.
func dial(ctx context.Context, u *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	var conn net.Conn
	var err error
	if u.Scheme == "https" {
		conn, err = new(tls.Dialer).DialContext(ctx, "tcp", address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return fmt.Errorf("close the connection: %w", err)
	}
	return nil
}
