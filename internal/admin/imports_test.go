package admin_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// importRow is a row of a key that another system made.
func importRow(id, text string, in api.KeyInput, spent *api.ImportSpent) api.ImportRow {
	if in.Name.IsZero() {
		in.Name = api.Set("imported " + id)
	}
	return api.ImportRow{
		SourceID: id, Key: in, Spent: spent,
		Secret: api.ImportSecret{Scheme: "sha256", Digest: fmt.Sprintf("%x", sha256.Sum256([]byte(text))), Prefix: text[:min(8, len(text))]},
	}
}

// What a key has used elsewhere is in its totals, its owner's, the usage and its
// balance, once, however often it is imported.
func TestB6_ImportedSpendIsAnEntry(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	at := time.Now().AddDate(0, -2, 0).UTC().Truncate(time.Second)
	in := api.ImportInput{Source: "litellm/second", CreateUsers: true, Rows: []api.ImportRow{
		importRow("1", "sk-1", api.KeyInput{BudgetLimitCents: api.Set(int64(1000))}, &api.ImportSpent{CostUSD: "7.123456789", Tokens: 42, At: &at}),
		importRow("2", "sk-2", api.KeyInput{InitialBalanceUSD: api.Set("3.5")}, &api.ImportSpent{CostUSD: "1.25"}),
		importRow("3", "sk-3", api.KeyInput{}, nil),
	}}
	in.Rows[0].Owner = &api.ImportOwner{Email: "ada@example.com"}
	in.Rows[1].Owner = in.Rows[0].Owner
	var ids []string
	for round := range 3 {
		in.DryRun = round == 0
		report, err := h.ImportKeys(ctx, in)
		must(t, err)
		want := [3]int{0, 0, 0}
		want[round] = 3
		if report.WouldCreate != want[0] || report.Created != want[1] || report.Exists != want[2] || report.Refused != 0 {
			t.Fatalf("round %d: %+v", round, report)
		}
		if round == 1 {
			for _, r := range report.Results {
				ids = append(ids, *r.KeyID)
			}
		}
	}
	first, err := h.Key(ctx, ids[0])
	must(t, err)
	second, err := h.Key(ctx, ids[1])
	must(t, err)
	if first.TotalCostUSD != "7.123456789" || first.TotalTokens != 42 || first.TotalRequests != 1 || first.KeyPrefix != "sk-1" {
		t.Errorf("the first key: %+v", first)
	}
	if b := second.Balance; b == nil || b.GrantedUSD != "3.50" || b.SpentUSD != "0.00" || b.AvailableUSD != "3.50" || second.TotalCostUSD != "1.25" {
		t.Errorf("the second key: %s, %+v", second.TotalCostUSD, b)
	}
	if *first.UserID != *second.UserID {
		t.Error("two owners were made of one")
	}
	usage, err := h.Usage(ctx, client.UsageQuery{UserID: *first.UserID, GroupBy: []string{"user"}})
	must(t, err)
	if len(usage.Series) != 1 || usage.Series[0].CostUSD != "8.373456789" || usage.Series[0].Requests != 2 {
		t.Errorf("usage: %+v", usage.Series)
	}
	rows, err := h.Usage(ctx, client.UsageQuery{KeyID: ids[0]})
	must(t, err)
	if len(rows.Usage) != 1 || rows.Usage[0].Provider != "litellm" || rows.Usage[0].Model != "opening" || !rows.Usage[0].At.Equal(at) {
		t.Errorf("rows: %+v", rows.Usage)
	}
	stats, err := h.KeyStats(ctx, ids[1], time.Now().Add(-24*time.Hour), time.Now().Add(time.Hour))
	must(t, err)
	if stats.Totals.CostUSD != "1.25" {
		t.Errorf("what has no date is not of today: %+v", stats.Totals)
	}
	st, err := h.KeyLedger(ctx, ids[1], client.LedgerQuery{})
	must(t, err)
	if st.ClosingUSD != "3.50" {
		t.Errorf("the statement ends with %s", st.ClosingUSD)
	}
}

func TestImportsOverHTTP(t *testing.T) {
	h := newHouse(t)
	long := `{"source":"x","rows":[` + strings.Repeat(`{},`, 99) + `{"pad":"` + strings.Repeat("x", 4<<20) + `"}]}`
	for name, tt := range map[string]struct{ body, code string }{
		"nothing":  {`{}`, "validation_failed"},
		"no JSON":  {`{"source"`, "invalid_json"},
		"twice":    {`{"source":"a","rows":[{"x":1,"x":1}]}`, "duplicate_field"},
		"too long": {long, "body_too_large"},
		"a list":   {`[]`, "validation_failed"},
	} {
		if code := h.code(t, request{method: http.MethodPost, path: "/api/v1/imports", body: tt.body}); code != tt.code {
			t.Errorf("%s: %s", name, code)
		}
	}
	if code := h.code(t, request{method: http.MethodPost, path: "/api/v1/imports", body: `{}`, header: map[string]string{"Authorization": ""}}); code != "key_missing" {
		t.Error(code)
	}
	made, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("x"), Permissions: api.Set([]string{"platform:api-keys:create-any"})})
	must(t, err)
	var refused *client.Error
	_, err = client.New(h.url, made.SecretKey).ImportKeys(t.Context(), api.ImportInput{Source: "x", Rows: []api.ImportRow{importRow("1", "sk-1", api.KeyInput{}, nil)}})
	if !errors.As(err, &refused) || refused.Code != "permission_denied" {
		t.Errorf("without the permission: %v", err)
	}
	// A wrong row is told by field, beside what came of the others.
	bad := importRow("bad", "sk-bad", api.KeyInput{RateLimitPerMinute: api.Set(int64(0))}, nil)
	report, err := h.ImportKeys(t.Context(), api.ImportInput{Source: "x", Rows: []api.ImportRow{bad, importRow("1", "sk-1", api.KeyInput{}, nil)}})
	must(t, err)
	if r := report.Results[0]; r.Outcome != "refused" || *r.Code != "validation_failed" || len(r.Errors) != 1 || r.Errors[0].Field != "key.rate_limit_per_minute" || report.Created != 1 {
		shown, _ := json.Marshal(report)
		t.Errorf("%s", shown)
	}
}
