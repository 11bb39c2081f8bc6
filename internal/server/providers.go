package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coder/websocket"

	"tollgate/internal/fault"
	"tollgate/internal/proxy"
	"tollgate/internal/secret"
	"tollgate/internal/upstream"
)

// providers is the upstream client as the proxy wants it.
type providers struct{ *upstream.Client }

var _ proxy.Providers = providers{}

// Send sends a request, and says in the proxy's words what an error means.
func (p providers) Send(ctx context.Context, o proxy.Outgoing) (*http.Response, error) {
	r := upstream.Request{
		Provider: o.Provider, Account: o.Account, Path: o.Path, RawQuery: o.Query, Header: o.Header,
		ContentType: o.Form, RequestID: o.RequestID, Release: o.Release, Raw: o.Raw, Method: o.Method, From: o.From, Size: o.Size,
	}
	if len(o.Body) > 0 {
		r.Body, r.Parts = o.Body[0], o.Body[1:]
	}
	resp, err := p.Do(ctx, r)
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, upstream.ErrNotSent):
		return nil, fmt.Errorf("%w: %w", proxy.ErrNotSent, err)
	case errors.Is(err, upstream.ErrTimeout):
		return nil, fmt.Errorf("%w: %w", fault.UpstreamTimeout, err)
	}
	return nil, err
}

// Dial opens a WebSocket.
func (p providers) Dial(ctx context.Context, o proxy.Outgoing) (*websocket.Conn, *http.Response, error) {
	return p.Client.Dial(ctx, upstream.Request{
		Provider: o.Provider, Account: o.Account, Path: o.Path, RawQuery: o.Query, Header: o.Header, RequestID: o.RequestID,
	})
}

// Relay copies what of an answer's headers is for the caller.
func (p providers) Relay(clean secret.Cleaner, dst http.Header, resp *http.Response) (upstreamID string) {
	return upstream.Relay(clean, dst, resp)
}
