package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tollgate/internal/ledger"
)

// Ledger keeps the ledger's rows in a database: a ledger.Store. It is safe for
// concurrent use.
type Ledger struct {
	db *DB

	mu       sync.Mutex // covers what follows
	stmts    *statements
	prunedAt int64 // the minute before which usage_minutes was last emptied
}

var _ ledger.Store = (*Ledger)(nil)

// Ledger is the database as the ledger sees it.
func (db *DB) Ledger() *Ledger { return &Ledger{db: db} }

// insertRows is how many entries one statement inserts: enough that the cost of
// running a statement no longer matters.
const insertRows = 32

const entryColumns = `request_id, at, duration_ms, organization_id, user_id, key_id, key_name, chatbot_id,
	credential_id, provider, model, api_format, endpoint, flags, status, outcome, input_tokens, cache_read_tokens,
	cache_write_tokens, cache_write_1h_tokens, input_audio_tokens, output_tokens, reasoning_tokens,
	output_audio_tokens, images, seconds, characters, searches, cost, prices, upstream_id, code, attempts`

var entryWidth = strings.Count(entryColumns, ",") + 1

// statements are the prepared statements of Apply, on the writing connection.
type statements struct {
	many, one, total, quarter, minute, series *sql.Stmt
}

func (l *Ledger) prepare(ctx context.Context) (*statements, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stmts != nil {
		return l.stmts, nil
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", entryWidth), ",") + ")"
	insert := "INSERT INTO entries (" + entryColumns + ") VALUES "
	ignore := " ON CONFLICT (request_id) DO NOTHING"
	s := &statements{}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.many, insert + strings.TrimSuffix(strings.Repeat(row+",", insertRows), ",") + ignore},
		{&s.one, insert + row + ignore},
		{&s.total, `INSERT INTO usage_totals (subject, requests, tokens, cost, last_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (subject) DO UPDATE SET requests = requests + excluded.requests,
			tokens = tokens + excluded.tokens, cost = cost + excluded.cost, last_at = max(last_at, excluded.last_at)`},
		{&s.quarter, `INSERT INTO usage_quarters (subject, start, requests, tokens, cost, last_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (subject, start) DO UPDATE SET requests = requests + excluded.requests,
			tokens = tokens + excluded.tokens, cost = cost + excluded.cost, last_at = max(last_at, excluded.last_at)`},
		{&s.minute, `INSERT INTO usage_minutes (start, subject, requests, tokens, cost) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (start, subject) DO UPDATE SET requests = requests + excluded.requests,
			tokens = tokens + excluded.tokens, cost = cost + excluded.cost`},
		{&s.series, addSeriesRow},
	} {
		stmt, err := l.db.write.PrepareContext(ctx, p.text)
		if err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		*p.stmt = stmt
	}
	l.stmts = s
	return s, nil
}

// errBooked is what insertMany finds when an entry is booked already.
var errBooked = errors.New("an entry is booked already")

// Apply books entries and how far the journal is booked, in one transaction. It
// inserts many rows with one statement; should one of them be there already,
// which happens only to a journal that is read twice, it begins again row by row
// to learn which, for only new rows may be added to the sums.
func (l *Ledger) Apply(ctx context.Context, entries []*ledger.Entry, upTo ledger.Position) error {
	s, err := l.prepare(ctx)
	if err != nil {
		return Classify(err, "book entries")
	}
	err = l.apply(ctx, s, entries, upTo, insertMany)
	if errors.Is(err, errBooked) {
		err = l.apply(ctx, s, entries, upTo, insertEach)
	}
	return Classify(err, "book entries")
}

// insert inserts entries and returns those that were not there.
type insert func(context.Context, *sql.Tx, *statements, []*ledger.Entry) ([]*ledger.Entry, error)

func (l *Ledger) apply(ctx context.Context, s *statements, entries []*ledger.Entry, upTo ledger.Position, rows insert) error {
	tx, err := l.db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	booked, err := rows(ctx, tx, s, entries)
	if err != nil {
		return err
	}
	if err := addSums(ctx, tx, s, booked); err != nil {
		return err
	}
	if err := l.prune(ctx, tx); err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, `INSERT INTO journal_applied (id, segment, byte) VALUES (1, ?, ?)
		ON CONFLICT (id) DO UPDATE SET segment = excluded.segment, byte = excluded.byte`,
		int64(upTo.Segment), upTo.Offset); err != nil {
		return err
	}
	return tx.Commit()
}

func insertMany(ctx context.Context, tx *sql.Tx, s *statements, entries []*ledger.Entry) ([]*ledger.Entry, error) {
	many, one := tx.StmtContext(ctx, s.many), tx.StmtContext(ctx, s.one)
	args := make([]any, 0, insertRows*entryWidth)
	for rest := entries; len(rest) > 0; {
		n, stmt := 1, one
		if len(rest) >= insertRows {
			n, stmt = insertRows, many
		}
		args = args[:0]
		for _, e := range rest[:n] {
			args = appendEntry(args, e)
		}
		if changed, err := exec(ctx, stmt, args); err != nil {
			return nil, err
		} else if changed != int64(n) {
			return nil, errBooked
		}
		rest = rest[n:]
	}
	return entries, nil
}

