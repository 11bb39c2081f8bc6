package upstream_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/secret"
	"tollgate/internal/upstream"
)

const credential = "sk-planted-credential-0123456789"

// open makes a client with one provider, "p".
func open(t *testing.T, kind, base string, opts upstream.Options) *upstream.Client {
	t.Helper()
	c, err := upstream.New([]upstream.Provider{{Slug: "p", Kind: kind, BaseURL: base, Credential: secret.New(credential)}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func chat(body string) upstream.Request {
	return upstream.Request{Provider: "p", Path: "/v1/chat/completions", Body: []byte(body)}
}

// seen is what a provider got.
type seen struct {
	method, uri, host, body string
	header                  http.Header
	length                  int64
}

// provider is a server that keeps the last request and answers "ok".
func provider(t *testing.T) (*httptest.Server, *seen) {
	t.Helper()
	got := new(seen)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header, r.ContentLength}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(srv.Close)
	return srv, got
}

func send(t *testing.T, c *upstream.Client, r upstream.Request) string {
	t.Helper()
	resp, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestWhereRequestsGo(t *testing.T) {
	srv, got := provider(t)
	tests := []struct {
		kind, base, path, uri, header, value string
	}{
		{"openai", "/v1", "/v1/chat/completions", "/v1/chat/completions", "Authorization", "Bearer " + credential},
		{"openai", "/v1/", "/v1/models/gpt-4o", "/v1/models/gpt-4o", "Authorization", "Bearer " + credential},
		{"custom", "/some/where/v1", "/v1/embeddings", "/some/where/v1/embeddings", "Authorization", "Bearer " + credential},
		{"huggingface", "/v1", "/v1/chat/completions", "/v1/chat/completions", "Authorization", "Bearer " + credential},
		{"azure", "", "/v1/chat/completions", "/openai/v1/chat/completions", "Api-Key", credential},
		{"azure", "", "/openai/deployments/d/chat/completions", "/openai/deployments/d/chat/completions", "Api-Key", credential},
		{"anthropic", "", "/v1/chat/completions", "/v1/chat/completions", "Authorization", "Bearer " + credential},
		{"anthropic", "", "/v1/messages", "/v1/messages", "X-Api-Key", credential},
		{"anthropic", "", "/v1/messages/count_tokens", "/v1/messages/count_tokens", "X-Api-Key", credential},
		{"google", "", "/v1/chat/completions", "/v1beta/openai/chat/completions", "Authorization", "Bearer " + credential},
		{"google", "", "/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent", "X-Goog-Api-Key", credential},
		{"cohere", "", "/v1/embeddings", "/compatibility/v1/embeddings", "Authorization", "Bearer " + credential},
		{"cohere", "", "/v2/chat", "/v2/chat", "Authorization", "Bearer " + credential},
		{"demo", "/v1", "/v1/completions", "/v1/completions", "Authorization", "Bearer " + credential},
		{"demo", "/v1", "/v1beta/models", "/v1beta/models", "Authorization", "Bearer " + credential},
	}
	for _, test := range tests {
		t.Run(test.kind+test.path, func(t *testing.T) {
			c := open(t, test.kind, srv.URL+test.base, upstream.Options{})
			send(t, c, upstream.Request{Provider: "p", Path: test.path, Body: []byte("{}")})
			if got.uri != test.uri || got.method != "POST" || got.body != "{}" || got.length != 2 {
				t.Errorf("got %s %s %q (%d bytes), want POST %s", got.method, got.uri, got.body, got.length, test.uri)
			}
			for _, name := range []string{"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key"} {
				want := ""
				if name == test.header {
					want = test.value
				}
				if got.header.Get(name) != want {
					t.Errorf("%s = %q, want %q", name, got.header.Get(name), want)
				}
			}
		})
	}
}

func TestWhatIsRefusedBeforeSending(t *testing.T) {
	srv, got := provider(t)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	for _, r := range []upstream.Request{
		{Provider: "nobody", Path: "/v1/chat/completions"},
		{Provider: "p", Path: "/v2/chat"},
		{Provider: "p", Path: "/v1beta/models"},
		{Provider: "p", Path: "/v1/models/../files"},
		{Provider: "p", Path: "/v1/.."},
	} {
		released := 0
		r.Release = func() { released++ }
		if _, err := c.Do(t.Context(), r); !errors.Is(err, upstream.ErrNotSent) {
			t.Errorf("%s %s: got %v, want ErrNotSent", r.Provider, r.Path, err)
		}
		if released != 1 {
			t.Errorf("%s %s: released %d times, want once", r.Provider, r.Path, released)
		}
	}
	if got.uri != "" {
		t.Errorf("the provider was asked for %s", got.uri)
	}
}

func TestRequestHeaders(t *testing.T) {
	srv, got := provider(t)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	r := chat("{}")
	r.RawQuery = "a=1&key=tg_secret&b=%20&%6bey=tg_secret"
	r.RequestID = "req_1"
	r.Header = http.Header{
		"Authorization": {"Bearer tg_secret"}, "X-Api-Key": {"tg_secret"}, "Api-Key": {"tg_secret"}, "X-Goog-Api-Key": {"tg_secret"},
		"Cookie": {"session=tg_secret"}, "Proxy-Authorization": {"tg_secret"}, "x-api-key": {"tg_secret"},
		"Connection": {"keep-alive, X-Named", "x-other"}, "X-Named": {"1"}, "X-Other": {"1"}, "Keep-Alive": {"5"}, "Te": {"trailers"},
		"Transfer-Encoding": {"chunked"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.tg_secret"}, "Sec-Websocket-Key": {"x"}, "Trailer": {"X"}, "Proxy-Connection": {"keep-alive"},
		"X-Tollgate-Clamp": {"1"}, "X-Goog-Fieldmask": {"candidates"}, "x-goog-fieldMask": {"candidates"}, "X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=192.0.2.1"},
		"X-Real-Ip": {"192.0.2.1"}, "Accept-Encoding": {"gzip, br"}, "Host": {"gate.example"}, "Content-Length": {"999"}, "Expect": {"100-continue"},
		"Content-Type": {"application/json"}, "User-Agent": {"OpenAI/Go 3"}, "Anthropic-Version": {"2023-06-01"}, "Openai-Beta": {"x", "y"},
		"Idempotency-Key": {"i-1"}, "X-Client-Request-Id": {"theirs"}, "X-Stainless-Lang": {"go"},
	}
	send(t, c, r)
	want := http.Header{
		"Authorization": {"Bearer " + credential}, "Accept-Encoding": {"identity"}, "Content-Length": {"2"},
		"Content-Type": {"application/json"}, "User-Agent": {"OpenAI/Go 3"}, "Anthropic-Version": {"2023-06-01"}, "Openai-Beta": {"x", "y"},
		"Idempotency-Key": {"i-1"}, "X-Client-Request-Id": {"req_1"}, "X-Stainless-Lang": {"go"},
	}
	for name := range got.header {
		if strings.Join(got.header[name], "|") != strings.Join(want[name], "|") {
			t.Errorf("%s = %q, want %q", name, got.header[name], want[name])
		}
	}
	for name := range want {
		if got.header[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if got.uri != "/v1/chat/completions?a=1&b=%20" {
		t.Errorf("uri = %s", got.uri)
	}
	if got.host != strings.TrimPrefix(srv.URL, "http://") {
		t.Errorf("host = %s", got.host)
	}
	if r.Header.Get("Authorization") != "Bearer tg_secret" || len(r.Header["Openai-Beta"]) != 2 {
		t.Error("the caller's headers were changed")
	}
}

func TestPlainDefaults(t *testing.T) {
	srv, got := provider(t)
	c, err := upstream.New([]upstream.Provider{{Slug: "p", Kind: "custom", BaseURL: srv.URL + "/v1"}}, upstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, upstream.Request{Provider: "p", Method: "GET", Path: "/v1/models"})
	if got.method != "GET" || got.header.Get("Authorization") != "" || got.header.Get("User-Agent") != "tollgate" {
		t.Errorf("got %+v", got)
	}
	if !c.Configured("p") || c.Configured("q") || c.Kind("p") != "custom" || c.Kind("q") != "" {
		t.Error("Configured or Kind is wrong")
	}
}

func TestBodyInParts(t *testing.T) {
	srv, got := provider(t)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		name  string
		body  string
		parts []string
	}{
		{"body and parts", `{"a":`, []string{`1,`, ``, `"b":2}`}},
		{"parts only", "", []string{"{", "}"}},
		{"empty parts", "", []string{"", ""}},
		{"long", "begin", []string{long, "middle", long, "", "end"}},
	}
	for _, test := range tests {
		r := chat(test.body)
		for _, part := range test.parts {
			r.Parts = append(r.Parts, []byte(part))
		}
		want := test.body + strings.Join(test.parts, "")
		if send(t, c, r); got.body != want || got.length != int64(len(want)) {
			t.Errorf("%s: got %d bytes with length %d, want %d", test.name, len(got.body), got.length, len(want))
		}
	}
}

func TestReleaseComesOnceAndOnlyWhenUnread(t *testing.T) {
	srv, _ := provider(t)
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{})
	for _, body := range []string{"", "{}", strings.Repeat("x", 1<<20)} {
		released := make(chan struct{})
		r := chat(body)
		r.Release = func() { close(released) } // a second call would panic
		send(t, c, r)
		<-released
	}
}

// TestBodyIsNotReadAfterRelease lets a provider answer before it read the body,
// as one that refuses does, while the caller overwrites what was released.
func TestBodyIsNotReadAfterRelease(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := open(t, "openai", srv.URL+"/v1", upstream.Options{RootCAs: roots})
	body := bytes.Repeat([]byte("x"), 1<<20)
	for range 20 {
		released := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := c.Do(ctx, upstream.Request{Provider: "p", Path: "/v1/embeddings", Body: body, Release: func() { close(released) }})
		if err == nil {
			_ = resp.Body.Close()
		}
		cancel()
		<-released
		for i := range body { // the race detector sees a reader that is still there
			body[i] = 'y'
		}
	}
}

// rawServer answers each connection by hand.
func rawServer(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/v1"
}

// deafAddress is an address at which connections are refused for as long as the
// test runs: the port is in use as the near end of a connection, so no listener
// can be given it meanwhile, which one that was merely free could.
func deafAddress(t *testing.T) string {
	t.Helper()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	near, err := net.Dial("tcp", far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	return "http://" + near.LocalAddr().String() + "/v1"
}

func TestFailures(t *testing.T) {
	nobody := deafAddress(t)

	hang := rawServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	cut := rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 64<<10)) })
	echo := rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 64<<10))
		_, _ = io.WriteString(c, "you sent Bearer "+credential+" and a prompt\r\n\r\n")
	})
	tests := []struct {
		name, base string
		header     time.Duration
		deadline   time.Duration
		want       error // nil: neither
	}{
		{"nobody listens", nobody, 0, 0, upstream.ErrNotSent},
		{"no TLS there", strings.Replace(hang, "http:", "https:", 1), 0, 50 * time.Millisecond, upstream.ErrNotSent},
		{"no such host", "http://nobody.invalid/v1", 0, 0, upstream.ErrNotSent},
		{"no answer in time", hang, 20 * time.Millisecond, 0, upstream.ErrTimeout},
		{"the caller's deadline", hang, 0, 20 * time.Millisecond, upstream.ErrTimeout},
		{"cut before the answer", cut, 0, 0, nil},
		{"not HTTP", echo, 0, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := open(t, "custom", test.base, upstream.Options{HeaderTimeout: test.header})
			ctx := t.Context()
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.deadline)
				defer cancel()
			}
			released := make(chan struct{})
			r := chat(`{"model":"m"}`)
			r.RawQuery = "q=private-query"
			r.Header = http.Header{"Authorization": {"Bearer tg_secret"}}
			r.Release = func() { close(released) }
			resp, err := c.Do(ctx, r)
			if err == nil || resp != nil {
				t.Fatalf("got an answer %v, want an error", resp)
			}
			<-released
			for _, kind := range []error{upstream.ErrNotSent, upstream.ErrTimeout} {
				if errors.Is(err, kind) != (kind == test.want) {
					t.Errorf("%v: errors.Is(err, %v) = %v", err, kind, errors.Is(err, kind))
				}
			}
			for _, secret := range []string{credential, "tg_secret", "private-query", "a prompt"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %q: %v", secret, err)
				}
			}
			if !strings.HasPrefix(err.Error(), "provider p: ") {
				t.Errorf("the error does not name the provider: %v", err)
			}
		})
	}
}

