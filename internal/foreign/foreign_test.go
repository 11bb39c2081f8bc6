package foreign_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/foreign"
)

var now = time.Date(2026, 3, 18, 15, 0, 0, 0, time.UTC)

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// read reads every row of a file.
func read(t *testing.T, format, file string, opts foreign.Options) []foreign.Record {
	t.Helper()
	f, ok := foreign.FormatNamed(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	opts.Now = now
	rows, err := foreign.NewRows(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var records []foreign.Record
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return records
		} else if err != nil {
			t.Fatal(err)
		}
		records = append(records, f.Read(row, opts))
	}
}

// one reads the only row of a file.
func one(t *testing.T, format, file string, opts foreign.Options) foreign.Record {
	t.Helper()
	records := read(t, format, file, opts)
	if len(records) != 1 {
		t.Fatalf("%d rows", len(records))
	}
	return records[0]
}

// fields are the names in notes, each once, in order.
func fields(notes []foreign.Note) []string {
	names := map[string]bool{}
	for _, n := range notes {
		names[n.Field] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// body is a part of a record as the API takes it.
func body(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got:\n%s", what, diff)
	}
}

// row is what a case expects of a row.
type row struct {
	row     string
	opts    foreign.Options
	key     string // the key's fields, as they are sent
	more    string // the rest of the row as it is sent, without secret and id; "" = not compared
	notes   []string
	problem []string
	skip    bool
}

func check(t *testing.T, format string, cases map[string]row) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			rec := one(t, format, tt.row, tt.opts)
			same(t, "problems", fields(rec.Problem), tt.problem)
			if tt.skip != (rec.Skip != "") {
				t.Errorf("skipped: %q", rec.Skip)
			}
			if tt.skip || tt.problem != nil {
				return
			}
			same(t, "notes", fields(rec.Notes), tt.notes)
			if tt.key != "" {
				same(t, "key", body(t, rec.Row.Key), tt.key)
			}
			if tt.more != "" {
				same(t, "spent and owner", body(t, map[string]any{"spent": rec.Row.Spent, "owner": rec.Row.Owner}), tt.more)
			}
		})
	}
}

const (
	unlimited = `"rate_limit_per_minute":null,"rate_limit_per_hour":null,"rate_limit_per_day":null`
	noMore    = `"tokens_per_minute":null,"concurrent_limit":null`
)

