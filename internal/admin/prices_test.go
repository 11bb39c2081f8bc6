package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/api"
	"tollgate/client"
)

// priced sets what a million tokens of provider/model cost, in and out alike.
func (h *house) priced(t *testing.T, row, usd string, from *time.Time) api.PriceResult {
	t.Helper()
	provider, model, _ := strings.Cut(row, "/")
	report, err := h.SetPrices(t.Context(), api.PricesInput{Prices: []api.PriceInput{{
		Provider: provider, Model: model, From: from, Tiers: []api.PriceTierInput{{InputUSDPerMillion: usd, OutputUSDPerMillion: usd}},
	}}})
	must(t, err)
	return report.Results[0]
}

// What is set is what is shown, by every way of asking.
func TestPricesAreShownAsTheyAreSet(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	later := time.Date(2098, 12, 1, 0, 0, 0, 0, time.UTC)
	report, err := h.SetPrices(ctx, api.PricesInput{Source: "a letter", Prices: []api.PriceInput{
		{Provider: "openai", Model: "brand-new", From: &later, ImageUSD: ptr("0.04"), SecondUSD: ptr("0.0001"), CharactersUSDPerMillion: ptr("15"), SearchUSD: ptr("0.002"), ContextTokens: 9, MaxOutputTokens: 5, ServiceTiers: []api.ServicePriceInput{
			{Service: "flex", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "0.5", OutputUSDPerMillion: "1", CacheReadUSDPerMillion: ptr("0.05")}}},
		}, Tiers: []api.PriceTierInput{
			{InputUSDPerMillion: "1", OutputUSDPerMillion: "2", CacheReadUSDPerMillion: ptr("0.1"), CacheWriteUSDPerMillion: ptr("1.25"), CacheWrite1hUSDPerMillion: ptr("2.000001"), InputAudioUSDPerMillion: ptr("7"), ReasoningUSDPerMillion: ptr("3"), OutputAudioUSDPerMillion: ptr("8")},
			{AboveInputTokens: 200_000, InputUSDPerMillion: "4", OutputUSDPerMillion: "5"},
		}},
		{Provider: "openai", Model: "gpt-4o-mini", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "0", OutputUSDPerMillion: "0"}}},
	}})
	must(t, err)
	want := api.ModelPricing{
		ImageUSD: ptr("0.04"), SecondUSD: ptr("0.0001"), CharactersUSDPerMillion: ptr("15.00"), SearchUSD: ptr("0.002"),
		ServiceTiers: []api.ServicePricing{{Service: "flex", Tiers: []api.PriceTier{
			{
				InputUSDPerMillion: "0.50", CacheReadUSDPerMillion: "0.05", CacheWriteUSDPerMillion: "0.50", CacheWrite1hUSDPerMillion: "0.50",
				InputAudioUSDPerMillion: "0.50", OutputUSDPerMillion: "1.00", ReasoningUSDPerMillion: "1.00", OutputAudioUSDPerMillion: "1.00",
			},
			{ // none is given: no less than the standard one
				AboveInputTokens: 200_000, InputUSDPerMillion: "4.00", CacheReadUSDPerMillion: "4.00", CacheWriteUSDPerMillion: "4.00", CacheWrite1hUSDPerMillion: "4.00",
				InputAudioUSDPerMillion: "4.00", OutputUSDPerMillion: "5.00", ReasoningUSDPerMillion: "5.00", OutputAudioUSDPerMillion: "5.00",
			},
		}}},
		Tiers: []api.PriceTier{
			{
				InputUSDPerMillion: "1.00", CacheReadUSDPerMillion: "0.10", CacheWriteUSDPerMillion: "1.25", CacheWrite1hUSDPerMillion: "2.000001",
				InputAudioUSDPerMillion: "7.00", OutputUSDPerMillion: "2.00", ReasoningUSDPerMillion: "3.00", OutputAudioUSDPerMillion: "8.00",
			},
			{
				AboveInputTokens: 200_000, InputUSDPerMillion: "4.00", CacheReadUSDPerMillion: "4.00", CacheWriteUSDPerMillion: "4.00", CacheWrite1hUSDPerMillion: "4.00",
				InputAudioUSDPerMillion: "4.00", OutputUSDPerMillion: "5.00", ReasoningUSDPerMillion: "5.00", OutputAudioUSDPerMillion: "5.00",
			},
		},
	}
	if report.New != 1 || report.Changed != 1 || cmp.Diff(&want, report.Results[0].After) != "" || report.Results[0].Before != nil || *report.Results[1].BeforeSource != "builtin" {
		t.Fatalf("%+v", report)
	}
	shown, err := h.Prices(ctx, client.PriceQuery{Model: "brand-new", At: later})
	must(t, err)
	if shown.Total != 1 || shown.Prices[0].Source != "stored" || !shown.Prices[0].Since.Equal(later) || *shown.Prices[0].VersionID != *report.Results[0].ID {
		t.Errorf("then: %+v", shown)
	} else if diff := cmp.Diff(want, shown.Prices[0].ModelPricing); diff != "" {
		t.Error(diff)
	}
	if shown, err = h.Prices(ctx, client.PriceQuery{Model: "brand-new"}); err != nil || shown.Total != 0 {
		t.Errorf("now: %+v, %v", shown, err)
	}
	m, err := h.Model(ctx, "gpt-4o-mini")
	must(t, err)
	if !m.IsPriced || m.Prices.Tiers[0].InputUSDPerMillion != "0.00" || *m.ContextTokens != 128000 {
		t.Errorf("free, not unpriced: %+v", m)
	}
	versions, err := h.PriceVersions(ctx, client.PriceQuery{Provider: "openai"})
	must(t, err)
	if versions.Total != 2 || !versions.PriceVersions[0].IsInForce || versions.PriceVersions[1].IsInForce || *versions.PriceVersions[1].MaxOutputTokens != 5 ||
		versions.PriceVersions[0].Source != "a letter" || !strings.HasPrefix(versions.PriceVersions[0].Actor, "mk_") {
		t.Errorf("%+v", versions)
	}
	events, err := h.Audit(ctx, client.AuditQuery{Action: "price.set"})
	must(t, err)
	if len(events.AuditEvents) != 2 || *events.AuditEvents[0].ResourceName != "openai/gpt-4o-mini" || *events.AuditEvents[0].ResourceID != *report.Results[1].ID {
		t.Errorf("%+v", events)
	}
}

