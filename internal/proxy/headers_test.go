package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// TestKeyHeaders presents a key in each header that SDKs use, and looks what of
// it the provider gets.
func TestKeyHeaders(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{}).SecretKey
	for _, c := range []struct {
		name   string
		header map[string]string
		status int
		code   string
	}{
		{"bearer", map[string]string{"Authorization": "Bearer " + key}, 200, ""},
		{"bearer, case", map[string]string{"Authorization": "bearer  " + key + " "}, 200, ""},
		{"x-api-key", map[string]string{"X-Api-Key": key}, 200, ""},
		{"api-key", map[string]string{"Api-Key": key}, 200, ""},
		{"x-goog-api-key", map[string]string{"X-Goog-Api-Key": key}, 200, ""},
		{"the same twice", map[string]string{"Authorization": "Bearer " + key, "X-Api-Key": key, "Api-Key": key, "X-Goog-Api-Key": key}, 200, ""},
		{"two", map[string]string{"Authorization": "Bearer " + key, "X-Api-Key": "tg_other"}, 401, "key_ambiguous"},
		{"two, the second right", map[string]string{"Authorization": "Bearer nonsense", "Api-Key": key}, 401, "key_ambiguous"},
		{"two without bearer", map[string]string{"X-Goog-Api-Key": key, "Api-Key": "x"}, 401, "key_ambiguous"},
		{"empty bearer", map[string]string{"Authorization": "Bearer "}, 401, "key_missing"},
		{"none", nil, 401, "key_missing"},
		{"basic", map[string]string{"Authorization": "Basic dXNlcjpwYXNz"}, 401, "key_invalid"},
	} {
		r := g.do(ask{header: c.header, max: 5})
		if r.status != c.status || r.fault.Error.Code != c.code {
			t.Errorf("%s: %d %q, not %d %q", c.name, r.status, r.fault.Error.Code, c.status, c.code)
		}
		header, body := g.provider.latest()
		if strings.Contains(fmt.Sprint(header), key[3:]) || strings.Contains(body, key[3:]) {
			t.Errorf("%s: the provider got the key: %v", c.name, header)
		}
		if r.status == 200 && (header.Get("Authorization") != "Bearer "+demoCredential || header.Get("X-Api-Key")+header.Get("Api-Key")+header.Get("X-Goog-Api-Key") != "") {
			t.Errorf("%s: sent with %v", c.name, header)
		}
	}
	query := g.do(ask{path: "/v1/chat/completions?key=" + key, max: 5})
	query.want(t, http.StatusUnauthorized, "key_missing")
	if strings.Contains(g.log.String(), key[3:]) {
		t.Error("the key is in the log")
	}
}

// TestHeadersOnTheWay checks what of the caller's headers the provider gets, and
// what of the provider's the caller.
func TestHeadersOnTheWay(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{}).SecretKey
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Openai-Version", "X-Custom", "Set-Cookie", "X-Ratelimit-Remaining-Requests", "X-Request-Id", "Access-Control-Allow-Origin", "X-Tollgate-Cost-Usd", "Strict-Transport-Security", "Server"} {
			w.Header().Set(name, "the provider's")
		}
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "the provider's")
		g.provider.Provider.ServeHTTP(w, r)
	})
	r := g.do(ask{key: key, max: 5, path: "/v1/chat/completions?key=secret&api-version=7", header: map[string]string{
		"Openai-Organization": "mine", "Anthropic-Beta": "mine", "Idempotency-Key": "mine", "User-Agent": "mine",
		"Cookie": "mine", "X-Forwarded-For": "203.0.113.1", "X-Forwarded-Host": "mine", "Forwarded": "for=203.0.113.1", "X-Real-Ip": "203.0.113.1",
		"X-Client-Request-Id": "mine", "X-Tollgate-Anything": "mine", "Proxy-Authorization": "mine", "Connection": "X-Mine", "X-Mine": "mine",
		"Accept-Encoding": "gzip, br",
	}})
	got, _ := g.provider.latest()
	for name, want := range map[string]string{
		"Openai-Organization": "", "Anthropic-Beta": "mine", "Idempotency-Key": "mine", "User-Agent": "mine",
		"Cookie": "", "X-Forwarded-For": "", "X-Forwarded-Host": "", "Forwarded": "", "X-Real-Ip": "", "X-Tollgate-Anything": "",
		"Proxy-Authorization": "", "X-Mine": "", "Accept-Encoding": "identity", "X-Client-Request-Id": r.header.Get("X-Request-Id"),
	} {
		if got.Get(name) != want {
			t.Errorf("to the provider, %s: %q, not %q", name, got.Get(name), want)
		}
	}
	for _, name := range []string{"Set-Cookie", "X-Ratelimit-Remaining-Requests", "Access-Control-Allow-Origin", "Strict-Transport-Security", "Server", "X-Hop"} {
		if v := r.header.Get(name); v != "" {
			t.Errorf("to the caller, %s: %q", name, v)
		}
	}
	if r.header.Get("X-Custom") != "the provider's" || !strings.HasPrefix(r.header.Get("X-Request-Id"), "req_") || r.header.Get("X-Tollgate-Cost-Usd") == "the provider's" {
		t.Errorf("to the caller: %v", r.header)
	}
}

