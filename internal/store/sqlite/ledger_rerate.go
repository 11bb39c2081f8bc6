package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"tollgate/internal/ledger"
)

// rawID is an id as its bytes.
type rawID struct{ at *ledger.RequestID }

// Value implements driver.Valuer.
func (r rawID) Value() (driver.Value, error) { return r.at[:], nil }

// Scan implements sql.Scanner.
func (r rawID) Scan(src any) error {
	*r.at = ledger.RequestID{}
	if b, ok := src.([]byte); ok && len(b) == len(r.at) {
		copy(r.at[:], b)
	}
	return nil
}

func rerateColumns(r *ledger.Rerate) []column {
	return []column{
		{"id", &r.ID},
		{"organization_id", &r.OrganizationID},
		{"from_at", instant{&r.From}},
		{"to_at", instant{&r.To}},
		{"provider", &r.Provider},
		{"model", &r.Model},
		{"key_id", &r.KeyID},
		{"location", &r.Location},
		{"actor", &r.Actor},
		{"began_at", instant{&r.BeganAt}},
		{"ended_at", instant{&r.EndedAt}},
		{"cursor", rawID{&r.Cursor}},
		{"report", document[ledger.RerateReport]{&r.Report}},
	}
}

// BeginRerate implements ledger.Corrections.
func (l *Ledger) BeginRerate(ctx context.Context, r ledger.Rerate, record func(context.Context) error) error {
	return l.db.update(ctx, "begin to rate anew", func(tx *sql.Tx) error {
		columns := rerateColumns(&r)
		if _, err := tx.ExecContext(ctx, insertInto("rerates", columns), pointers(columns)...); err != nil {
			return err
		}
		return recorded(ctx, tx, record)
	})
}

// Correct implements ledger.Corrections.
func (l *Ledger) Correct(ctx context.Context, r ledger.Rerate, corrections []ledger.Correction) error {
	const doing = "book corrections"
	s, err := l.prepare(ctx)
	if err != nil {
		return Classify(err, doing)
	}
	return l.db.update(ctx, doing, func(tx *sql.Tx) error {
		entries := make([]*ledger.Entry, len(corrections))
		for i := range corrections {
			c := &corrections[i]
			entries[i] = &c.Entry
			if _, err := tx.ExecContext(ctx, `INSERT INTO corrections (id, corrects, rerate_id, cost) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				c.ID[:], c.Of[:], c.RerateID, int64(c.Cost)); err != nil {
				return err
			}
		}
		booked, err := insertEach(ctx, tx, s, entries)
		if err != nil {
			return err
		}
		if err := addSums(ctx, tx, s, booked); err != nil {
			return err
		}
		columns := rerateColumns(&r)
		res, err := tx.ExecContext(ctx, updateSet("rerates", columns, "id = ?"), append(pointers(columns), r.ID)...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("there is no re-rate %s: %w", r.ID, err)
		}
		return nil
	})
}

// Rerates implements ledger.Corrections.
func (l *Ledger) Rerates(ctx context.Context, organizationID string) ([]ledger.Rerate, error) {
	const doing = "read the re-rates"
	rows, err := l.db.read.QueryContext(ctx, "SELECT "+names(rerateColumns(new(ledger.Rerate)))+
		" FROM rerates WHERE ? IN ('', organization_id) ORDER BY began_at DESC, id DESC", organizationID)
	if err != nil {
		return nil, Classify(err, doing)
	}
	list, err := scanAll(rows, rerateColumns)
	return list, Classify(err, doing)
}

// Rateable implements ledger.Corrections.
func (l *Ledger) Rateable(ctx context.Context, f ledger.Filter, after ledger.RequestID, n int) ([]ledger.Rated, error) {
	const doing = "read the entries to be rated anew"
	where, args := entryFilter(f)
	if where == "" {
		where = " WHERE 1"
	}
	rows, err := l.db.read.QueryContext(ctx, "SELECT "+entryColumns+`, (SELECT coalesce(sum(c.cost), 0) FROM corrections c WHERE c.corrects = request_id)
		FROM entries`+where+" AND outcome <> ? AND request_id > ? ORDER BY request_id LIMIT ?", append(args, int(ledger.Corrected), after[:], n)...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.Rated
	for rows.Next() {
		var r ledger.Rated
		if r.Entry, err = scanEntry(rows, &r.Corrected); err != nil {
			return nil, Classify(err, doing)
		}
		out = append(out, r)
	}
	return out, Classify(rows.Err(), doing)
}

// Unpriced implements ledger.Reader.
func (l *Ledger) Unpriced(ctx context.Context, f ledger.Filter) ([]ledger.UnpricedUse, error) {
	const doing = "look for models without a price"
	where, args := entryFilter(f)
	if where == "" {
		where = " WHERE 1"
	}
	rows, err := l.db.read.QueryContext(ctx, `SELECT provider, model, count(*),
			sum(input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens + input_audio_tokens), sum(output_tokens + output_audio_tokens), min(at), max(at)
		FROM entries`+where+` AND prices = '' AND flags & ? = 0 AND outcome NOT IN (?, ?) AND endpoint <> ? AND
			input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens + input_audio_tokens + output_tokens + output_audio_tokens +
			images + seconds + characters + searches > 0
		GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`, append(args, flagBYOK, int(ledger.Failed), int(ledger.Corrected), ledger.OpeningEndpoint)...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.UnpricedUse
	for rows.Next() {
		var u ledger.UnpricedUse
		var first, last int64
		if err := rows.Scan(&u.Provider, &u.Model, &u.Requests, &u.InputTokens, &u.OutputTokens, &first, &last); err != nil {
			return nil, Classify(err, doing)
		}
		u.FirstAt, u.LastAt = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		out = append(out, u)
	}
	return out, Classify(rows.Err(), doing)
}
