package reach

import (
	"net/netip"
	"net/url"
	"strings"
)

// Policy says what may be reached. The zero value allows public addresses only,
// over https only. It is immutable and safe for concurrent use.
type Policy struct{ allowed []netip.Prefix }

// New is a Policy that allows the operator's networks as well, also over http.
func New(allowed []netip.Prefix) Policy { return Policy{allowed} }

// Allows reports whether a connection to a may be opened.
func (p Policy) Allows(a netip.Addr) bool { return p.Listed(a) || Public(a) }

// Listed reports whether a is in one of the operator's networks.
func (p Policy) Listed(a netip.Addr) bool {
	a = a.Unmap()
	for _, network := range p.allowed {
		if a.Zone() == "" && network.Contains(a) {
			return true
		}
	}
	return false
}

// URL is what is wrong with a base URL that a user sets, "" when nothing is. A
// name may still turn out to mean an address that is not allowed.
func (p Policy) URL(text string) (problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Hostname() == "", u.Scheme != "https" && u.Scheme != "http":
		return "must be an address like https://llm.example.com/v1"
	case u.User != nil:
		return "must not hold a user or password; they belong into api_key or headers"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "must not hold a query or a fragment"
	case hasDots(u.Path):
		return "must not hold . or .. in its path"
	case u.Scheme == "http" && len(p.allowed) == 0:
		return "must begin with https://; plain http is for networks that the operator allows"
	}
	a, err := netip.ParseAddr(u.Hostname())
	switch {
	case err == nil && !p.Allows(a):
		return "names an address that may not be reached from here: only public ones may, and those that the operator allows"
	case err == nil && u.Scheme == "http" && !p.Listed(a):
		return "must begin with https://; plain http is for networks that the operator allows"
	case err != nil && isLocal(u.Hostname()) && !p.Listed(netip.AddrFrom4([4]byte{127, 0, 0, 1})):
		return "names this machine, which may not be reached from here"
	case err != nil && looksNumeric(u.Hostname()):
		return "must name a host, or an address in its usual form"
	}
	return ""
}

func hasDots(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// isLocal reports whether a name means the machine itself (RFC 6761).
func isLocal(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// looksNumeric reports whether a host is a number in one of the forms that some
// resolvers read as an address: 127.1, 2130706433, 0x7f.1. No name's last part is
// a number (RFC 3696 section 2).
func looksNumeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if last == "" {
		return true
	}
	digits := strings.TrimPrefix(last, "0x")
	return digits != last && strings.Trim(digits, "0123456789abcdef") == "" || strings.Trim(last, "0123456789") == ""
}

// notPublic are the networks that are not the public internet, by the registries
// of special-purpose addresses
// (https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry).
func notPublic() []string {
	return []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // shared by a carrier's customers; a metadata service of some clouds
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local; the metadata service of most clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments; a metadata service of some clouds
		"192.0.2.0/24",    // documentation
		"192.31.196.0/24", // AS112
		"192.52.193.0/24", // AMT
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"192.175.48.0/24", // AS112
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast

		"2001::/23",     // protocol assignments: Teredo, ORCHID and others that carry other addresses
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4: carries any IPv4 address
		"3fff::/20",     // documentation
		"2620:4f:8000::/48",
	}
}

// global is the part of IPv6 that is given out for the public internet; all else
// is loopback, link-local, private, multicast, or not given out.
var global = netip.MustParsePrefix("2000::/3")

// nat64 carries an IPv4 address in its last four bytes (RFC 6052). Networks
// without IPv4 reach all of it so.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

var special = parsed(notPublic())

func parsed(list []string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(list))
	for i, s := range list {
		prefixes[i] = netip.MustParsePrefix(s)
	}
	return prefixes
}

// Public reports whether a is an address of the public internet that belongs to
// one host. The zero Addr is none.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if nat64.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if a.Is6() && !global.Contains(a) {
		return false
	}
	for _, network := range special {
		if network.Contains(a) {
			return false
		}
	}
	return true
}
