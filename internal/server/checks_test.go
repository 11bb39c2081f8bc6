package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
	"tollgate/internal/upstream"
)

// provider answers the question of each of the seven as that provider does: only at
// its own path, and only to the right secret in its own header.
func provider(t *testing.T, status int, body string, wait time.Duration) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := map[string]string{
			"/v1/models": "Bearer sk-right-secret", "/anthropic/v1/models": "sk-right-secret", "/google/v1beta/models": "sk-right-secret",
			"/cohere/v1/models": "Bearer sk-right-secret", "/api/whoami-v2": "Bearer sk-right-secret", "/azure/openai/v1/models": "sk-right-secret",
		}
		names := map[string]string{"/anthropic/v1/models": "X-Api-Key", "/google/v1beta/models": "X-Goog-Api-Key", "/azure/openai/v1/models": "Api-Key"}
		want, known := header[r.URL.Path]
		name := names[r.URL.Path]
		if name == "" {
			name = "Authorization"
		}
		if !known || r.Method != http.MethodGet || name == "X-Api-Key" && r.Header.Get("Anthropic-Version") == "" {
			http.NotFound(w, r)
			return
		}
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if status == 0 {
			status = http.StatusOK
		}
		if sent := r.Header.Get(name); sent != want && status == http.StatusOK {
			if name == "X-Goog-Api-Key" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"error":{"code":400,"message":"API key not valid. %s","details":[{"reason":"API_KEY_INVALID"}]}}`, sent)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s"}}`, sent)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// asking asks every provider under a secret.
func asking(t *testing.T, base, text string) map[string]credential.Verdict {
	t.Helper()
	client, err := upstream.New([]upstream.Provider{
		{Slug: "openai", Kind: "openai", BaseURL: base + "/v1"},
		{Slug: "anthropic", Kind: "anthropic", BaseURL: base + "/anthropic"},
		{Slug: "google", Kind: "google", BaseURL: base + "/google"},
		{Slug: "cohere", Kind: "cohere", BaseURL: base + "/cohere"},
		{Slug: "huggingface", Kind: "huggingface", BaseURL: base + "/hf/v1"},
	}, upstream.Options{DialTimeout: time.Second, Reach: reach.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	verdicts := map[string]credential.Verdict{}
	for _, name := range credential.Providers() {
		c := credential.Config{}
		switch name {
		case credential.Azure:
			c.BaseURL = base + "/azure"
		case credential.Custom:
			c.BaseURL = base + "/v1"
		}
		a := credential.NewAccount(name, c, []credential.Opened{{Field: credential.APIKey, Text: secret.New(text)}})
		verdicts[name] = ask(t.Context(), client, 300*time.Millisecond, &a)
	}
	return verdicts
}

// TestA5_EachOfTheSevenIsReallyAsked: valid, invalid, no quota, rate limited, slow,
// down, and others.
func TestA5_EachOfTheSevenIsReallyAsked(t *testing.T) {
	const list = `{"data":[{"id":"a-model"}],"has_more":false}`
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := "http://" + l.Addr().String()
	_ = l.Close()
	for name, test := range map[string]struct {
		base, secret string
		want         credential.Verdict
	}{
		"valid":        {provider(t, 0, list, 0).URL, "sk-right-secret", credential.Verdict{State: credential.Valid}},
		"invalid":      {provider(t, 0, list, 0).URL, "sk-wrong-secret", credential.Verdict{State: credential.Invalid, Code: credential.Rejected}},
		"forbidden":    {provider(t, 403, `{"error":{"message":"no access"}}`, 0).URL, "sk-right-secret", credential.Verdict{State: credential.Invalid, Code: credential.Forbidden}},
		"no quota":     {provider(t, 429, `{"error":{"code":"insufficient_quota"}}`, 0).URL, "sk-right-secret", credential.Failure(credential.NoQuota)},
		"no credit":    {provider(t, 402, `{}`, 0).URL, "sk-right-secret", credential.Failure(credential.NoQuota)},
		"rate limited": {provider(t, 429, `{"error":{"code":"rate_limit_exceeded"}}`, 0).URL, "sk-right-secret", credential.Failure(credential.Limited)},
		"slow":         {provider(t, 0, list, 5*time.Second).URL, "sk-right-secret", credential.Failure(credential.Timeout)},
		"down":         {down, "sk-right-secret", credential.Failure(credential.Unreachable)},
		"trouble":      {provider(t, 500, `sk-right-secret`, 0).URL, "sk-right-secret", credential.Failure(credential.ProviderFailed)},
		"a web page":   {provider(t, 0, `<html>`, 0).URL, "sk-right-secret", credential.Failure(credential.Unexpected)},
		"a redirect":   {provider(t, 302, `{}`, 0).URL, "sk-right-secret", credential.Failure(credential.Unexpected)},
		"no such path": {provider(t, 404, `{}`, 0).URL, "sk-right-secret", credential.Verdict{State: credential.Unsupported, Code: credential.NotOffered}},
	} {
		for provider, got := range asking(t, test.base, test.secret) {
			if got != test.want {
				t.Errorf("%s, %s: %+v, want %+v", name, provider, got, test.want)
			}
			if strings.Contains(fmt.Sprint(got, got.Code.Message()), "sk-") {
				t.Errorf("%s, %s: %+v holds the secret", name, provider, got)
			}
		}
	}
}

func TestA5_AnAddressThatMayNotBeReachedIsNotAsked(t *testing.T) {
	client, err := upstream.New(nil, upstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for provider, want := range map[string]credential.Code{credential.Custom: credential.AddressDenied, credential.Cohere: credential.NotConfigured} {
		c := credential.Config{}
		if provider == credential.Custom {
			c.BaseURL = "https://127.0.0.1:1/v1"
		}
		a := credential.NewAccount(provider, c, nil)
		if got := ask(t.Context(), client, time.Second, &a); got != credential.Failure(want) {
			t.Errorf("%s: %+v", provider, got)
		}
	}
}
