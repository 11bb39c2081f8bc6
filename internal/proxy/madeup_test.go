package proxy_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"tollgate/api"
	"tollgate/internal/config"
)

// TestA8_WhatAUsersProviderMakesUpIsNotBelieved: who answers at an address that a user
// set can say what they like. They cannot use up what others live on, streamed or not;
// a provider that the operator has configured is believed.
func TestA8_WhatAUsersProviderMakesUpIsNotBelieved(t *testing.T) {
	g := open(t, func(c *config.Config) {
		c.Credentials.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Credentials.FeePercent = 10
	})
	if _, err := g.admin.UpdateOrganization(t.Context(), api.OrganizationInput{LimitsInput: api.LimitsInput{
		TokensPerMonth: api.Set[int64](100_000), BudgetLimitCents: api.Set[int64](10_000), BudgetType: api.Set("monthly"),
	}}); err != nil {
		t.Fatal(err)
	}
	mallory := g.user("mallory@example.com")
	k, other := g.key(api.KeyInput{UserID: api.Set(mallory.ID)}), g.key(api.KeyInput{})
	g.bring(api.CredentialInput{
		Provider: api.Set("custom"), UserID: api.Set(mallory.ID), APIKey: api.Set(mineSecret),
		CustomConfig: api.Set(api.CustomConfigInput{BaseURL: api.Set(g.provider.url + "/v1")}),
	})
	if _, err := g.admin.UpdateOrganization(t.Context(), api.OrganizationInput{DefaultPrice: api.Set(api.DefaultPrice{InputUSDPerMillion: "1.00", OutputUSDPerMillion: "1.00"})}); err != nil {
		t.Fatal(err)
	}
	for _, claim := range []int64{1_000_000, 1_000_000_000_000, 9_000_000_000_000_000_000} {
		for _, stream := range []bool{false, true} {
			usage := fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, claim, claim, claim)
			g.provider.answers(func(w http.ResponseWriter, _ *http.Request) {
				if stream {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = fmt.Fprintf(w, "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"x\",\"choices\":[],%s}\n\ndata: [DONE]\n\n", usage)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],%s}`, usage)
			})
			if r := g.do(ask{key: k.SecretKey, model: "custom/mine", max: 10, stream: stream}); !r.complete(stream) {
				t.Fatalf("%d %s", r.status, r.body)
			}
			row := g.rows(k.APIKey.ID)[0]
			if tokens := row.InputTokens + row.OutputTokens; tokens == 0 || tokens > 500 || row.CostUSD > "0.0001" || row.CostUSD == "0.00" {
				t.Errorf("claimed %d: %+v", claim, row)
			}
		}
	}
	g.provider.answers(nil)
	if r := g.do(ask{key: other.SecretKey, model: gpt, max: 10}); !r.complete(false) {
		t.Errorf("another of the organization: %d %s", r.status, r.body)
	}
}
