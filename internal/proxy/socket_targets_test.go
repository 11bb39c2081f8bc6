package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// TestASocketFallsBack to the next target while none is open, and then stays there.
func TestASocketFallsBack(t *testing.T) {
	g := open(t, func(c *config.Config) {
		c.Aliases["far"] = []string{"dead/ghost", "openai/gpt-4o-mini"}
		c.Aliases["voice"] = []string{"dead/ghost", "openai/gpt-realtime"}
		c.Aliases["busy"] = []string{"demo/demo-large", "openai/gpt-4o-mini"}
	})
	k := g.key(hard())
	w, _ := g.dial("/v1/responses", k.SecretKey, nil)
	for _, attempts := range []string{"dead/ghost=0 openai/gpt-4o-mini=200", ""} {
		w.say(respond, "far")
		w.until("response.completed")
		if row := g.rows(k.APIKey.ID)[0]; names(row.Attempts) != attempts || row.Outcome != "settled" || row.Model != "gpt-4o-mini" {
			t.Errorf("%+v", row)
		}
	}
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), demoCredential) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g.provider.Provider.ServeHTTP(w, r)
	})
	k = g.key(hard())
	w, _ = g.dial("/v1/responses", k.SecretKey, nil)
	w.say(respond, "busy")
	w.until("response.completed")
	if row := g.row(k.APIKey.ID); names(row.Attempts) != "demo/demo-large=503 openai/gpt-4o-mini=200" {
		t.Errorf("%+v", row)
	}
	k = g.key(hard())
	w, r := g.dial("/v1/realtime?model=voice", k.SecretKey, nil)
	if w == nil {
		t.Fatalf("%d %s", r.status, r.body)
	}
	w.until("session.created")
	w.say(`{"type":"response.create"}`)
	w.until("response.done")
	if row := g.row(k.APIKey.ID); row.Model != "gpt-realtime" || row.Outcome != "settled" {
		t.Errorf("%+v", row)
	}
}

// TestTheCredentialOfASocket is the owner's, and is judged by how the provider takes
// it.
func TestTheCredentialOfASocket(t *testing.T) {
	g := open(t, nil)
	shared := g.shared(api.CredentialInput{})
	k := g.key(hard())
	for _, path := range []string{"/v1/responses", "/v1/realtime?model=gpt-realtime"} {
		w, r := g.dial(path, k.SecretKey, nil)
		if w == nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		w.say(respond, "gpt-4o-mini")
		w.until("response.completed", "response.done", "error")
		row := g.rows(k.APIKey.ID)[0]
		if sent, _ := g.provider.latest(); !row.BYOK || row.CostUSD != "0.00" || row.CredentialID == nil || *row.CredentialID != shared.ID || sent.Get("Authorization") != "Bearer "+sharedSecret {
			t.Errorf("%s: %+v %v", path, row, sent)
		}
	}
	g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`))
	})
	if w, r := g.dial("/v1/realtime?model=gpt-realtime", k.SecretKey, nil); w != nil || r.status != 502 || !strings.Contains(r.body, "401") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if v := g.credential(shared.ID).Validation; v.State != "invalid" {
		t.Errorf("%+v", v)
	}
	w, _ := g.dial("/v1/responses", k.SecretKey, nil)
	w.say(respond, "gpt-4o-mini")
	if e, err := w.hear(); err != nil || e.Error.Code != "upstream_unavailable" {
		t.Errorf("%s, %v", e.raw, err)
	}
}