func TestLiteLLM(t *testing.T) {
	base := `{"token":"` + hash + `","key_alias":"ci","models":[],"spend":0,`
	check(t, "litellm", map[string]row{
		"a plain row": {row: base + `"user_id":null}`, key: `{"name":"ci",` + unlimited + `,` + noMore + `}`, more: `{"owner":null,"spent":null}`},
		"everything that is carried over": {
			row: `{"token":"` + hash + `","key_name":"sk-...wxyz","key_alias":"prod","spend":1.2500000000000001e0,"expires":"2027-01-01T00:00:00Z","models":["gpt-4o","claude/*"],
				"user_id":"ada@example.com","max_parallel_requests":3,"tpm_limit":1000,"rpm_limit":"60","max_budget":10.5,"budget_duration":"30d","budget_reset_at":"2026-04-01T00:00:00Z",
				"metadata":{"tags":["a","b"]},"blocked":false,"allowed_routes":["/chat/completions","/v1/embeddings"],"created_at":"2025-01-01T00:00:00Z"}`,
			key: `{"name":"prod","tags":["a","b"],"expires_at":"2027-01-01T00:00:00Z","allowed_models":["gpt-4o","claude/*"],"allowed_endpoints":["/v1/chat/completions","/v1/embeddings"],` +
				`"rate_limit_per_minute":60,"rate_limit_per_hour":null,"rate_limit_per_day":null,"tokens_per_minute":1000,"concurrent_limit":3,"budget_limit_cents":1050,"budget_type":"monthly"}`,
			more:  `{"owner":{"email":"ada@example.com"},"spent":{"cost_usd":"1.250000001"}}`,
			notes: []string{"spend"}, // rounded up
		},
		"spent since it was made": {row: base[:len(base)-len(`"spend":0,`)] + `"spend":"3","created_at":"2025-02-03 04:05:06.789"}`, more: `{"owner":null,"spent":{"cost_usd":"3.00","at":"2025-02-03T04:05:06.789Z"}}`},
		"spent in a month that is over": {
			row:  strings.Replace(base, `"spend":0`, `"spend":3`, 1) + `"max_budget":5,"budget_duration":"1mo","budget_reset_at":"2026-03-01T00:00:00Z"}`,
			more: `{"owner":null,"spent":{"cost_usd":"3.00","at":"2026-02-28T23:59:59.999Z"}}`,
		},
		"blocked":                   {row: base + `"blocked":true}`, key: `{"name":"ci","is_active":false,` + unlimited + `,` + noMore + `}`},
		"expired":                   {row: base + `"expires":"2026-03-18 15:00:00"}`, skip: true},
		"a session":                 {row: base + `"team_id":"litellm-dashboard"}`, skip: true},
		"all models":                {row: strings.Replace(base, "[]", `["all-proxy-models"]`, 1) + `"x":null}`, key: `{"name":"ci",` + unlimited + `,` + noMore + `}`},
		"no models":                 {row: strings.Replace(base, "[]", `["no-default-models"]`, 1) + `"x":0}`, key: `{"name":"ci","is_active":false,` + unlimited + `,` + noMore + `}`, notes: []string{"models"}},
		"its team's models":         {row: strings.Replace(base, "[]", `["all-team-models"]`, 1) + `"x":""}`, problem: []string{"models"}},
		"a team":                    {row: base + `"team_id":"t"}`, problem: []string{"team_id"}},
		"a team, given up":          {row: base + `"team_id":"t"}`, opts: foreign.Options{Drop: []string{"team_id"}}, notes: []string{"team_id"}},
		"restrictions of all sorts": {row: base + `"model_max_budget":{"gpt-4":1},"policies":["p"],"object_permission_id":"o","metadata":{"model_rpm_limit":{"a":1},"guardrails":["g"],"note":"x"}}`, problem: []string{"metadata.guardrails", "metadata.model_rpm_limit", "model_max_budget", "object_permission_id", "policies"}},
		"an unknown column":         {row: base + `"new_limit":{"a":1}}`, problem: []string{"new_limit"}},
		"harmless columns":          {row: base + `"aliases":{"a":"b"},"config":{},"permissions":{"x":true},"metadata":{"note":"x"}}`, notes: []string{"aliases", "metadata.note", "permissions"}},
		"an unknown owner":          {row: base + `"user_id":"7"}`, problem: []string{"user_id"}},
		"ownerless":                 {row: base + `"user_id":"7"}`, opts: foreign.Options{Ownerless: true}, notes: []string{"user_id"}, more: `{"owner":null,"spent":null}`},
		"no requests a minute":      {row: base + `"rpm_limit":0}`, key: `{"name":"ci","is_active":false,` + unlimited + `,` + noMore + `}`, notes: []string{"rpm_limit"}},
		"very many a minute":        {row: base + `"rpm_limit":1000000}`, key: `{"name":"ci",` + strings.Replace(unlimited, "null", "10000", 1) + `,` + noMore + `}`, notes: []string{"rpm_limit"}},
		"a budget elsewhere":        {row: base + `"budget_id":"b"}`, problem: []string{"budget_id"}},
		"a budget beside it": {
			row: base + `"budget_id":"b","rpm_limit":5,"litellm_budget_table":{"budget_id":"b","max_budget":1,"rpm_limit":9,"tpm_limit":7,"budget_duration":"1d"}}`,
			key: `{"name":"ci","rate_limit_per_minute":5,"rate_limit_per_hour":null,"rate_limit_per_day":null,"tokens_per_minute":7,"concurrent_limit":null,"budget_limit_cents":100,"budget_type":"daily"}`,
		},
		"two budgets":          {row: base + `"max_budget":2,"litellm_budget_table":{"max_budget":1}}`, problem: []string{"litellm_budget_table"}},
		"parts of a cent":      {row: base + `"max_budget":0.019}`, notes: []string{"max_budget"}},
		"negative":             {row: strings.Replace(base, `"spend":0`, `"spend":-1`, 1) + `"max_budget":-1,"rpm_limit":-1}`, problem: []string{"max_budget", "rpm_limit", "spend"}},
		"no hash":              {row: `{"token":"abc","key_alias":"x"}`, problem: []string{"token"}},
		"nothing":              {row: `{"x":1}`, problem: []string{"token", "x"}},
		"what cannot be read":  {row: base + `"expires":"soon","blocked":"maybe","max_budget":"much","user_id":["a"]}`, problem: []string{"blocked", "expires", "max_budget", "user_id"}},
		"routes of other sort": {row: base + `"allowed_routes":["info_routes"]}`, notes: []string{"allowed_routes"}, key: `{"name":"ci","is_active":false,` + unlimited + `,` + noMore + `}`},
		"routes for all":       {row: base + `"allowed_routes":["llm_api_routes"]}`, key: `{"name":"ci",` + unlimited + `,` + noMore + `}`},
	})
}

func TestBudgetDurations(t *testing.T) {
	for duration, want := range map[string]string{
		"": "total", "1d": "daily", "24h": "daily", "7d": "weekly", "1w": "weekly", "30d": "monthly", "1mo": "monthly",
		"30s": "daily*", "5m": "daily*", "23h": "daily*", "2d": "weekly*", "6d": "weekly*", "8d": "monthly*", "28d": "monthly*", "4w": "monthly*",
		"29d": "total*", "31d": "total*", "2mo": "total*", "1y": "total*", "d": "total*", "0d": "total*", "-1d": "total*", "99999999999999999999d": "total*",
	} {
		rec := one(t, "litellm", `{"token":"`+hash+`","max_budget":1,"budget_duration":"`+duration+`"}`, foreign.Options{})
		got, _ := rec.Row.Key.BudgetType.Get()
		if slices.Contains(fields(rec.Notes), "budget_duration") {
			got += "*" // and it is said
		}
		if got != want {
			t.Errorf("%q becomes %s, want %s", duration, got, want)
		}
	}
}

