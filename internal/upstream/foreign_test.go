package upstream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	own "tollgate/internal/credential"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
	"tollgate/internal/upstream"
)

// names is a name server of our own, whose answers a test can change.
type names struct {
	conn    net.PacketConn
	mu      sync.Mutex
	answers []netip.Addr // to every question for IPv4; covered by mu
	asked   atomic.Int64
}

func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return n
}

func (n *names) mean(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers = nil
	for _, a := range addresses {
		n.answers = append(n.answers, netip.MustParseAddr(a))
	}
}

// serve answers each question (RFC 1035 section 4) until the connection is closed.
func (n *names) serve() {
	buf := make([]byte, 512)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		question := buf[12:size]
		end := 0
		for question[end] != 0 {
			end += int(question[end]) + 1
		}
		end += 5 // the root, type and class
		kind := binary.BigEndian.Uint16(question[end-4:])
		n.asked.Add(1)
		n.mu.Lock()
		var records []byte
		count := 0
		for _, a := range n.answers {
			if kind != 1 || !a.Is4() {
				continue
			}
			records = append(records, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			records = append(records, a.AsSlice()...)
			count++
		}
		n.mu.Unlock()
		reply := append([]byte{buf[0], buf[1], 0x84, 0, 0, 1, 0, byte(count), 0, 0, 0, 0}, question[:end]...)
		_, _ = n.conn.WriteTo(append(reply, records...), from)
	}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

// listen is a server at an address of this machine.
func listen(t *testing.T, address string, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	s := httptest.NewUnstartedServer(handler)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func account(base string) *own.Account {
	a := own.NewAccount(own.Custom, own.Config{BaseURL: base, Headers: []string{"X-Team"}},
		[]own.Opened{{Field: own.APIKey, Text: secret.New("sk-of-a-user")}, {Field: own.Headers + "X-Team", Text: secret.New("team-secret")}})
	return &a
}

func sendUnder(c *upstream.Client, a *own.Account) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	resp, err := c.Do(ctx, upstream.Request{Provider: "custom", Path: "/v1/chat/completions", Account: a, Body: []byte("{}")})
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return resp, err
}

// TestA8_TheAddressIsJudgedWhenItIsDialled: a name that means an allowed address
// when it is set, and another one later, leads nowhere.
func TestA8_TheAddressIsJudgedWhenItIsDialled(t *testing.T) {
	var inside, outside atomic.Int64
	public := listen(t, "127.0.0.2:0", func(http.ResponseWriter, *http.Request) { outside.Add(1) })
	_, port, _ := net.SplitHostPort(public.Listener.Addr().String())
	listen(t, "127.0.0.1:"+port, func(http.ResponseWriter, *http.Request) { inside.Add(1) })
	dns := newNames(t)
	c, err := upstream.New(nil, upstream.Options{Resolver: dns.resolver(), Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := account("http://llm.example.com:" + port + "/v1")
	denied := func(name string) {
		t.Helper()
		_, err := sendUnder(c, a)
		if !errors.Is(err, upstream.ErrAddress) || !errors.Is(err, upstream.ErrNotSent) || strings.Contains(err.Error(), "sk-of") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dns.mean("127.0.0.2")
	if _, err := sendUnder(c, a); err != nil || outside.Load() != 1 {
		t.Fatalf("the allowed address: %v", err)
	}
	dns.mean("127.0.0.1")
	if _, err := sendUnder(c, a); err != nil || outside.Load() != 2 { // the connection that is open leads where it led
		t.Errorf("the open connection: %v", err)
	}
	c.Close() // idle connections only
	denied("the name means another address")
	dns.mean("127.0.0.1", "127.0.0.2")
	if _, err := sendUnder(c, a); err != nil || outside.Load() != 3 {
		t.Errorf("one of two is allowed: %v", err)
	}
	c.Close()
	for _, address := range []string{"10.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "0.0.0.0", "192.168.1.1"} {
		dns.mean(address)
		denied(address)
	}
	if inside.Load() != 0 || dns.asked.Load() == 0 {
		t.Errorf("%d requests came in, %d names were asked for", inside.Load(), dns.asked.Load())
	}
}

// TestA8_ARedirectIsNotFollowed: it is an answer like any other.
func TestA8_ARedirectIsNotFollowed(t *testing.T) {
	var inside atomic.Int64
	hidden := listen(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) { inside.Add(1) })
	public := listen(t, "127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-of-a-user" || r.Header.Get("X-Team") != "team-secret" {
			t.Errorf("sent with %v", r.Header)
		}
		http.Redirect(w, r, hidden.URL, http.StatusTemporaryRedirect)
	})
	c, err := upstream.New(nil, upstream.Options{Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := sendUnder(c, account(public.URL+"/v1"))
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect || inside.Load() != 0 {
		t.Errorf("%v, %v, %d requests came in", resp, err, inside.Load())
	}
}

// TestA8_NoProxyIsUsedForAUsersAddress: it would look the name up itself.
func TestA8_NoProxyIsUsedForAUsersAddress(t *testing.T) {
	var proxied atomic.Int64
	proxy := listen(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	c, err := upstream.New(nil, upstream.Options{Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}), DialTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	public := listen(t, "127.0.0.2:0", func(http.ResponseWriter, *http.Request) {})
	if _, err := sendUnder(c, account(public.URL+"/v1")); err != nil || proxied.Load() != 0 {
		t.Errorf("%v, %d went through the proxy", err, proxied.Load())
	}
}

// TestAddressesOfTheOperatorAreNotJudged: what is configured may lead anywhere, also
// under a user's account.
func TestAddressesOfTheOperatorAreNotJudged(t *testing.T) {
	var got atomic.Pointer[string]
	s := listen(t, "127.0.0.1:0", func(_ http.ResponseWriter, r *http.Request) {
		v := r.URL.Path + " " + r.Header.Get("Authorization") + r.Header.Get("Openai-Organization")
		got.Store(&v)
	})
	c, err := upstream.New([]upstream.Provider{{Slug: "openai", Kind: "openai", BaseURL: s.URL + "/v1", Credential: secret.New("sk-platform")}},
		upstream.Options{Usual: []upstream.Usual{{Kind: "cohere", BaseURL: s.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	mine := func(provider string) *own.Account {
		a := own.NewAccount(provider, own.Config{Organization: map[string]string{"openai": "org-1"}[provider]},
			[]own.Opened{{Field: own.APIKey, Text: secret.New("sk-of-a-user")}})
		return &a
	}
	for _, test := range []struct {
		provider string
		account  *own.Account
		want     string
	}{
		{"openai", nil, "/v1/chat/completions Bearer sk-platform"},
		{"openai", mine("openai"), "/v1/chat/completions Bearer sk-of-a-userorg-1"},
		{"cohere", mine("cohere"), "/compatibility/v1/chat/completions Bearer sk-of-a-user"},
		{"cohere", nil, ""},
		{"azure", mine("azure"), ""},
	} {
		got.Store(nil)
		resp, err := c.Do(t.Context(), upstream.Request{Provider: test.provider, Path: "/v1/chat/completions", Account: test.account, Body: []byte("{}"), Header: http.Header{"Openai-Organization": {"org-of-the-caller"}}})
		if err == nil {
			_ = resp.Body.Close()
		}
		if test.want == "" {
			if !errors.Is(err, upstream.ErrNotSent) || got.Load() != nil {
				t.Errorf("%s: %v", test.provider, err)
			}
			continue
		}
		if err != nil || got.Load() == nil || *got.Load() != test.want {
			t.Errorf("%s: %v, %v", test.provider, got.Load(), err)
		}
		if clean := c.Cleaner(test.provider, test.account).Text("sk-platform sk-of-a-user"); strings.Count(clean, secret.Redacted) != 1 {
			t.Errorf("%s: %s", test.provider, clean)
		}
	}
	if c.Configured("cohere") || c.Kind("cohere") != "" {
		t.Error("what is not configured says that it is")
	}
}

// TestA8_TheVersionOfAzuresAPI: one with a date is for deployments alone, and what the
// caller says goes before it.
func TestA8_TheVersionOfAzuresAPI(t *testing.T) {
	var got atomic.Value
	s := listen(t, "127.0.0.1:0", func(_ http.ResponseWriter, r *http.Request) { got.Store(r.URL.RequestURI()) })
	c, err := upstream.New(nil, upstream.Options{Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, test := range []struct{ version, path, query, want string }{
		{"2024-10-21", "/v1/chat/completions", "", "/openai/v1/chat/completions"},
		{"preview", "/v1/chat/completions", "", "/openai/v1/chat/completions?api-version=preview"},
		{"2024-10-21", "/openai/deployments/d/embeddings", "", "/openai/deployments/d/embeddings?api-version=2024-10-21"},
		{"2024-10-21", "/openai/deployments/d/embeddings", "api-version=2025-01-01", "/openai/deployments/d/embeddings?api-version=2025-01-01"},
		{"2024-10-21", "/openai/deployments/d/embeddings", "x-api-version=1", "/openai/deployments/d/embeddings?x-api-version=1&api-version=2024-10-21"},
		{"", "/v1/chat/completions", "", "/openai/v1/chat/completions"},
	} {
		a := own.NewAccount(own.Azure, own.Config{BaseURL: s.URL, APIVersion: test.version}, []own.Opened{{Field: own.APIKey, Text: secret.New("sk-of-a-user")}})
		resp, err := c.Do(t.Context(), upstream.Request{Provider: "azure", Path: test.path, RawQuery: test.query, Account: &a, Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got.Load() != test.want {
			t.Errorf("%+v: %v", test, got.Load())
		}
		if resp, err = c.Ask(t.Context(), &a); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want := "/openai/v1/models"
		if test.version == "preview" {
			want += "?api-version=preview"
		}
		if got.Load() != want {
			t.Errorf("asked at %v, not %s", got.Load(), want)
		}
	}
}
