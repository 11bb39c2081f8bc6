package sqlite_test

import (
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// TestE10_EntriesOfAnOlderDatabaseAreInTheSeries: what was booked before there
// were statistics is in them as what was booked since.
func TestE10_EntriesOfAnOlderDatabaseAreInTheSeries(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "tollgate.db")
	db := open(t, path)
	var entries []*ledger.Entry
	start := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for range 300 {
		at := start.Add(time.Duration(rand.Int64N(int64(48 * time.Hour)))).Truncate(time.Millisecond)
		entries = append(entries, &ledger.Entry{
			ID: ledger.NewRequestID(at), At: at.UnixMilli(), DurationMS: rand.Int64N(99), OrganizationID: "org_1", KeyID: "key_1", KeyName: "one",
			Model: []string{"a", "b"}[rand.IntN(2)], Outcome: ledger.Outcome(1 + rand.IntN(4)), Cost: money.NanoUSD(rand.Int64N(1000)),
			Usage: llm.Usage{Input: 1, CacheRead: 2, CacheWrite: 3, CacheWrite1h: 4, InputAudio: 5, Output: 6, OutputAudio: 7},
		})
	}
	must(t, db.Ledger().Apply(ctx, entries, ledger.Position{}))
	by := []ledger.Dimension{ledger.ByDay, ledger.ByKey, ledger.ByModel}
	utc := []ledger.Offset{{Until: 1<<63 - 1}}
	before, err := db.Ledger().Series(ctx, ledger.Filter{}, by, utc)
	must(t, err)
	must(t, db.Close())

	raw, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	provider, err := goose.NewProvider(goose.DialectSQLite3, raw, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	_, err = provider.DownTo(ctx, 20)
	must(t, err)
	must(t, raw.Close())
	after, err := open(t, path).Ledger().Series(ctx, ledger.Filter{}, by, utc)
	must(t, err)
	if len(before) != 4 || !reflect.DeepEqual(before, after) {
		t.Errorf("before: %+v\nafter:  %+v", before, after)
	}
}
