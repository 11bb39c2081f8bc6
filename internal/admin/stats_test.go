package admin_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// book books entries of a key at any time.
func (h *house) book(t *testing.T, k api.Key, at time.Time, change func(*ledger.Entry)) {
	t.Helper()
	org, err := h.Organization(t.Context())
	must(t, err)
	e := &ledger.Entry{
		ID: ledger.NewRequestID(at), At: at.UnixMilli(), DurationMS: 100, OrganizationID: org.ID, KeyID: k.ID, KeyName: k.Name,
		Provider: "openai", Model: "gpt-4o-mini", Format: llm.OpenAI, Endpoint: "/v1/chat/completions", Status: 200,
		Outcome: ledger.Settled, Usage: llm.Usage{Input: 10, CacheRead: 1, Output: 5}, Cost: 7,
	}
	if k.UserID != nil {
		e.UserID = *k.UserID
	}
	if change != nil {
		change(e)
	}
	pos, err := h.db.Ledger().Applied(t.Context())
	must(t, err)
	must(t, h.db.Ledger().Apply(t.Context(), []*ledger.Entry{e}, pos))
}

func (h *house) in(t *testing.T, zone string) *time.Location {
	t.Helper()
	_, err := h.UpdateOrganization(t.Context(), api.OrganizationInput{Timezone: api.Set(zone)})
	must(t, err)
	loc, err := time.LoadLocation(zone)
	must(t, err)
	return loc
}

func TestE10_StatsDayByDay(t *testing.T) {
	h := newHouse(t)
	loc := h.in(t, "Europe/Vienna")
	k := h.createKey(t, api.KeyInput{}).APIKey
	other := h.createKey(t, api.KeyInput{}).APIKey
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
		must(t, err)
		return when
	}
	h.book(t, k, at("2026-03-28 23:59"), nil)
	h.book(t, k, at("2026-03-29 00:00"), nil)
	h.book(t, k, at("2026-03-29 23:59"), func(e *ledger.Entry) { e.Outcome, e.Usage, e.Cost, e.DurationMS = ledger.Failed, llm.Usage{}, 0, 203 })
	h.book(t, k, at("2026-03-31 12:00"), func(e *ledger.Entry) { e.Cost = 2*money.Cent + 1 })
	h.book(t, other, at("2026-03-30 12:00"), nil)
	get := func(query string) (s api.KeyStats) {
		t.Helper()
		return decode[api.KeyStats](t, h, "/api/v1/api-keys/"+k.ID+"/stats"+query)
	}
	s := get("?start=2026-03-29&end=2026-04-01")
	var days []string
	for _, d := range s.Days {
		days = append(days, fmt.Sprintf("%s %d %d %d %d %s %d", d.Date, d.Requests, d.Failed, d.InputTokens, d.OutputTokens, d.CostUSD, d.AverageResponseMS))
	}
	want := []string{"2026-03-29 2 1 11 5 0.000000007 152", "2026-03-30 0 0 0 0 0.00 0", "2026-03-31 1 0 11 5 0.020000001 100"}
	if !slices.Equal(days, want) || s.Timezone != "Europe/Vienna" || !s.Start.Equal(at("2026-03-29 00:00")) || !s.End.Equal(at("2026-04-01 00:00")) {
		t.Errorf("%+v\nwant %v", s, want)
	}
	if tot := s.Totals; tot.Requests != 3 || tot.Failed != 1 || tot.Tokens != 32 || tot.CostUSD != "0.020000008" || tot.CostCents != 2 || tot.AverageResponseMS != 134 {
		t.Errorf("totals: %+v", tot)
	}
	// An instant is taken as exactly as a day.
	if s := get("?start=2026-03-28T22:59:00Z&end=2026-03-28T23:00:00Z"); len(s.Days) != 1 || s.Totals.Requests != 1 {
		t.Errorf("one minute: %+v", s)
	}
	stats, err := h.KeyStats(t.Context(), k.ID, time.Time{}, time.Time{})
	must(t, err)
	if len(stats.Days) != 30 || stats.Days[29].Date != time.Now().In(loc).Format("2006-01-02") {
		t.Errorf("without a span: %d days, %+v", len(stats.Days), stats.Days)
	}
	for _, query := range []string{"?start=yesterday", "?end=2026-02-30", "?start=2026-03-02&end=2026-03-01", "?start=1999-01-01", "?start="} {
		if code := statusOf(t, h, "/api/v1/api-keys/"+k.ID+"/stats"+query); query != "?start=" && code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", query, code)
		}
	}
}

