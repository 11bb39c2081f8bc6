package upstream

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// maxEvent is the largest message that a provider may send.
const maxEvent = 16 << 20

// Dial opens a WebSocket to the path of r at its provider, under the credential that
// Do would use. Where the provider refuses it the answer comes back with the error;
// its body is the first KiB. Errors are as those of Do, except that nothing is ever
// served before a socket is open.
func (c *Client) Dial(ctx context.Context, r Request) (*websocket.Conn, *http.Response, error) {
	t, transport, err := c.way(&r)
	if err != nil {
		return nil, nil, &failure{provider: r.Provider, kind: ErrNotSent, cause: err}
	}
	at, err := t.place(r.Path)
	if err != nil {
		return nil, nil, &failure{provider: r.Provider, kind: ErrNotSent, cause: err}
	}
	u := *at.url
	u.RawQuery = r.query(u.Path)
	h := t.header(&r, at.header)
	for name := range h {
		if name == "Origin" || name == "Accept-Encoding" || name == "Content-Type" {
			delete(h, name) // of the caller's page, or of a body
		}
	}
	conn, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPHeader: h, Subprotocols: r.Subprotocols,
	})
	if err != nil {
		return nil, resp, &failure{provider: r.Provider, kind: ErrNotSent, cause: t.scrub(err), context: ctx.Err()}
	}
	conn.SetReadLimit(maxEvent)
	return conn, resp, nil
}
