package admin_test

import (
	"slices"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// spend books one answered request of a key, as the data plane does.
func (h *house) spend(t *testing.T, secretKey string, used llm.Usage, cost money.NanoUSD) {
	t.Helper()
	grant, err := h.authority.Authenticate(t.Context(), secretKey)
	must(t, err)
	hold, err := h.ledger.Reserve(t.Context(), &ledger.Request{
		Chain: grant.Chain(), Input: used.Total(), InputCost: cost,
		Entry: ledger.Entry{
			OrganizationID: grant.OrganizationID(), UserID: grant.UserID(), KeyID: grant.KeyID(), KeyName: grant.KeyName(),
			Provider: "openai", Model: "gpt-4o-mini", Format: llm.OpenAI, Endpoint: "/v1/chat/completions", Stream: true,
		},
	})
	must(t, err)
	hold.Settle(ledger.Result{Outcome: ledger.Settled, Usage: used, Cost: cost, Status: 200, UpstreamID: "chatcmpl-1"})
}

func TestUsage(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	user, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("Ada@example.com"), Name: api.Set("Ada")})
	must(t, err)
	a := h.createKey(t, api.KeyInput{Name: api.Set("a"), UserID: api.Set(user.ID)})
	b := h.createKey(t, api.KeyInput{Name: api.Set("b")})
	used := llm.Usage{Input: 10, CacheRead: 3, CacheWrite: 1, CacheWrite1h: 1, InputAudio: 2, Output: 20, Reasoning: 5, OutputAudio: 4}
	h.spend(t, a.SecretKey, used, 150_001)
	h.spend(t, a.SecretKey, used, 2*money.Cent)
	h.spend(t, b.SecretKey, llm.Usage{Input: 1}, 1)

	sum, err := h.KeyUsage(ctx, a.APIKey.ID)
	must(t, err)
	want := api.UsageSum{Requests: 2, Tokens: 82, CostUSD: "0.020150001", CostCents: 2}
	if sum.Totals != want || sum.Today != want || sum.ThisHour != want || sum.LastUsedAt == nil || sum.KeyID != a.APIKey.ID {
		t.Errorf("usage: %+v, want %+v three times", sum, want)
	}
	k, err := h.Key(ctx, a.APIKey.ID)
	must(t, err)
	if k.TotalRequests != 2 || k.TotalTokens != 82 || k.TotalCostUSD != "0.020150001" || k.TotalCostCents != 2 || k.LastUsedAt == nil {
		t.Errorf("key: %+v", k)
	}
	keys, err := h.Keys(ctx, client.KeyQuery{UserID: user.ID})
	must(t, err)
	if keys.Total != 1 || keys.APIKeys[0].TotalRequests != 2 || keys.APIKeys[0].Kind != "user" || *keys.APIKeys[0].UserID != user.ID {
		t.Errorf("list: %+v", keys)
	}

	rows, err := h.Usage(ctx, client.UsageQuery{})
	must(t, err)
	at := slices.IndexFunc(rows.Usage, func(r api.UsageRow) bool { return r.CostUSD == "0.02" })
	if rows.Total != 3 || len(rows.Usage) != 3 || at < 0 {
		t.Fatalf("rows: %+v", rows)
	}
	got := rows.Usage[at]
	if got.RequestID == "" || got.UpstreamRequestID != "chatcmpl-1" || time.Since(got.At) > time.Minute || *got.UserID != user.ID ||
		got.ChatbotID != nil || got.Outcome != "settled" || got.Status != 200 || !got.Stream || got.BYOK || got.APIFormat != "openai" {
		t.Errorf("row: %+v", got)
	}
	if got.InputTokens != 12 || got.CacheReadTokens != 3 || got.CacheWriteTokens != 2 || got.OutputTokens != 24 || got.ReasoningTokens != 5 || got.CostUSD != "0.02" {
		t.Errorf("tokens of the row: %+v", got)
	}
	for name, tc := range map[string]struct {
		q    client.UsageQuery
		want int
	}{
		"of a key":    {client.UsageQuery{KeyID: a.APIKey.ID}, 2},
		"a page":      {client.UsageQuery{Page: 2, Size: 2}, 3},
		"from now on": {client.UsageQuery{From: time.Now().Add(time.Hour)}, 0},
		"before":      {client.UsageQuery{To: time.Now().Add(-time.Hour)}, 0},
		"around":      {client.UsageQuery{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := h.Usage(ctx, tc.q)
			must(t, err)
			if rows.Total != tc.want {
				t.Errorf("total %d, want %d", rows.Total, tc.want)
			}
		})
	}

	// What was used outlives the key.
	must(t, h.DeleteKey(ctx, a.APIKey.ID))
	rows, err = h.Usage(ctx, client.UsageQuery{KeyID: a.APIKey.ID})
	must(t, err)
	if rows.Total != 2 || rows.Usage[0].KeyName != "a" {
		t.Errorf("after deletion: %+v", rows)
	}
}