func statusOf(t *testing.T, h *house, path string) int {
	t.Helper()
	resp, _ := h.send(t, request{method: "GET", path: path})
	return resp.StatusCode
}

func TestC6_SeriesAndFilters(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	loc := h.in(t, "America/New_York")
	user, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	keys := []api.Key{
		h.createKey(t, api.KeyInput{Name: api.Set("a"), UserID: api.Set(user.ID)}).APIKey,
		h.createKey(t, api.KeyInput{Name: api.Set("b")}).APIKey,
	}
	rng := rand.New(rand.NewPCG(6, 6))
	first := time.Date(2026, 10, 28, 0, 0, 0, 0, loc) // New York turns its clocks back on 1 November
	type group struct{ date, key, provider, model string }
	want := map[group]money.NanoUSD{}
	var total money.NanoUSD
	for range 300 {
		at := first.Add(time.Duration(rng.Int64N(int64(8 * 24 * time.Hour))))
		h.book(t, keys[rng.IntN(2)], at, func(e *ledger.Entry) {
			e.Provider, e.Model = []string{"openai", "anthropic"}[rng.IntN(2)], []string{"small", "large"}[rng.IntN(2)]
			e.Cost = money.NanoUSD(rng.Int64N(int64(money.USD)))
			e.Outcome = ledger.Outcome(rng.IntN(4) + 1)
			want[group{at.In(loc).Format("2006-01-02"), e.KeyID, e.Provider, e.Model}] += e.Cost
			total += e.Cost
		})
	}
	list, err := h.Usage(ctx, client.UsageQuery{GroupBy: []string{"model", "day", "key", "provider"}, Size: 1000})
	must(t, err)
	if len(list.Series) != len(want) || list.Total != len(want) || list.Usage != nil || list.Totals.CostUSD != total.String() || list.Totals.Requests != 300 {
		t.Fatalf("%d groups of %d, totals %+v, want %d and %s", len(list.Series), list.Total, list.Totals, len(want), total)
	}
	for _, g := range list.Series {
		if g.CostUSD != want[group{*g.Date, *g.KeyID, *g.Provider, *g.Model}].String() || g.UserID != nil || g.ChatbotID != nil || len(*g.KeyName) != 1 {
			t.Errorf("%+v", g)
		}
	}
	pages := 0
	for page := 1; page <= 2; page++ {
		part, err := h.Usage(ctx, client.UsageQuery{GroupBy: []string{"key"}, Page: page, Size: 1})
		must(t, err)
		pages += len(part.Series)
		if part.Total != 2 || part.Totals.CostUSD != total.String() {
			t.Errorf("page %d: %+v", page, part)
		}
	}
	if pages != 2 {
		t.Errorf("%d groups on two pages", pages)
	}
	// Rows and sums are chosen by the same filters.
	for name, q := range map[string]client.UsageQuery{
		"key": {KeyID: keys[1].ID}, "user": {UserID: user.ID}, "provider": {Provider: "openai"}, "model": {Model: "large"},
		"outcome": {Outcome: "unconfirmed"}, "span": {From: first.Add(47*time.Hour + 7*time.Minute), To: first.Add(100 * time.Hour)},
		"all of it": {KeyID: keys[0].ID, UserID: user.ID, Provider: "anthropic", Model: "small", Outcome: "settled"},
	} {
		q.Size = 1000
		rows, err := h.Usage(ctx, q)
		must(t, err)
		q.GroupBy = []string{"user"}
		sums, err := h.Usage(ctx, q)
		must(t, err)
		var cost money.NanoUSD
		for _, r := range rows.Usage {
			cost += mustUSD(t, r.CostUSD)
		}
		if len(rows.Usage) == 0 || rows.Total != len(rows.Usage) || sums.Totals.Requests != int64(rows.Total) || sums.Totals.CostUSD != cost.String() {
			t.Errorf("%s: %d rows of %d cost %s, and the sums are %+v", name, len(rows.Usage), rows.Total, cost, sums.Totals)
		}
	}
	for _, query := range []string{"from=1001-01-01T00:00:00Z", "to=9999-12-31T23:59:59Z", "from=1960-01-01T00:00:00Z"} {
		if list := decode[api.UsageList](t, h, "/api/v1/usage?group_by=day,key&"+query); list.Totals.Requests != 300 {
			t.Errorf("%s: %+v", query, list.Totals)
		}
		if list := decode[api.UsageList](t, h, "/api/v1/usage?"+query); list.Total != 300 || len(list.Usage) != 100 {
			t.Errorf("%s: %d of %d", query, len(list.Usage), list.Total)
		}
	}
	for _, query := range []string{"group_by=week", "group_by=day,", "outcome=held", "format=xml", "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z&group_by=day", "nonsense=1"} {
		if code := statusOf(t, h, "/api/v1/usage?"+query); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", query, code)
		}
	}
}

