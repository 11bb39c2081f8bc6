package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout  = 30 * time.Second
	maxAnswerBytes  = 32 << 20 // a page of 100 keys is well under 1 MiB
	managementPaths = "/api/v1"
)

// Client is a connection to one server with one management key. Make it with New.
type Client struct {
	base      string
	baseErr   error
	http      *http.Client
	agent     string
	authorize func(http.Header) // a function, so that printing a Client cannot show the token
}

// Option changes how a Client works.
type Option func(*Client)

// WithHTTPClient uses h for every request: its transport, its time-out and its
// redirect policy. Without it requests take 30 seconds at most and redirects are
// not followed.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithUserAgent sets the User-Agent header; the default is "tollgate-client".
func WithUserAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// New is a Client of the server at baseURL, for example "http://127.0.0.1:8080",
// with a management key (tgm_…). A base URL that cannot be used is reported by
// the first call.
func New(baseURL, token string, opts ...Option) *Client {
	c := &Client{
		agent: "tollgate-client",
		http: &http.Client{
			Timeout:       defaultTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		authorize: func(h http.Header) {
			if token != "" {
				h.Set("Authorization", "Bearer "+token)
			}
		},
	}
	c.base, c.baseErr = parseBase(baseURL)
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// parseBase checks a base URL and takes off what a person pastes with it: a
// trailing slash, or the API's own path.
func parseBase(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", errors.New("the server's URL cannot be read; it looks like http://127.0.0.1:8080")
	}
	if u.User != nil {
		return "", errors.New("the server's URL holds a user name or password; leave it out, the token is sent apart")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("%q is not a server's URL; it looks like http://127.0.0.1:8080", raw)
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), managementPaths)
	return u.Scheme + "://" + u.Host + path, nil
}

// CallOption changes one call.
type CallOption func(http.Header)

// IfVersion makes a change only if the resource still has this version; else the
// call fails with code precondition_failed and changes nothing.
func IfVersion(version int64) CallOption {
	return func(h http.Header) { h.Set("If-Match", fmt.Sprintf(`"%d"`, version)) }
}

// call sends one request and decodes the answer into T. in is the body, nil for
// none.
func call[T any](ctx context.Context, c *Client, method, path string, in any, opts ...CallOption) (T, error) {
	var out T
	req, err := c.request(ctx, method, path, in, opts)
	if err != nil {
		return out, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return out, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	case len(body) > maxAnswerBytes:
		return out, fmt.Errorf("the answer of %s %s is larger than %d MiB", method, path, maxAnswerBytes>>20)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return out, errorFrom(resp, body)
	case resp.StatusCode == http.StatusNoContent:
		return out, nil
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("the answer of %s %s is not what this client understands (is it a Tollgate server, of this version?): %w", method, path, err)
	}
	return out, nil
}

func (c *Client) request(ctx context.Context, method, path string, in any, opts []CallOption) (*http.Request, error) {
	if c.baseErr != nil {
		return nil, c.baseErr
	}
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+managementPaths+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	c.authorize(req.Header)
	for _, opt := range opts {
		opt(req.Header)
	}
	return req, nil
}

// none is the answer of a call that has none.
type none struct{}
