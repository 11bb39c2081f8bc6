package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/reach"
)

// ErrAddress: the base URL of an account leads where no request may go. Nothing
// was sent, so it is ErrNotSent as well.
var ErrAddress = errors.New("the address may not be reached from here")

// foreign is the way to base URLs that users set. Each address is judged when it is
// dialled, after its name was looked up: what a name means can change from one
// look-up to the next. It uses no proxy, for which a name would be all there is to
// judge.
type foreign struct {
	policy reach.Policy
	secure *http.Transport // for https: public addresses, and those that the operator allows
	plain  *http.Transport // for http: those that the operator allows
}

func newForeign(opts Options) foreign {
	f := foreign{policy: opts.Reach}
	f.secure = f.guarded(opts, f.policy.Allows)
	f.plain = f.guarded(opts, f.policy.Listed)
	return f
}

// guarded is a transport that opens connections only to addresses that are
// allowed.
func (f *foreign) guarded(opts Options, allowed func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout: orDefault(opts.DialTimeout, 10*time.Second), KeepAlive: 30 * time.Second, Resolver: opts.Resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !strings.HasPrefix(network, "tcp") || !allowed(at.Addr()) {
				return ErrAddress
			}
			return nil
		},
	}
	t := newTransport(opts, nil)
	t.DialContext = dialer.DialContext
	return t
}

func (f *foreign) transport(t *target) http.RoundTripper {
	if t.base.Scheme == "https" {
		return f.secure
	}
	return f.plain
}

func (f *foreign) close() {
	f.secure.CloseIdleConnections()
	f.plain.CloseIdleConnections()
}

// target is where an account says that its provider is.
func (f *foreign) target(slug string, a *credential.Account) (*target, error) {
	if problem := f.policy.URL(a.BaseURL); problem != "" {
		return nil, fmt.Errorf("%w: the base URL %s", ErrAddress, problem)
	}
	base, err := parseBase(a.BaseURL)
	if err != nil {
		return nil, err
	}
	t := &target{slug: slug, kind: a.Provider, base: base}
	t.authorize(a.Key().Reveal(), a.Cleaner())
	return t, nil
}