func TestNewAPI(t *testing.T) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
	base := `{"id":7,"user_id":0,"key":"` + plain + `","status":1,"name":"bot","created_time":1735689600,"expired_time":-1,"remain_quota":750000,"used_quota":500001,`
	rec := one(t, "new-api", base+`"unlimited_quota":false}`, foreign.Options{Ownerless: true})
	same(t, "secret", body(t, rec.Row.Secret), fmt.Sprintf(`{"scheme":"sha256","digest":"%x","prefix":"sk-abcde"}`, sha256.Sum256([]byte("sk-"+plain))))
	if rec.Row.SourceID != "7" || strings.Contains(fmt.Sprint(rec), plain) {
		t.Errorf("%+v", rec)
	}
	nobody := foreign.Options{Ownerless: true}
	check(t, "new-api", map[string]row{
		"a limited key": {
			row: base + `"unlimited_quota":false,"model_limits_enabled":true,"model_limits":"gpt-4o, o1","allow_ips":"10.0.0.1\n10.1.0.0/16,\n"}`, opts: nobody,
			key:   `{"name":"bot","allowed_models":["gpt-4o","o1"],"allowed_ips":["10.0.0.1","10.1.0.0/16"],` + unlimited + `,"initial_balance_usd":"1.50"}`,
			more:  `{"owner":null,"spent":{"cost_usd":"1.000002","at":"2025-01-01T00:00:00Z"}}`,
			notes: []string{"user_id"},
		},
		"another rate":      {row: base + `"unlimited_quota":false}`, opts: foreign.Options{Ownerless: true, QuotaPerUSD: 7}, key: `{"name":"bot",` + unlimited + `,"initial_balance_usd":"107142.857142857"}`, notes: []string{"remain_quota", "used_quota", "user_id"}},
		"an unlimited key":  {row: base + `"unlimited_quota":true}`, opts: nobody, problem: []string{"owner_quota"}},
		"given up":          {row: base + `"unlimited_quota":true}`, opts: foreign.Options{Ownerless: true, Drop: []string{"owner_quota"}}, key: `{"name":"bot",` + unlimited + `}`, notes: []string{"owner_quota", "user_id"}},
		"overdrawn":         {row: strings.Replace(base, "750000", "-5", 1) + `"unlimited_quota":false}`, opts: nobody, key: `{"name":"bot",` + unlimited + `,"initial_balance_usd":"0.00"}`, notes: []string{"user_id"}},
		"disabled":          {row: strings.Replace(base, `"status":1`, `"status":2`, 1) + `"unlimited_quota":false}`, opts: nobody, key: `{"name":"bot","is_active":false,` + unlimited + `,"initial_balance_usd":"1.50"}`, notes: []string{"user_id"}},
		"of another status": {row: strings.Replace(base, `"status":1`, `"status":9`, 1) + `"unlimited_quota":false}`, opts: nobody, notes: []string{"status", "user_id"}},
		"expired":           {row: strings.Replace(base, `"expired_time":-1`, `"expired_time":1773846000`, 1) + `"unlimited_quota":false}`, skip: true, problem: []string{"user_id"}},
		"expired, it says":  {row: strings.Replace(base, `"status":1`, `"status":3`, 1) + `"unlimited_quota":false}`, skip: true, problem: []string{"user_id"}},
		"expires":           {row: strings.Replace(base, `"expired_time":-1`, `"expired_time":1773846001`, 1) + `"unlimited_quota":false}`, opts: nobody, key: `{"name":"bot","expires_at":"2026-03-18T15:00:01Z",` + unlimited + `,"initial_balance_usd":"1.50"}`, notes: []string{"user_id"}},
		"deleted":           {row: base + `"DeletedAt":"2026-01-01T00:00:00Z"}`, skip: true},
		"no models":         {row: base + `"unlimited_quota":false,"model_limits_enabled":1,"model_limits":""}`, opts: nobody, key: `{"name":"bot","is_active":false,` + unlimited + `,"initial_balance_usd":"1.50"}`, notes: []string{"model_limits", "user_id"}},
		"a group":           {row: base + `"unlimited_quota":false,"group":"vip"}`, opts: nobody, problem: []string{"group"}},
		"the default group": {row: base + `"unlimited_quota":false,"group":"default","cross_group_retry":true}`, opts: nobody, notes: []string{"user_id"}},
		"a masked key":      {row: strings.Replace(base, plain, "abcd**********wxyz", 1) + `"unlimited_quota":false}`, opts: nobody, problem: []string{"key"}},
		"no key":            {row: strings.Replace(base, plain, "", 1) + `"unlimited_quota":false}`, opts: nobody, problem: []string{"key"}},
		"no quota":          {row: strings.Replace(base, `"remain_quota":750000,`, "", 1) + `"unlimited_quota":false}`, opts: nobody, problem: []string{"remain_quota"}},
	})
}
