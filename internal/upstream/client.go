package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"tollgate/internal/reach"
	"tollgate/internal/secret"
)

// Provider is one place that requests can be sent to.
type Provider struct {
	Slug       string      // the name that callers and rules use; unique
	Kind       string      // openai, anthropic, google, cohere, huggingface, azure, custom or demo
	BaseURL    string      // as the provider's own SDK takes it; see the table in route.go
	Credential secret.Text // sent in the header that the provider reads; zero = none is sent
}

// Usual is where a built-in provider is when nobody configures it: requests go
// there under an account of the caller's own.
type Usual struct {
	Kind    string // which is its slug as well
	BaseURL string
}

// Options are the figures of the transport. The zero value of each field means
// its default.
type Options struct {
	DialTimeout    time.Duration  // to connect, and again for the TLS handshake; 10 s
	HeaderTimeout  time.Duration  // from the request's last byte to the answer's headers; 10 min, since a long answer that is not streamed begins when it is complete
	IdleTimeout    time.Duration  // an idle connection is closed after this; 60 s, less than providers wait, so that a request rarely meets a connection that is just being closed
	MaxIdlePerHost int            // idle connections kept for each provider; 512
	RootCAs        *x509.CertPool // who may sign a provider's certificate; nil = the system's
	Usual          []Usual        // of providers that may not be configured; one that is, is where it is configured to be
	Reach          reach.Policy   // where base URLs of accounts may lead; zero = public addresses
	Resolver       *net.Resolver  // of the hosts of such base URLs; nil = the system's

	// Proxy finds the proxy for a base URL, asked once per provider; nil = the
	// usual variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy func(*http.Request) (*url.URL, error)
}

// Client sends requests to the providers it was made with. It is safe for
// concurrent use and never changes after New.
type Client struct {
	targets   map[string]*target
	usual     map[string]*target // where providers that are not configured are, without a credential
	transport *http.Transport
	foreign   foreign // the way to base URLs of accounts
}

// New checks the providers and builds a Client. The error names every wrong
// provider, never a credential.
func New(providers []Provider, opts Options) (*Client, error) {
	c := &Client{targets: make(map[string]*target, len(providers)), usual: make(map[string]*target, len(opts.Usual))}
	proxies := make(map[string]*url.URL)
	var problems []error
	for _, p := range providers {
		t, err := newTarget(p)
		if err != nil {
			problems = append(problems, fmt.Errorf("provider %q: %w", p.Slug, err))
			continue
		}
		if _, taken := c.targets[p.Slug]; taken {
			problems = append(problems, fmt.Errorf("provider %q is configured twice: give each its own name", p.Slug))
			continue
		}
		c.targets[p.Slug] = t
		problems = append(problems, findProxy(t, opts, proxies))
	}
	for _, u := range opts.Usual {
		t, err := newTarget(Provider{Slug: u.Kind, Kind: u.Kind, BaseURL: u.BaseURL})
		if err != nil {
			problems = append(problems, fmt.Errorf("provider %q: %w", u.Kind, err))
			continue
		}
		c.usual[u.Kind] = t
		problems = append(problems, findProxy(t, opts, proxies))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c.transport = newTransport(opts, proxies)
	c.foreign = newForeign(opts)
	return c, nil
}

// findProxy notes the proxy for a target, if it needs one.
func findProxy(t *target, opts Options, proxies map[string]*url.URL) error {
	via, err := proxyFor(t.base, opts.Proxy)
	if err != nil {
		return fmt.Errorf("provider %q: the proxy for it cannot be used: check HTTPS_PROXY and HTTP_PROXY", t.slug)
	}
	if via != nil {
		proxies[t.base.Scheme+"://"+t.base.Host] = via
	}
	return nil
}

// Configured reports whether requests can be sent to the provider.
func (c *Client) Configured(slug string) bool { return c.targets[slug] != nil }

// Kind is the provider's kind; "" when it is not configured.
func (c *Client) Kind(slug string) string {
	if t := c.targets[slug]; t != nil {
		return t.kind
	}
	return ""
}

// Close closes the idle connections. Requests under way are not disturbed.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.foreign.close()
}

// Do sends r and returns the provider's answer, whatever its status. The caller
// closes the answer's body. Cancelling ctx ends the request and the reading of
// the answer.
//
// Of an error, errors.Is(err, ErrNotSent) means that the provider cannot have
// served the request; errors.Is(err, ErrTimeout) that it was sent and nothing
// came back in time; anything else that it may have been served. The three
// exclude each other. A cancelled ctx stays visible as context.Canceled.
func (c *Client) Do(ctx context.Context, r Request) (*http.Response, error) {
	t, transport, err := c.way(&r)
	if err != nil {
		r.free()
		return nil, &failure{provider: r.Provider, kind: ErrNotSent, cause: err}
	}
	out, sending, err := t.request(ctx, &r)
	if err != nil {
		r.free()
		return nil, &failure{provider: r.Provider, kind: ErrNotSent, cause: err}
	}
	resp, err := transport.RoundTrip(out)
	if err != nil {
		resp, err = nil, t.failure(ctx, err, sending.recall())
	} else {
		decode(resp)
	}
	sending.done()
	return resp, err
}

// way is where a request goes, and how. An account without a base URL of its own is
// used where the provider is configured to be.
func (c *Client) way(r *Request) (*target, http.RoundTripper, error) {
	if r.Account != nil && r.Account.BaseURL != "" {
		t, err := c.foreign.target(r.Provider, r.Account)
		if err != nil {
			return nil, nil, err
		}
		return t, c.foreign.transport(t), nil
	}
	t := c.targets[r.Provider]
	if t == nil && r.Account != nil {
		t = c.usual[r.Provider]
	}
	if t == nil {
		return nil, nil, errors.New("no such provider is configured")
	}
	if r.Account != nil {
		t = t.under(r.Account)
	}
	return t, c.transport, nil
}

// newTransport leaves the buffers of a connection at net/http's 4 KB: with 32 to
// 128 KB the CPU for a request of 100 KB stayed the same, and memory grew.
func newTransport(opts Options, proxies map[string]*url.URL) *http.Transport {
	dial := orDefault(opts.DialTimeout, 10*time.Second)
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dial, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dial,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opts.RootCAs, ClientSessionCache: tls.NewLRUClientSessionCache(64)},
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConnsPerHost:   orDefault(opts.MaxIdlePerHost, 512),
		IdleConnTimeout:       orDefault(opts.IdleTimeout, time.Minute),
		ResponseHeaderTimeout: orDefault(opts.HeaderTimeout, 10*time.Minute),
		DisableCompression:    true,
	}
	if len(proxies) > 0 {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return proxies[r.URL.Scheme+"://"+r.URL.Host], nil }
	}
	return t
}

// proxyFor asks once, at start, so that a request does not read the environment
// and match patterns again.
func proxyFor(base *url.URL, find func(*http.Request) (*url.URL, error)) (*url.URL, error) {
	if find == nil {
		find = http.ProxyFromEnvironment
	}
	return find(&http.Request{URL: base})
}

func orDefault[T time.Duration | int](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