func TestOwners(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	user, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("ada@example.com"), LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](100)}})
	must(t, err)
	if user.Status != "active" || !user.IsActive || *user.BudgetLimitCents != 100 || *user.BudgetType != "total" || user.Version != 1 {
		t.Errorf("user: %+v", user)
	}
	_, err = h.CreateUser(ctx, api.UserInput{Email: api.Set("ADA@example.com")})
	if refused(err) != "name_taken" {
		t.Errorf("the same email again: %v", err)
	}
	user, err = h.UpdateUser(ctx, user.ID, api.UserInput{IsActive: api.Set(false)}, client.IfVersion(1))
	must(t, err)
	if user.Status != "disabled" || user.Version != 2 {
		t.Errorf("disabled user: %+v", user)
	}
	made := h.createKey(t, api.KeyInput{UserID: api.Set(user.ID)})
	got, err := h.Explain(ctx, api.ExplainRequest{Key: made.SecretKey})
	must(t, err)
	if got.Code != "owner_inactive" {
		t.Errorf("a key of a disabled owner: %q", got.Code)
	}
	users, err := h.Users(ctx, client.UserQuery{Status: "disabled", Search: "ADA"})
	must(t, err)
	if users.Total != 1 || users.Users[0].ID != user.ID {
		t.Errorf("users: %+v", users)
	}

	org, err := h.UpdateOrganization(ctx, api.OrganizationInput{
		Timezone: api.Set("Europe/Vienna"), LimitsInput: api.LimitsInput{TokensPerDay: api.Set[int64](5)},
		DefaultPrice: api.Set(api.DefaultPrice{InputUSDPerMillion: "1.5", OutputUSDPerMillion: "6"}),
	})
	must(t, err)
	if org.Timezone != "Europe/Vienna" || *org.TokensPerDay != 5 || org.DefaultPrice.InputUSDPerMillion != "1.50" {
		t.Errorf("organization: %+v", org)
	}
	if again, err := h.Organization(ctx); err != nil || again.Version != org.Version {
		t.Errorf("organization read again: %+v, %v", again, err)
	}
}

// Sums are kept in nano-dollars: what is below a cent, or below a thousandth of one,
// is in every total, of one key, of a list, of the rows and of the statistics. Cents
// are rounded for people, and nothing is added up from them.
func TestB6_TotalsLoseNoPartOfACent(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	id := made.APIKey.ID
	if k := made.APIKey; k.TotalRequests != 0 || k.TotalTokens != 0 || k.TotalCostUSD != "0.00" || k.TotalCostCents != 0 || k.LastUsedAt != nil {
		t.Errorf("before the first request: %+v", k)
	}
	costs := []money.NanoUSD{1, 1, 9_999_999, 3, 0, 4_999_995, 150, 600}
	var sum money.NanoUSD
	for i, cost := range costs {
		h.spend(t, made.SecretKey, llm.Usage{Input: int64(i), Output: 2}, cost)
		sum += cost
	}
	want := "0.015000749"
	if sum.String() != want {
		t.Fatal(sum)
	}
	check := func(where string, requests, tokens int64, usd string, cents int64) {
		t.Helper()
		if requests != 8 || tokens != 28+16 || usd != want || cents != 2 {
			t.Errorf("%s: %d requests, %d tokens, $%s, %d cents", where, requests, tokens, usd, cents)
		}
	}
	k, err := h.Key(t.Context(), id)
	must(t, err)
	check("the key", k.TotalRequests, k.TotalTokens, k.TotalCostUSD, k.TotalCostCents)
	if k.LastUsedAt == nil || time.Since(*k.LastUsedAt) > time.Minute {
		t.Errorf("last used at %v", k.LastUsedAt)
	}
	list, err := h.Keys(t.Context(), client.KeyQuery{})
	must(t, err)
	k = list.APIKeys[0]
	check("the list", k.TotalRequests, k.TotalTokens, k.TotalCostUSD, k.TotalCostCents)
	used, err := h.KeyUsage(t.Context(), id)
	must(t, err)
	for where, s := range map[string]api.UsageSum{"ever": used.Totals, "today": used.Today, "this hour": used.ThisHour} {
		check(where, s.Requests, s.Tokens, s.CostUSD, s.CostCents)
	}
	stats, err := h.KeyStats(t.Context(), id, time.Time{}, time.Time{})
	must(t, err)
	check("statistics", stats.Totals.Requests, stats.Totals.Tokens, stats.Totals.CostUSD, stats.Totals.CostCents)
	series, err := h.Usage(t.Context(), client.UsageQuery{GroupBy: []string{"key"}})
	must(t, err)
	s := series.Series[0]
	check("by key", s.Requests, s.Tokens, s.CostUSD, s.CostCents)
	rows, err := h.Usage(t.Context(), client.UsageQuery{KeyID: id})
	must(t, err)
	var added money.NanoUSD
	for _, row := range rows.Usage {
		cost, err := money.ParseUSD(row.CostUSD)
		must(t, err)
		added += cost
	}
	check("the rows", int64(rows.Total), 44, added.String(), added.Cents())
}
