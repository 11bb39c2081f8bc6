package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
)

// trailing is how far back a trailing window reaches, with the sub-bucket that is
// only partly inside.
const trailing = 3600 + minute

// Load is what a subject has used, to begin its counters with at the instant
// unix: a handful of reads by primary key.
func (l *Ledger) Load(ctx context.Context, id limit.ID, cal *limit.Calendar, unix int64) (limit.Sums, error) {
	var sums limit.Sums
	var used bool
	err := l.db.read.QueryRowContext(ctx, `SELECT u.subject IS NOT NULL, coalesce(u.requests, 0), coalesce(u.tokens, 0),
			coalesce(u.cost, 0), coalesce(b.withdrawn, 0)
		FROM (SELECT ? AS id) AS s LEFT JOIN usage_totals u ON u.subject = s.id LEFT JOIN balances b ON b.key_id = s.id`, id.ID).
		Scan(&used, &sums.Total.Requests, &sums.Total.Tokens, &sums.Total.Cost, &sums.Withdrawn)
	if err != nil || !used {
		return sums, Classify(err, "read totals")
	}
	err = l.db.read.QueryRowContext(ctx, `SELECT
			coalesce(sum(requests) FILTER (WHERE start >= ?2), 0), coalesce(sum(tokens) FILTER (WHERE start >= ?2), 0), coalesce(sum(cost) FILTER (WHERE start >= ?2), 0),
			coalesce(sum(requests) FILTER (WHERE start >= ?3), 0), coalesce(sum(tokens) FILTER (WHERE start >= ?3), 0), coalesce(sum(cost) FILTER (WHERE start >= ?3), 0),
			coalesce(sum(requests) FILTER (WHERE start >= ?4), 0), coalesce(sum(tokens) FILTER (WHERE start >= ?4), 0), coalesce(sum(cost) FILTER (WHERE start >= ?4), 0)
		FROM usage_quarters WHERE subject = ?1 AND start >= min(?2, ?3, ?4)`, id.ID, cal.Day, cal.Week, cal.Month).
		Scan(&sums.Day.Requests, &sums.Day.Tokens, &sums.Day.Cost,
			&sums.Week.Requests, &sums.Week.Tokens, &sums.Week.Cost,
			&sums.Month.Requests, &sums.Month.Tokens, &sums.Month.Cost)
	if err != nil {
		return sums, Classify(err, "read calendar sums")
	}
	sums.Minutes, err = l.minutes(ctx, id.ID, unix-trailing)
	return sums, Classify(err, "read the last hour")
}

// minutes reads a subject's minutes from since on. The table is ordered by time,
// so it asks for each minute by its key.
func (l *Ledger) minutes(ctx context.Context, subject string, since int64) ([]limit.MinuteSum, error) {
	first, last := since/minute*minute, time.Now().Unix()
	rows, err := l.db.read.QueryContext(ctx, `WITH RECURSIVE m (start) AS (VALUES (?1) UNION ALL SELECT start + 60 FROM m WHERE start + 60 <= ?2)
		SELECT u.start, u.requests, u.tokens, u.cost FROM m CROSS JOIN usage_minutes u ON u.start = m.start AND u.subject = ?3
		ORDER BY u.start`, first, last, subject)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []limit.MinuteSum
	for rows.Next() {
		var m limit.MinuteSum
		if err := rows.Scan(&m.Unix, &m.Used.Requests, &m.Used.Tokens, &m.Used.Cost); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// Sums is what each of the subjects has used in total.
func (l *Ledger) Sums(ctx context.Context, subjects []string) (map[string]ledger.Sum, error) {
	out := make(map[string]ledger.Sum, len(subjects))
	if len(subjects) == 0 {
		return out, nil
	}
	args := make([]any, len(subjects))
	for i, s := range subjects {
		args[i] = s
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(subjects)), ",")
	rows, err := l.db.read.QueryContext(ctx, `SELECT subject, requests, tokens, cost, last_at FROM usage_totals WHERE subject IN (`+marks+`)`, args...)
	if err != nil {
		return nil, Classify(err, "read totals")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var subject string
		sum, err := scanSum(rows, &subject)
		if err != nil {
			return nil, Classify(err, "read totals")
		}
		out[subject] = sum
	}
	return out, Classify(rows.Err(), "read totals")
}

// Used is what a subject has used in [from, to).
func (l *Ledger) Used(ctx context.Context, subject string, from, to int64) (ledger.Sum, error) {
	row := l.db.read.QueryRowContext(ctx, `SELECT coalesce(sum(requests), 0), coalesce(sum(tokens), 0), coalesce(sum(cost), 0), coalesce(max(last_at), 0)
		FROM usage_quarters WHERE subject = ? AND start >= ? AND start < ?`, subject, from, to)
	sum, err := scanSum(row)
	return sum, Classify(err, "read sums")
}

// scanSum scans requests, tokens, cost and last_at, after what before takes.
func scanSum(row interface{ Scan(...any) error }, before ...any) (ledger.Sum, error) {
	var s ledger.Sum
	var last int64
	err := row.Scan(append(before, &s.Requests, &s.Tokens, &s.Cost, &last)...)
	if last > 0 {
		s.LastAt = time.UnixMilli(last).UTC()
	}
	return s, err
}

// Entries lists entries, newest first, and how many match in all.
func (l *Ledger) Entries(ctx context.Context, f ledger.Filter) ([]ledger.Entry, int, error) {
	var n int
	if f.Before == (ledger.RequestID{}) {
		source, args := seriesSource(f)
		if err := l.db.read.QueryRowContext(ctx, `SELECT coalesce(sum(requests), 0) FROM (`+source+`)`, args...).Scan(&n); err != nil {
			return nil, 0, Classify(err, "count entries")
		}
	}
	where, args := entryFilter(f)
	rows, err := l.db.read.QueryContext(ctx, `SELECT `+entryColumns+` FROM entries`+where+
		` ORDER BY request_id DESC LIMIT ? OFFSET ?`, append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, Classify(err, "list entries")
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, 0, Classify(err, "list entries")
		}
		out = append(out, e)
	}
	return out, n, Classify(rows.Err(), "list entries")
}

