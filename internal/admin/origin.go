package admin

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

const (
	idempotencyHeader = "Idempotency-Key"
	maxIdempotencyKey = 255
)

// idempotencyParam describes the header that every POST takes.
func idempotencyParam() *huma.Param {
	longest := maxIdempotencyKey
	return &huma.Param{
		Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
		Description: "Sent again with the same key within 24 hours, the change is not made again; a secret is not shown again.",
	}
}

type originKey struct{}

// withOrigin notes where a request comes from, for the audit.
func (s *service) withOrigin(r *http.Request) *http.Request {
	o := authority.Origin{
		IP: s.address(r), UserAgent: r.UserAgent(), RequestID: requestID(r.Context()),
		IdempotencyKey: strings.Join(r.Header.Values(idempotencyHeader), ", "),
	}
	return r.WithContext(context.WithValue(r.Context(), originKey{}, o))
}

// originOf is where the call comes from. Only POST takes an idempotency key: the
// other methods may be repeated as they are.
func originOf(ctx context.Context, method string) authority.Origin {
	o, _ := ctx.Value(originKey{}).(authority.Origin)
	if method != http.MethodPost {
		o.IdempotencyKey = ""
	}
	return o
}

// checkIdempotencyKey is nil for a key that is short and visible, and for none.
func checkIdempotencyKey(sent string) error {
	if len(sent) > maxIdempotencyKey || strings.ContainsFunc(sent, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid([]fault.Field{{Name: idempotencyHeader, Problem: "must be one key of 1 to 255 visible ASCII characters"}})
	}
	return nil
}

// peerOf is the address of the connection; the zero Addr when it cannot be read.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}