func mustUSD(t *testing.T, text string) money.NanoUSD {
	t.Helper()
	n, err := money.ParseUSD(text)
	must(t, err)
	return n
}

func TestC6_UsageAsCSV(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	loc := h.in(t, "Asia/Kathmandu")
	k := h.createKey(t, api.KeyInput{Name: api.Set("=HYPERLINK(\"x\"), \"quoted\"")}).APIKey
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, loc)
	const n = 2100 // more than are read at once
	var batch []*ledger.Entry
	for i := range n {
		at := start.Add(time.Duration(i) * time.Minute)
		batch = append(batch, &ledger.Entry{
			ID: ledger.NewRequestID(at), At: at.UnixMilli(), OrganizationID: must1(h.Organization(ctx)).ID, KeyID: k.ID, KeyName: k.Name,
			Outcome: ledger.Settled, Cost: money.NanoUSD(i), Usage: llm.Usage{Input: 1},
		})
	}
	must(t, h.db.Ledger().Apply(ctx, batch, must1(h.db.Ledger().Applied(ctx))))
	read := func(q client.UsageQuery) (rows []map[string]string) {
		t.Helper()
		var out bytes.Buffer
		must(t, h.UsageCSV(ctx, q, &out))
		lines, err := csv.NewReader(&out).ReadAll()
		must(t, err)
		for _, line := range lines[1:] {
			row := map[string]string{}
			for i, name := range lines[0] {
				row[name] = line[i]
			}
			rows = append(rows, row)
		}
		return rows
	}
	seen := map[string]bool{}
	var cost money.NanoUSD
	for _, row := range read(client.UsageQuery{KeyID: k.ID}) {
		seen[row["request_id"]] = true
		cost += mustUSD(t, row["cost_usd"])
		if row["key_name"] != "'"+k.Name || row["user_id"] != "" || row["outcome"] != "settled" {
			t.Fatalf("%v", row)
		}
	}
	if want := money.NanoUSD(n * (n - 1) / 2); len(seen) != n || cost != want {
		t.Errorf("%d rows that cost %s, want %d and %s", len(seen), cost, n, want)
	}
	if rows := read(client.UsageQuery{Page: 2, Size: 10}); len(rows) != 10 || rows[0]["cost_usd"] != money.NanoUSD(n-11).String() {
		t.Errorf("a page: %v", rows)
	}
	byDay := read(client.UsageQuery{GroupBy: []string{"day", "model"}})
	if len(byDay) != 2 || byDay[0]["date"] != "2026-05-01" || byDay[0]["requests"] != strconv.Itoa(24*60) || byDay[1]["requests"] != strconv.Itoa(n-24*60) {
		t.Errorf("by day: %v", byDay)
	}
	resp, body := h.send(t, request{method: "GET", path: "/api/v1/usage?format=csv&group_by=key"})
	if resp.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(body, "key_id,key_name,requests,failed,tokens,input_tokens,output_tokens,cost_usd,average_response_ms\n"+k.ID) {
		t.Errorf("%v %s", resp.Header, body)
	}
	if resp, _ := h.send(t, request{method: "GET", path: "/api/v1/usage?format=json", header: map[string]string{"Accept": "text/csv"}}); resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("format goes before Accept: %v", resp.Header)
	}
	if resp, _ := h.send(t, request{method: "GET", path: "/api/v1/usage?outcome=no", header: map[string]string{"Accept": "text/csv"}}); resp.Header.Get("Content-Type") != api.ProblemMediaType {
		t.Errorf("a refusal: %v", resp.Header)
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// decode gets a path that must succeed.
func decode[T any](t *testing.T, h *house, path string) (v T) {
	t.Helper()
	resp, body := h.send(t, request{method: "GET", path: path})
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	must(t, json.Unmarshal([]byte(body), &v))
	return v
}