func insertEach(ctx context.Context, tx *sql.Tx, s *statements, entries []*ledger.Entry) ([]*ledger.Entry, error) {
	one := tx.StmtContext(ctx, s.one)
	var booked []*ledger.Entry
	for _, e := range entries {
		if changed, err := exec(ctx, one, appendEntry(nil, e)); err != nil {
			return nil, err
		} else if changed == 1 {
			booked = append(booked, e)
		}
	}
	return booked, nil
}

func exec(ctx context.Context, stmt *sql.Stmt, args []any) (changed int64, err error) {
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

const (
	flagStream = 1 << iota
	flagBYOK
)

// appendEntry appends e's values in the order of entryColumns.
func appendEntry(args []any, e *ledger.Entry) []any {
	flags := 0
	if e.Stream {
		flags |= flagStream
	}
	if e.BYOK {
		flags |= flagBYOK
	}
	u := &e.Usage
	return append(args, e.ID[:], e.At, e.DurationMS, e.OrganizationID, e.UserID, e.KeyID, e.KeyName, e.ChatbotID,
		e.CredentialID, e.Provider, e.Model, string(e.Format), e.Endpoint, flags, e.Status, int(e.Outcome), u.Input, u.CacheRead,
		u.CacheWrite, u.CacheWrite1h, u.InputAudio, u.Output, u.Reasoning,
		u.OutputAudio, u.Images, u.Seconds, u.Characters, u.Searches, int64(e.Cost), e.Prices, e.UpstreamID, e.Code, attemptsText(e.Attempts))
}

const (
	quarter = 15 * 60 // seconds
	minute  = 60
)

// sumKey is a row of usage_quarters (width quarter), usage_minutes (width
// minute) or usage_totals (width 0).
type sumKey struct {
	subject      string
	width, start int64
}

// addSums adds entries to the sums of all their subjects, each row once however
// many entries fall on it.
func addSums(ctx context.Context, tx *sql.Tx, s *statements, entries []*ledger.Entry) error {
	sums := map[sumKey]*ledger.Sum{}
	series := map[seriesKey]*seriesSum{}
	for _, e := range entries {
		unix := e.At / 1000
		addSeries(series, unix-unix%quarter, e)
		for _, subject := range [...]string{e.OrganizationID, e.UserID, e.KeyID, e.ChatbotID, e.CredentialID} {
			if subject == "" {
				continue
			}
			add(sums, sumKey{subject, 0, 0}, e)
			add(sums, sumKey{subject, quarter, unix - unix%quarter}, e)
			add(sums, sumKey{subject, minute, unix - unix%minute}, e)
		}
	}
	total, quarters, minutes := tx.StmtContext(ctx, s.total), tx.StmtContext(ctx, s.quarter), tx.StmtContext(ctx, s.minute)
	for k, v := range sums {
		var err error
		switch k.width {
		case 0:
			_, err = total.ExecContext(ctx, k.subject, v.Requests, v.Tokens, int64(v.Cost), v.LastAt.UnixMilli())
		case quarter:
			_, err = quarters.ExecContext(ctx, k.subject, k.start, v.Requests, v.Tokens, int64(v.Cost), v.LastAt.UnixMilli())
		default:
			_, err = minutes.ExecContext(ctx, k.start, k.subject, v.Requests, v.Tokens, int64(v.Cost))
		}
		if err != nil {
			return err
		}
	}
	return writeSeries(ctx, tx.StmtContext(ctx, s.series), series)
}

func add(sums map[sumKey]*ledger.Sum, k sumKey, e *ledger.Entry) {
	v := sums[k]
	if v == nil {
		v = &ledger.Sum{}
		sums[k] = v
	}
	v.Requests += e.Requests()
	v.Tokens += e.Usage.Total()
	v.Cost = v.Cost.Add(e.Cost)
	if at := time.UnixMilli(e.At); at.After(v.LastAt) {
		v.LastAt = at
	}
}

// prune deletes minutes that no trailing window can reach, once a minute.
func (l *Ledger) prune(ctx context.Context, tx *sql.Tx) error {
	before := time.Now().Add(-2*time.Hour).Unix() / minute * minute
	l.mu.Lock()
	due := before > l.prunedAt
	l.prunedAt = before
	l.mu.Unlock()
	if !due {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM usage_minutes WHERE start < ?`, before)
	return err
}

// Applied is how far the journal is booked.
func (l *Ledger) Applied(ctx context.Context) (ledger.Position, error) {
	var p ledger.Position
	err := l.db.read.QueryRowContext(ctx, `SELECT segment, byte FROM journal_applied`).Scan(&p.Segment, &p.Offset)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.Position{}, nil
	}
	return p, Classify(err, "read how far the journal is booked")
}

// Durable folds the write-ahead log into the database file, which brings both to
// the disk.
func (l *Ledger) Durable(ctx context.Context) error { return l.db.durable(ctx) }

func (db *DB) durable(ctx context.Context) error {
	var busy, log, checkpointed int
	err := db.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(FULL)`).Scan(&busy, &log, &checkpointed)
	if err == nil && busy != 0 {
		err = errors.New("a reader kept the write-ahead log busy")
	}
	return Classify(err, "checkpoint")
}
