package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// use books a request for a model of OpenAI's that was charged by prices.
func (h *house) use(t *testing.T, secretKey, model, prices string, used llm.Usage, cost money.NanoUSD) {
	t.Helper()
	grant, err := h.authority.Authenticate(t.Context(), secretKey)
	must(t, err)
	hold, err := h.ledger.Reserve(t.Context(), &ledger.Request{
		Chain: grant.Chain(), Input: used.Total(), InputCost: cost,
		Entry: ledger.Entry{
			OrganizationID: grant.OrganizationID(), UserID: grant.UserID(), KeyID: grant.KeyID(), KeyName: grant.KeyName(),
			Provider: "openai", Model: model, Format: llm.OpenAI, Endpoint: "/v1/chat/completions", Prices: prices,
		},
	})
	must(t, err)
	hold.Settle(ledger.Result{Outcome: ledger.Settled, Usage: used, Cost: cost, Status: 200})
}

// A model is used without a price, gets one from before that, and what was used is
// charged: first it is said what would come of it, then it is booked, once.
func TestWhatWasUsedWithoutAPriceIsCharged(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	k := h.createKey(t, api.KeyInput{Name: api.Set("ci")})
	h.change(t, k.APIKey.ID, "open", "1")
	begun := time.Now().Add(-time.Minute)
	h.use(t, k.SecretKey, "of-tomorrow", "", llm.Usage{Input: 1_000_000, Output: 10}, 0)
	h.use(t, k.SecretKey, "of-tomorrow", "", llm.Usage{Input: 1_000_000}, 0)
	h.use(t, k.SecretKey, "gpt-4o-mini", "0.15 0.60 cache_read=0.075", llm.Usage{Input: 1_000_000}, 150_000_000)
	unpriced, err := h.UnpricedModels(ctx, client.UnpricedQuery{From: begun})
	must(t, err)
	if unpriced.Total != 1 || unpriced.UnpricedModels[0].ID != "openai/of-tomorrow" || unpriced.UnpricedModels[0].Requests != 2 || unpriced.UnpricedModels[0].IsPriced {
		t.Errorf("%+v", unpriced)
	}
	if r, err := h.Rerate(ctx, api.RerateInput{}, nil); err != nil || r.Corrected != 0 || len(r.LeftOut) != 1 || r.LeftOut[0] != (api.LeftOut{Reason: "unpriced", Entries: 2}) {
		t.Errorf("without a price: %+v, %v", r, err)
	}
	h.priced(t, "openai/of-tomorrow", "0.02", &begun)
	told := 0
	r, err := h.Rerate(ctx, api.RerateInput{}, func(done, total int) { told++ })
	must(t, err)
	if r.ID != nil || r.State != "checked" || r.Entries != 3 || r.Corrected != 2 || r.BeforeUSD != "0.15" || r.AfterUSD != "0.1900002" || r.DifferenceUSD != "0.0400002" ||
		len(r.Models) != 2 || r.Models[0].ID != "openai/of-tomorrow" || len(r.Keys) != 1 || r.Keys[0].Name != "ci" || told == 0 {
		t.Errorf("%+v, told %d times", r, told)
	}
	shown, err := h.Key(ctx, k.APIKey.ID)
	must(t, err)
	if got := balanceOf(shown); got != "1.00 0.15 0.00 0.85" {
		t.Errorf("after the dry run: %s", got)
	}
	r, err = h.Rerate(ctx, api.RerateInput{Provider: "openai", Model: "of-tomorrow", KeyID: k.APIKey.ID, From: begun.Format(time.RFC3339Nano), Apply: true}, nil)
	must(t, err)
	if r.ID == nil || r.State != "done" || r.DifferenceUSD != "0.0400002" || r.EndedAt == nil {
		t.Errorf("%+v", r)
	}
	shown, err = h.Key(ctx, k.APIKey.ID)
	must(t, err)
	if got := balanceOf(shown); got != "1.00 0.1900002 0.00 0.8099998" || shown.TotalCostUSD != "0.1900002" || shown.TotalRequests != 3 {
		t.Errorf("booked: %s, %s, %d requests", got, shown.TotalCostUSD, shown.TotalRequests)
	}
	rows, err := h.Usage(ctx, client.UsageQuery{Outcome: "corrected"})
	must(t, err)
	if rows.Total != 2 || len(rows.Usage) != 2 || rows.Usage[0].Outcome != "corrected" || rows.Usage[0].InputTokens != 0 {
		t.Errorf("%+v", rows)
	}
	if again, err := h.Rerate(ctx, api.RerateInput{Apply: true}, nil); err != nil || again.Corrected != 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}
	list, err := h.Rerates(ctx, client.PageQuery{})
	must(t, err)
	if list.Total != 2 || *list.Rerates[1].ID != *r.ID || list.Rerates[1].DifferenceUSD != "0.0400002" {
		t.Errorf("%+v", list)
	}
	events, err := h.Audit(ctx, client.AuditQuery{Action: "rerate.create"})
	must(t, err)
	if len(events.AuditEvents) != 2 || *events.AuditEvents[1].ResourceID != *r.ID {
		t.Errorf("%+v", events)
	}
}

// Nobody rates what is another organization's, and who may not rates nothing.
func TestOnlyWhoMayRatesAnew(t *testing.T) {
	h := newHouse(t)
	k := h.createKey(t, api.KeyInput{})
	h.use(t, k.SecretKey, "gpt-4o-mini", "", llm.Usage{Input: 1_000_000}, 0)
	h.addOrganization(t, "*")
	other := client.New(h.url, otherRoot)
	if r, err := other.Rerate(t.Context(), api.RerateInput{Apply: true}, nil); err != nil || r.Entries != 0 {
		t.Errorf("another organization: %+v, %v", r, err)
	}
	if list, err := other.UnpricedModels(t.Context(), client.UnpricedQuery{}); err != nil || list.Total != 0 {
		t.Errorf("another organization: %+v, %v", list, err)
	}
	reader, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("reader"), Permissions: api.Set([]string{"platform:*:read"})})
	must(t, err)
	if _, err := client.New(h.url, reader.SecretKey).Rerate(t.Context(), api.RerateInput{}, nil); refused(err) != "permission_denied" {
		t.Errorf("a reader: %v", err)
	}
	for body, field := range map[string]string{`{"from":"yesterday"}`: "from", `{"from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"}`: "to", `{"apply":1}`: "apply", `{"all":true}`: "all"} {
		if _, p := h.problem(t, request{method: http.MethodPost, path: "/api/v1/rerates", body: body}); p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	_, lines := h.send(t, request{method: http.MethodPost, path: "/api/v1/rerates?format=jsonl", body: "{}"})
	if !strings.HasPrefix(lines, `{"done":1,"total":1}`+"\n") || strings.Count(lines, "\n") != 2 {
		t.Errorf("%s", lines)
	}
}
