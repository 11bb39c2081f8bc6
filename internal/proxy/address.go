package proxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// Addresses reads callers' addresses. The zero value trusts no proxy: an address
// is the connection's. Immutable.
type Addresses struct {
	trusted []netip.Prefix
}

// NewAddresses trusts the X-Forwarded-For of proxies with an address in one of
// the prefixes.
func NewAddresses(trusted []netip.Prefix) Addresses { return Addresses{trusted} }

// Of is the caller's address: the connection's, or, while that is a trusted
// proxy's, the one that this proxy says it got the request from. What stands
// further left was written by somebody nobody vouches for. The zero Addr means
// that it cannot be read, which no address rule allows.
func (a Addresses) Of(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := peer.Addr().Unmap()
	if len(a.trusted) == 0 || !a.trusts(ip) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(ip); i-- {
		hop := strings.TrimSpace(hops[i])
		if hop == "" {
			continue
		}
		next, err := parseHop(hop)
		if err != nil {
			return netip.Addr{}
		}
		ip = next
	}
	return ip
}

// parseHop reads an address with or without a port.
func parseHop(s string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap(), nil
	}
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return ip.Unmap(), err
}

func (a Addresses) trusts(ip netip.Addr) bool {
	for _, p := range a.trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
