package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/credential"
)

// ErrNoAddress: nobody has said where the provider is. It is ErrNotSent as well.
var ErrNoAddress = errors.New("no address is known for the provider")

// question is what a provider is asked to see whether it takes a credential: the
// cheapest thing that needs one.
type question struct {
	path, query string // under the base URL
	origin      bool   // under the host alone
	header      string // that takes the credential
}

func questionFor(provider string) question {
	switch provider {
	case credential.Anthropic:
		return question{path: "/v1/models", query: "limit=1", header: "X-Api-Key"}
	case credential.Google:
		return question{path: "/v1beta/models", query: "pageSize=1", header: "X-Goog-Api-Key"}
	case credential.Cohere:
		return question{path: "/v1/models", query: "page_size=1", header: authorization}
	case credential.HuggingFace: // whose list of models is public
		return question{path: "/api/whoami-v2", origin: true, header: authorization}
	case credential.Azure:
		return question{path: "/openai/v1/models", header: "Api-Key"}
	}
	return question{path: "/models", header: authorization}
}

// Ask asks an account's provider the cheapest question that needs a credential, and
// returns the answer, whatever its status. The caller closes its body. Errors are
// those of Do, ErrAddress and ErrNoAddress.
func (c *Client) Ask(ctx context.Context, a *credential.Account) (*http.Response, error) {
	r := Request{Provider: a.Provider, Method: http.MethodGet, Account: a, Header: http.Header{}}
	if a.Provider == credential.Anthropic {
		r.Header.Set("Anthropic-Version", "2023-06-01")
	}
	t, transport, err := c.way(&r)
	if err != nil {
		if !errors.Is(err, ErrAddress) {
			err = ErrNoAddress
		}
		return nil, &failure{provider: a.Provider, kind: ErrNotSent, cause: err}
	}
	q := questionFor(a.Provider)
	out := (&http.Request{Method: r.Method, URL: q.url(t.base, a), Header: t.header(&r, q.header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	out.Host = out.URL.Host
	out.Header.Del("Content-Type")
	resp, err := transport.RoundTrip(out)
	if err != nil {
		return nil, t.failure(ctx, err, false)
	}
	decode(resp)
	return resp, nil
}

func (q question) url(base *url.URL, a *credential.Account) *url.URL {
	at := *base
	if q.origin {
		at.Path = ""
		if at.Host == "router.huggingface.co" {
			at.Host = "huggingface.co"
		}
	}
	at.Path += q.path
	at.RawQuery = strings.Trim(q.query+"&"+a.Query(at.Path), "&")
	return &at
}