func TestWrongProviders(t *testing.T) {
	good := upstream.Provider{Slug: "a", Kind: "openai", BaseURL: "https://api.example/v1", Credential: secret.New(credential)}
	with := func(change func(*upstream.Provider)) upstream.Provider { p := good; change(&p); return p }
	tests := []struct {
		name string
		p    upstream.Provider
		says string
	}{
		{"no slug", with(func(p *upstream.Provider) { p.Slug = "" }), "no name"},
		{"no base", with(func(p *upstream.Provider) { p.BaseURL = "" }), "no base URL"},
		{"not a URL", with(func(p *upstream.Provider) { p.BaseURL = "http://%zz" + credential }), "not a URL"},
		{"no scheme", with(func(p *upstream.Provider) { p.BaseURL = "api.example/v1" }), "http://"},
		{"other scheme", with(func(p *upstream.Provider) { p.BaseURL = "ftp://api.example" }), "http://"},
		{"password", with(func(p *upstream.Provider) { p.BaseURL = "https://u:" + credential + "@api.example" }), "password"},
		{"query", with(func(p *upstream.Provider) { p.BaseURL = "https://api.example?key=" + credential }), "query"},
		{"kind", with(func(p *upstream.Provider) { p.Kind = "opnai" }), `"opnai"`},
		{"line break", with(func(p *upstream.Provider) { p.Credential = secret.New(credential + "\n") }), "white space"},
		{"twice", good, "twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := upstream.New([]upstream.Provider{good, test.p}, upstream.Options{})
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), credential) {
				t.Errorf("got %v, want an error with %q and without the credential", err, test.says)
			}
		})
	}
}

