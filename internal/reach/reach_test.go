package reach_test

import (
	"net/netip"
	"strings"
	"testing"

	"tollgate/internal/reach"
)

func TestA8_OnlyPublicAddressesAreReachedOnAUsersWord(t *testing.T) {
	public := []string{
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808",
	}
	hidden := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "::8.8.8.8",
		"fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fdff::1", "ff02::1", "ff0e::1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1",
		"2001::1", "2001:0:53aa:64c:0:5efe:7f00:1", "2001:db8::1", "2001:10::1", "2001:20::1", "3fff::1", "100::1", "5f00::1", "4000::1",
	}
	for _, s := range public {
		if a := netip.MustParseAddr(s); !reach.Public(a) || !(reach.Policy{}).Allows(a) {
			t.Errorf("%s is not allowed", s)
		}
	}
	for _, s := range hidden {
		if a := netip.MustParseAddr(s); reach.Public(a) || (reach.Policy{}).Allows(a) {
			t.Errorf("%s is allowed", s)
		}
	}
	if reach.Public(netip.Addr{}) {
		t.Error("no address is allowed")
	}
}

func TestA8_TheOperatorMayAllowMore(t *testing.T) {
	p := reach.New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/64")})
	for s, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "fd00::1": true, "fd00::1%eth0": false, "fd01::1": false,
		"8.8.8.8": true, "127.0.0.1": false, "64:ff9b::a01:203": false,
	} {
		if got := p.Allows(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestA8_AddressesAreJudgedWhenTheyAreSet(t *testing.T) {
	local := reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	for _, test := range []struct {
		policy reach.Policy
		url    string
		want   string // in the problem; "" = none
	}{
		{reach.Policy{}, "https://llm.example.com/v1", ""},
		{reach.Policy{}, "https://my-resource.openai.azure.com", ""},
		{reach.Policy{}, "https://8.8.8.8:8443/v1", ""},
		{reach.Policy{}, "https://[2606:4700::1111]/v1", ""},
		{reach.Policy{}, "http://llm.example.com/v1", "https://"},
		{reach.Policy{}, "https://127.0.0.1/v1", "may not be reached"},
		{reach.Policy{}, "https://[::1]/v1", "may not be reached"},
		{reach.Policy{}, "https://[::ffff:10.0.0.1]/v1", "may not be reached"},
		{reach.Policy{}, "https://169.254.169.254/latest", "may not be reached"},
		{reach.Policy{}, "https://[fe80::1%25eth0]/v1", "may not be reached"},
		{reach.Policy{}, "https://localhost/v1", "this machine"},
		{reach.Policy{}, "https://LOCALHOST./v1", "this machine"},
		{reach.Policy{}, "https://a.localhost/v1", "this machine"},
		{reach.Policy{}, "https://127.1/v1", "usual form"},
		{reach.Policy{}, "https://2130706433/v1", "usual form"},
		{reach.Policy{}, "https://0x7f000001/v1", "usual form"},
		{reach.Policy{}, "https://0177.0.0.1/v1", "usual form"},
		{reach.Policy{}, "unix:///run/x.sock", "must be an address"},
		{reach.Policy{}, "file:///etc/passwd", "must be an address"},
		{reach.Policy{}, "gopher://example.com", "must be an address"},
		{reach.Policy{}, "https://", "must be an address"},
		{reach.Policy{}, "https://:443/v1", "must be an address"},
		{reach.Policy{}, "", "must be an address"},
		{reach.Policy{}, "llm.example.com", "must be an address"},
		{reach.Policy{}, "https://user:pass@llm.example.com/v1", "user or password"},
		{reach.Policy{}, "https://llm.example.com/v1?key=sk-planted", "query"},
		{reach.Policy{}, "https://llm.example.com/v1#x", "query"},
		{reach.Policy{}, "https://llm.example.com/../x", ".."},
		{local, "http://127.0.0.1:9000/v1", ""},
		{local, "http://localhost:9000/v1", ""},
		{local, "http://8.8.8.8/v1", "https://"},
		{local, "https://10.0.0.1/v1", "may not be reached"},
	} {
		problem := test.policy.URL(test.url)
		if (problem == "") != (test.want == "") || !strings.Contains(problem, test.want) {
			t.Errorf("%s: %q, want %q", test.url, problem, test.want)
		}
		if strings.Contains(problem, "sk-") || strings.Contains(problem, "pass@") {
			t.Errorf("%s: %q repeats it", test.url, problem)
		}
	}
}