// TestCredentialStaysHere lets the provider repeat its credential, as some do in
// their errors.
func TestCredentialStaysHere(t *testing.T) {
	for _, c := range []struct {
		name   string
		stream bool
		answer http.HandlerFunc
	}{
		{"error body", false, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s."}}`, demoCredential)
		}},
		{"long error body", false, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, strings.Repeat(".", 64<<10-10)+demoCredential)
		}},
		{"error header", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Www-Authenticate", "Bearer realm=\""+demoCredential+"\"")
			w.WriteHeader(http.StatusUnauthorized)
		}},
		{"redirect", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere?key="+demoCredential)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}},
		{"answer header", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Debug", demoCredential)
			_, _ = io.WriteString(w, `{"choices":[]`+usageOf(1, 1)+`}`)
		}},
		{"error with status 200", false, says("application/json", `{"error":{"message":"Incorrect API key provided: `+demoCredential+`"}}`)},
		{"error event", true, streams(false, `data: {"error":{"message":"Incorrect API key provided: `+demoCredential+`"}}`+"\n\n", done)},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, func(cfg *config.Config) { cfg.Log.Level = "debug" })
			g.provider.answers(c.answer)
			r := g.do(ask{key: g.key(hard()).SecretKey, stream: c.stream, max: 5})
			half := demoCredential[:len("sk-demo-c")]
			if strings.Contains(r.body, half) || strings.Contains(fmt.Sprint(r.header), half) {
				t.Errorf("the caller gets it: %d %v %s", r.status, r.header, strings.TrimLeft(r.body, "."))
			}
			if strings.Contains(g.log.String(), half) {
				t.Error("it is in the log")
			}
		})
	}
}

// TestAddresses lets keys in by the caller's address, as the connection and
// trusted proxies tell it.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted []string
		allowed string
		sent    string // X-Forwarded-For
		in      bool
	}{
		{"own address", nil, "127.0.0.1", "", true},
		{"own network", nil, "127.0.0.0/8", "", true},
		{"mapped", nil, "::ffff:127.0.0.1", "", true},
		{"another", nil, "10.0.0.0/8", "", false},
		{"a claim of nobody's", nil, "10.1.1.1", "10.1.1.1", false},
		{"the claim does not harm", nil, "127.0.0.1", "10.1.1.1", true},
		{"a proxy's word", []string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7", true},
		{"a proxy's word with a port", []string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7:4711", true},
		{"a proxy's word on IPv6", []string{"127.0.0.0/8"}, "2001:db8::/32", "[2001:db8::1]:443", true},
		{"a forged first hop", []string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7, 198.51.100.1", false},
		{"the last untrusted hop", []string{"127.0.0.0/8", "10.0.0.0/8"}, "198.51.100.1", "203.0.113.7, 198.51.100.1, 10.0.0.1", true},
		{"a trusted proxy without a word", []string{"127.0.0.0/8"}, "127.0.0.1", "", true},
		{"nonsense", []string{"127.0.0.0/8"}, "0.0.0.0/0", "nonsense", false},
		{"hidden", []string{"127.0.0.0/8"}, "0.0.0.0/0", "unknown", false},
		{"behind the proxy, itself allowed", []string{"127.0.0.0/8"}, "127.0.0.1", "203.0.113.7", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, func(cfg *config.Config) {
				for _, p := range c.trusted {
					cfg.TrustedProxies = append(cfg.TrustedProxies, prefix(t, p))
				}
			})
			key := g.key(api.KeyInput{AllowedIPs: api.Set([]string{c.allowed})}).SecretKey
			r := g.do(ask{key: key, max: 5, header: map[string]string{"X-Forwarded-For": c.sent}})
			if c.in != (r.status == 200) || !c.in && r.fault.Error.Code != "ip_denied" {
				t.Errorf("status %d %s", r.status, r.body)
			}
		})
	}
}