func TestCopyHeader(t *testing.T) {
	src := http.Header{
		"Content-Type": {"text/event-stream"}, "Openai-Processing-Ms": {"5"}, "Retry-After": {"1"}, "X-Should-Retry": {"false"},
		"Connection": {"close, x-hop"}, "X-Hop": {"1"}, "Transfer-Encoding": {"chunked"}, "Keep-Alive": {"1"}, "Content-Length": {"5"},
		"Set-Cookie": {"__cf=1"}, "X-Ratelimit-Limit-Requests": {"1"}, "Anthropic-Ratelimit-Tokens-Limit": {"1"}, "X-Request-Id": {"req_9"},
		"Ratelimit": {`"default";r=1;t=1`}, "Ratelimit-Policy": {`"default";q=1;w=1`}, "Ratelimit-Remaining": {"1"},
		"Alt-Svc": {"h3"}, "Strict-Transport-Security": {"max-age=1"}, "Access-Control-Allow-Origin": {"*"}, "X-Tollgate-Cost-Usd": {"0"},
	}
	dst := http.Header{"X-Request-Id": {"ours"}}
	upstream.CopyHeader(dst, src)
	want := []string{"Content-Type", "Openai-Processing-Ms", "Retry-After", "X-Request-Id", "X-Should-Retry"}
	if len(dst) != len(want) || dst.Get("X-Request-Id") != "ours" {
		t.Errorf("got %v, want only %v", dst, want)
	}
	for _, name := range want {
		if dst[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if id := upstream.UpstreamRequestID(&http.Response{Header: src}); id != "req_9" {
		t.Errorf("id = %q", id)
	}
	if id := upstream.UpstreamRequestID(&http.Response{Header: http.Header{"Request-Id": {"req_a"}}}); id != "req_a" {
		t.Errorf("id = %q", id)
	}
}

// TestAPlaceholderIsNoSecret: servers that want no key are given a word, like EMPTY
// or ollama, which stands in answers by chance.
func TestAPlaceholderIsNoSecret(t *testing.T) {
	for credential, want := range map[string]string{
		"role": `{"role":"EMPTY"}`, "EMPTY": `{"role":"EMPTY"}`, "he": "he", "1234567": "x1234567", "12345678": "x[redacted]",
	} {
		c, err := upstream.New([]upstream.Provider{{Slug: "local", Kind: "custom", BaseURL: "http://127.0.0.1:1/v1", Credential: secret.New(credential)}}, upstream.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := strings.ReplaceAll(want, "[redacted]", credential)
		if got := c.Cleaner("local", nil).Text(in); got != want {
			t.Errorf("%s: %s became %s", credential, in, got)
		}
	}
}