// Each wrong row is refused by itself and says why; the others are taken.
func TestWrongPricesAreRefusedRowByRow(t *testing.T) {
	h := newHouse(t)
	tier := []api.PriceTierInput{{InputUSDPerMillion: "1", OutputUSDPerMillion: "2"}}
	year := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := []api.PriceInput{
		{Provider: "nobody", Model: "x", Tiers: tier},
		{Provider: "openai", Model: "", Tiers: tier},
		{Provider: "openai", Model: "two words", Tiers: tier},
		{Provider: "openai", Model: "a"},
		{Provider: "openai", Model: "b", Tiers: tier, Reset: true},
		{Provider: "openai", Model: "c", Tiers: tier, From: &year},
		{Provider: "openai", Model: "d", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "1e-6", OutputUSDPerMillion: "2"}}},
		{Provider: "openai", Model: "e", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "-1", OutputUSDPerMillion: "2"}}},
		{Provider: "openai", Model: "f", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "1", OutputUSDPerMillion: "0.0000001"}}},
		{Provider: "openai", Model: "g", Tiers: []api.PriceTierInput{{AboveInputTokens: 5, InputUSDPerMillion: "1", OutputUSDPerMillion: "1"}}},
		{Provider: "openai", Model: "h", Tiers: append(tier, tier...)},
		{Provider: "openai", Model: "i", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "100000.000001", OutputUSDPerMillion: "2"}}},
		{Provider: "openai", Model: "j", ImageUSD: ptr("1000.01")},
		{Provider: "openai", Model: "k", Tiers: tier, ContextTokens: -1},
		{Provider: "openai", Model: "l", Tiers: tier, ServiceTiers: []api.ServicePriceInput{{Service: "slow", Tiers: tier}}},
		{Provider: "openai", Model: "m", Tiers: tier, ServiceTiers: []api.ServicePriceInput{{Service: "flex", Tiers: tier}, {Service: "flex", Tiers: tier}}},
		{Provider: "openai", Model: "n", ImageUSD: ptr("1"), ServiceTiers: []api.ServicePriceInput{{Service: "flex", Tiers: tier}}},
		{Provider: "openai", Model: "o", Tiers: tier, ServiceTiers: []api.ServicePriceInput{{Service: "flex"}}},
		{Provider: "openai", Model: "good", Tiers: tier},
		{Provider: "openai", Model: "good", Tiers: tier},
	}
	report, err := h.SetPrices(t.Context(), api.PricesInput{Prices: rows})
	must(t, err)
	for i, r := range report.Results {
		if r.Model != rows[i].Model {
			t.Errorf("row %d is of %q", i, r.Model)
		}
		if good := i == len(rows)-2; good != (r.Outcome == "new") || good != (r.Errors == nil) {
			t.Errorf("row %d: %+v", i, r)
		}
	}
	list, err := h.PriceVersions(t.Context(), client.PriceQuery{})
	must(t, err)
	if list.Total != 1 || report.Refused != len(rows)-1 {
		t.Errorf("%d versions, %d refused", list.Total, report.Refused)
	}
}

