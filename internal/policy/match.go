package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParsePrefix reads an address ("203.0.113.7") or a CIDR prefix ("10.0.0.0/8")
// as Spec wants it: masked, and an IPv4 address written as IPv6 as IPv4. Zones
// are refused: they mean nothing beyond one machine.
func ParsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no IP address", s)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no CIDR prefix", s)
	}
	if addr := p.Addr(); addr.Is4In6() {
		const mapped = 128 - 32 // the bits of ::ffff:0:0/96
		if p.Bits() < mapped {
			return netip.Prefix{}, fmt.Errorf("%q mixes IPv4 and IPv6 addresses", s)
		}
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), nil
}

// contains searches disjoint sorted prefixes.
func contains(prefixes []netip.Prefix, ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return false
	}
	after, _ := slices.BinarySearchFunc(prefixes, ip, func(p netip.Prefix, ip netip.Addr) int {
		if p.Addr().Compare(ip) <= 0 {
			return -1
		}
		return 1
	})
	return after > 0 && prefixes[after-1].Contains(ip)
}

// Covers reports whether the pattern wide lets through all that narrow does. It
// never says so wrongly; of patterns with several * it may fail to see it.
func Covers(wide, narrow string) bool {
	// A * in narrow is here a character like any other, which only a * covers.
	return glob(wide, narrow)
}

func anyGlob(patterns []string, s string) bool {
	for _, pattern := range patterns {
		if glob(pattern, s) {
			return true
		}
	}
	return false
}

// glob reports whether pattern, in which * stands for any characters or none,
// slashes included, covers all of s. After a mismatch it only ever goes back to
// the last *, so the time is at most len(pattern) × len(s).
func glob[S string | []byte](pattern string, s S) bool {
	p, i := 0, 0
	star, mark := -1, 0 // where the last * was, and up to where it has eaten
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
