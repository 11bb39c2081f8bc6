package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// seriesKey is a row of usage_series.
type seriesKey struct {
	organization, key, user, chatbot, credential, provider, model string

	start   int64
	outcome ledger.Outcome
}

// seriesSum is what is counted in it.
type seriesSum struct {
	keyName                           string
	requests, input, output, duration int64
	cost                              money.NanoUSD
}

const addSeriesRow = `INSERT INTO usage_series (organization_id, start, key_id, user_id, chatbot_id, credential_id, provider, model, outcome,
		key_name, requests, input_tokens, output_tokens, cost, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET key_name = excluded.key_name, requests = requests + excluded.requests,
		input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
		cost = cost + excluded.cost, duration_ms = duration_ms + excluded.duration_ms`

func addSeries(sums map[seriesKey]*seriesSum, start int64, e *ledger.Entry) {
	k := seriesKey{e.OrganizationID, e.KeyID, e.UserID, e.ChatbotID, e.CredentialID, e.Provider, e.Model, start, e.Outcome}
	v := sums[k]
	if v == nil {
		v = &seriesSum{}
		sums[k] = v
	}
	v.keyName = e.KeyName
	v.requests++
	v.input += e.Usage.InputTokens()
	v.output += e.Usage.OutputTokens()
	v.cost = v.cost.Add(e.Cost)
	v.duration += e.DurationMS
}

func writeSeries(ctx context.Context, stmt *sql.Stmt, sums map[seriesKey]*seriesSum) error {
	for k, v := range sums {
		if _, err := stmt.ExecContext(ctx, k.organization, k.start, k.key, k.user, k.chatbot, k.credential, k.provider, k.model, int(k.outcome),
			v.keyName, v.requests, v.input, v.output, int64(v.cost), v.duration); err != nil {
			return err
		}
	}
	return nil
}

// dimensions are the columns that sums are parted by.
var dimensions = map[ledger.Dimension]string{
	ledger.ByKey: "key_id", ledger.ByUser: "user_id", ledger.ByProvider: "provider",
	ledger.ByModel: "model", ledger.ByChatbot: "chatbot_id", ledger.ByCredential: "credential_id",
}

// Series implements ledger.Reader. Whole quarters of an hour come from
// usage_series, and what a span has of others from the entries themselves.
func (l *Ledger) Series(ctx context.Context, f ledger.Filter, by []ledger.Dimension, offsets []ledger.Offset) ([]ledger.Group, error) {
	const doing = "sum up usage"
	source, args := seriesSource(f)
	columns := []string{"0", "''", "''", "''", "''", "''", "''"} // in the order of Dimension
	var group, order []string
	for _, d := range by {
		columns[d] = dimensions[d]
		if d == ledger.ByDay {
			columns[d] = dayOf(offsets)
			order = append(order, "1")
		}
		group = append(group, fmt.Sprint(d+1))
	}
	keyName := "''"
	if slices.Contains(by, ledger.ByKey) {
		keyName = "key_name" // of the row that max(start) is of: https://www.sqlite.org/lang_select.html#bareagg
	}
	query := "SELECT " + strings.Join(columns, ", ") + ", " + keyName + `, max(start), coalesce(sum(requests) FILTER (WHERE outcome <> ` +
		fmt.Sprint(int(ledger.Corrected)) + `), 0), coalesce(sum(requests) FILTER (WHERE outcome = ` +
		fmt.Sprint(int(ledger.Failed)) + `), 0), sum(input_tokens), sum(output_tokens), sum(cost), sum(duration_ms) FROM (` + source + ")"
	if len(group) > 0 {
		query += " GROUP BY " + strings.Join(group, ", ")
	}
	query += " HAVING count(*) > 0 ORDER BY " + strings.Join(append(order, "sum(cost) DESC", "sum(requests) DESC", "2", "3", "4", "5", "6", "7"), ", ")
	rows, err := l.db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.Group
	for rows.Next() {
		var g ledger.Group
		var day, last int64
		if err := rows.Scan(&day, &g.KeyID, &g.UserID, &g.Provider, &g.Model, &g.ChatbotID, &g.CredentialID, &g.KeyName, &last,
			&g.Requests, &g.Failed, &g.InputTokens, &g.OutputTokens, &g.Cost, &g.DurationMS); err != nil {
			return nil, Classify(err, doing)
		}
		if slices.Contains(by, ledger.ByDay) {
			g.Day = time.Unix(day*86400, 0).UTC().Format("2006-01-02")
		}
		out = append(out, g)
	}
	return out, Classify(rows.Err(), doing)
}

// dayOf is the local calendar day of start, as days since 1970.
func dayOf(offsets []ledger.Offset) string {
	var b strings.Builder
	b.WriteString("(start + CASE")
	for _, o := range offsets[:len(offsets)-1] {
		fmt.Fprintf(&b, " WHEN start < %d THEN %d", o.Until, o.Seconds)
	}
	fmt.Fprintf(&b, " WHEN 1 THEN %d END) / 86400", offsets[len(offsets)-1].Seconds)
	return b.String()
}

const (
	seriesSelect = `SELECT start, key_id, user_id, provider, model, chatbot_id, credential_id, key_name, outcome,
		requests, input_tokens, output_tokens, cost, duration_ms FROM usage_series`
	entriesSelect = `SELECT at / 1000 AS start, key_id, user_id, provider, model, chatbot_id, credential_id, key_name, outcome, 1 AS requests,
		input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens + input_audio_tokens AS input_tokens,
		output_tokens + output_audio_tokens AS output_tokens, cost, duration_ms FROM entries`
)

// seriesSource is the rows that f chooses, and the arguments of the query.
func seriesSource(f ledger.Filter) (query string, args []any) {
	from, to := quarterFrom(f.From), quarterTo(f.To)
	whole, parts := f, []ledger.Filter{f}
	whole.From, whole.To = time.Time{}, time.Time{}
	var legs []string
	if f.From.IsZero() || f.To.IsZero() || !from.After(to) {
		where, values := entryFilter(whole)
		terms := []string{strings.TrimPrefix(where, " WHERE ")}
		if where == "" {
			terms = nil
		}
		if !from.IsZero() {
			terms, values = append(terms, "start >= ?"), append(values, from.Unix())
		}
		if !to.IsZero() {
			terms, values = append(terms, "start < ?"), append(values, to.Unix())
		}
		where = ""
		if len(terms) > 0 {
			where = " WHERE " + strings.Join(terms, " AND ")
		}
		legs, args = append(legs, seriesSelect+where), append(args, values...)
		before, after := f, f
		before.To, after.From = from, to
		parts = nil
		if f.From.Before(from) {
			parts = append(parts, before)
		}
		if to.Before(f.To) {
			parts = append(parts, after)
		}
	}
	for _, part := range parts {
		where, values := entryFilter(part)
		legs, args = append(legs, entriesSelect+where), append(args, values...)
	}
	return strings.Join(legs, " UNION ALL "), args
}

// quarterFrom is the first full quarter of an hour that begins at t or later.
func quarterFrom(t time.Time) time.Time {
	if start := quarterTo(t); !t.IsZero() && start.Before(t) {
		return start.Add(quarter * time.Second)
	} else {
		return start
	}
}

// quarterTo is the quarter of an hour that t is in.
func quarterTo(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(t.Unix()-t.Unix()%quarter, 0)
}