// Prices are the whole installation's. Who only reads sees them.
func TestOnlyWhoMayChangesPrices(t *testing.T) {
	h := newHouse(t)
	h.addOrganization(t, "*")
	other := client.New(h.url, otherRoot)
	reader, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("reader"), Permissions: api.Set([]string{"platform:*:read"})})
	must(t, err)
	in := api.PricesInput{Prices: []api.PriceInput{{Provider: "openai", Model: "x", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "1", OutputUSDPerMillion: "2"}}}}}
	for name, c := range map[string]*client.Client{"another organization": other, "a reader": client.New(h.url, reader.SecretKey)} {
		if _, err := c.SetPrices(t.Context(), in); refused(err) != "permission_denied" {
			t.Errorf("%s: %v", name, err)
		}
		if list, err := c.PriceVersions(t.Context(), client.PriceQuery{}); err != nil || list.Total != 0 {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	h.priced(t, "openai/x", "1", nil)
	if list, err := other.PriceVersions(t.Context(), client.PriceQuery{}); err != nil || list.Total != 1 || list.PriceVersions[0].Actor != "" {
		t.Errorf("who of another organization set it is shown: %+v, %v", list, err)
	}
}

// What a list does not say stays as it is, if that is wanted; else it is gone.
func TestKeepRest(t *testing.T) {
	h := newHouse(t)
	full := api.PriceInput{
		Provider: "anthropic", Model: "claude-x", SearchUSD: ptr("0.01"),
		Tiers: []api.PriceTierInput{{InputUSDPerMillion: "1", OutputUSDPerMillion: "5", CacheReadUSDPerMillion: ptr("0.1"), CacheWrite1hUSDPerMillion: ptr("2")}},
		ServiceTiers: []api.ServicePriceInput{
			{Service: "fast", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "6", OutputUSDPerMillion: "30", CacheReadUSDPerMillion: ptr("0.6")}}},
			{Service: "priority", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "2", OutputUSDPerMillion: "10"}}},
		},
	}
	set := func(keep bool, p api.PriceInput) *api.ModelPricing {
		t.Helper()
		report, err := h.SetPrices(t.Context(), api.PricesInput{KeepRest: keep, Prices: []api.PriceInput{p}})
		must(t, err)
		if report.Refused > 0 {
			t.Fatalf("%+v", report)
		}
		return report.Results[0].After
	}
	before := set(false, full)
	bare := api.PriceInput{Provider: "anthropic", Model: "claude-x", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "1", OutputUSDPerMillion: "5"}}}
	if diff := cmp.Diff(before, set(true, bare)); diff != "" {
		t.Error(diff)
	}
	bare.Tiers[0].CacheReadUSDPerMillion, bare.ServiceTiers = ptr("0.2"), []api.ServicePriceInput{{Service: "priority", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "3", OutputUSDPerMillion: "15"}}}}
	after := set(true, bare)
	if after.Tiers[0].CacheReadUSDPerMillion != "0.20" || after.Tiers[0].CacheWrite1hUSDPerMillion != "2.00" || *after.SearchUSD != "0.01" ||
		len(after.ServiceTiers) != 2 || after.ServiceTiers[0].Tiers[0].InputUSDPerMillion != "3.00" || after.ServiceTiers[1].Tiers[0].CacheReadUSDPerMillion != "0.60" {
		t.Errorf("%+v", after)
	}
	if gone := set(false, bare); gone.SearchUSD != nil || len(gone.ServiceTiers) != 1 || gone.Tiers[0].CacheWrite1hUSDPerMillion != "1.00" {
		t.Errorf("%+v", gone)
	}
}