func entryFilter(f ledger.Filter) (where string, args []any) {
	var conds []string
	is := func(cond string, arg any) {
		conds, args = append(conds, cond), append(args, arg)
	}
	if f.KeyID != "" {
		is("key_id = ?", f.KeyID)
	}
	switch {
	case f.OrganizationID == "":
	case f.KeyID != "", f.CredentialID != "":
		is("+organization_id = ?", f.OrganizationID) // the + leaves the search to the key or the credential
	default:
		is("organization_id = ?", f.OrganizationID)
	}
	if f.UserID != "" {
		is("user_id = ?", f.UserID)
	}
	if f.ChatbotID != "" {
		is("chatbot_id = ? AND chatbot_id <> ''", f.ChatbotID) // the index holds those that are not empty
	}
	if f.CredentialID != "" {
		is("credential_id = ? AND credential_id <> ''", f.CredentialID) // likewise
	}
	if f.Provider != "" {
		is("provider = ?", f.Provider)
	}
	if f.Model != "" {
		is("model = ?", f.Model)
	}
	if f.Outcome != ledger.Held {
		is("outcome = ?", int(f.Outcome))
	}
	// Ids begin with their time, so a span of time is a range of ids.
	if !f.From.IsZero() {
		is("request_id >= ?", idAt(f.From))
	}
	if !f.To.IsZero() {
		is("request_id < ?", idAt(f.To))
	}
	if f.Before != (ledger.RequestID{}) {
		is("request_id < ?", f.Before[:])
	}
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}

// idAt is the least id of a request that began at t.
func idAt(t time.Time) []byte {
	ms := max(t.UnixMilli(), 0)
	id := make([]byte, 16)
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id
}

// scanEntry scans entryColumns, and what follows them into more.
func scanEntry(rows *sql.Rows, more ...any) (ledger.Entry, error) {
	var e ledger.Entry
	var id []byte
	var format, attempts string
	var flags, outcome int
	u := &e.Usage
	err := rows.Scan(append([]any{
		&id, &e.At, &e.DurationMS, &e.OrganizationID, &e.UserID, &e.KeyID, &e.KeyName, &e.ChatbotID,
		&e.CredentialID, &e.Provider, &e.Model, &format, &e.Endpoint, &flags, &e.Status, &outcome, &u.Input, &u.CacheRead,
		&u.CacheWrite, &u.CacheWrite1h, &u.InputAudio, &u.Output, &u.Reasoning,
		&u.OutputAudio, &u.Images, &u.Seconds, &u.Characters, &u.Searches, &e.Cost, &e.Prices, &e.UpstreamID, &e.Code, &attempts,
	}, more...)...)
	copy(e.ID[:], id)
	e.Format, e.Outcome = llm.Format(format), ledger.Outcome(outcome)
	e.Stream, e.BYOK = flags&flagStream != 0, flags&flagBYOK != 0
	if err == nil {
		e.Attempts, err = readAttempts(attempts)
	}
	return e, err
}
