package proxy_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tollgate/api"
)

// TestWhatChangedMeanwhileIsInForce: the provider takes its time to refuse a
// credential. What is changed by then holds for the request that would follow under
// another one: it is not sent, and the refusal stands.
func TestWhatChangedMeanwhileIsInForce(t *testing.T) {
	none := func(*gate, api.Key, api.Credential) error { return nil }
	for name, c := range map[string]struct {
		change func(g *gate, k api.Key, shared api.Credential) error
		sent   string // under whose secret the answer came; "" = none did
	}{
		"nothing": {none, sharedSecret},
		"the key is revoked": {func(g *gate, k api.Key, _ api.Credential) error {
			_, err := g.admin.RevokeKey(g.t.Context(), k.ID)
			return err
		}, ""},
		"the model is forbidden": {func(g *gate, k api.Key, _ api.Credential) error {
			_, err := g.admin.UpdateKey(g.t.Context(), k.ID, api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})})
			return err
		}, ""},
		"the key has no more room": {func(g *gate, k api.Key, _ api.Credential) error {
			_, err := g.admin.UpdateKey(g.t.Context(), k.ID, api.KeyInput{TokensPerDay: api.Set[int64](1)})
			return err
		}, ""},
		"the next one is deleted": {func(g *gate, _ api.Key, c api.Credential) error { return g.admin.DeleteCredential(g.t.Context(), c.ID) }, openaiCredential},
		"the next one is disabled": {func(g *gate, _ api.Key, c api.Credential) error {
			_, err := g.admin.UpdateCredential(g.t.Context(), c.ID, api.CredentialInput{IsActive: api.Set(false)})
			return err
		}, openaiCredential},
		"no other may take its place": {func(g *gate, _ api.Key, _ api.Credential) error {
			_, err := g.admin.UpdateOrganization(g.t.Context(), api.OrganizationInput{CredentialFallback: api.Set(false)})
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, nil)
			g.allowFallback()
			ada := g.user("ada@example.com")
			g.mine(ada, api.CredentialInput{})
			shared := g.shared(api.CredentialInput{})
			k := g.key(api.KeyInput{UserID: api.Set(ada.ID)})
			var changed atomic.Bool
			var served atomic.Value
			served.Store("")
			g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
				secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				if secret == mineSecret {
					if !changed.Swap(true) {
						if err := c.change(g, k.APIKey, shared); err != nil {
							t.Error(err)
						}
					}
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				served.Store(secret)
				g.provider.Provider.ServeHTTP(w, r)
			})
			r := g.do(ask{key: k.SecretKey, model: gpt, max: 10})
			if got := served.Load(); got != c.sent || r.complete(false) != (c.sent != "") || c.sent == "" && r.status != http.StatusUnauthorized {
				t.Errorf("served under %q, want %q: %d %s", got, c.sent, r.status, r.body)
			}
			row := g.row(k.APIKey.ID)
			if failed := row.Outcome == "failed"; failed != (c.sent == "") {
				t.Errorf("%+v", row)
			}
		})
	}
}
