package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/ledger"
)

// TestUsageIsFoundByAnIndex: what narrows usage is looked up, in entries and in sums
// of them; nothing is sorted, and no table is read whole.
func TestUsageIsFoundByAnIndex(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	plan := func(query string, args []any) string {
		t.Helper()
		rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var steps []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return strings.Join(steps, "\n")
	}
	from := time.Date(2026, 2, 1, 0, 7, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		filter          ledger.Filter
		entries, series string
	}{
		"all":        {ledger.Filter{}, "entries USING PRIMARY KEY", "INDEX usage_series_by_time (organization_id=? AND start>?"},
		"key":        {ledger.Filter{KeyID: "key_1"}, "INDEX entries_by_key (key_id=?", "usage_series USING PRIMARY KEY (key_id=? AND start>?"},
		"chatbot":    {ledger.Filter{ChatbotID: "bot_1"}, "INDEX entries_by_chatbot (chatbot_id=?", "INDEX usage_series_by_time (organization_id=? AND start>?"},
		"credential": {ledger.Filter{CredentialID: "cred_1"}, "INDEX entries_by_credential (credential_id=?", "INDEX usage_series_by_credential (credential_id=? AND start>?"},
	} {
		f := c.filter
		f.OrganizationID = "org_1"
		where, args := entryFilter(f)
		got := plan("SELECT "+entryColumns+" FROM entries"+where+" ORDER BY request_id DESC LIMIT 100", args)
		if whole := name == "all"; !whole && !strings.Contains(got, c.entries) || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s, entries: %s", name, got)
		}
		f.From, f.To = from, from.AddDate(0, 1, 0)
		source, args := seriesSource(f)
		got = plan("SELECT sum(requests) FROM ("+source+")", args)
		if !strings.Contains(got, c.series) || name != "all" && strings.Count(got, c.entries) != 2 || strings.Contains(got, "SCAN entries") || strings.Contains(got, "SCAN usage") {
			t.Errorf("%s, sums: %s", name, got)
		}
	}
}
