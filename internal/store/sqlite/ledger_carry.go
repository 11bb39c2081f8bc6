package sqlite

import (
	"context"
	"database/sql"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
)

// Carry implements ledger.Book.
func (l *Ledger) Carry(ctx context.Context, e *ledger.Entry, record func(context.Context) error) error {
	const doing = "book what was used elsewhere"
	s, err := l.prepare(ctx)
	if err != nil {
		return Classify(err, doing)
	}
	return l.db.update(ctx, doing, func(tx *sql.Tx) error {
		booked, err := insertEach(ctx, tx, s, []*ledger.Entry{e})
		if err != nil {
			return err
		}
		if len(booked) == 0 {
			return fault.NameTaken
		}
		if err := addSums(ctx, tx, s, booked); err != nil {
			return err
		}
		return recorded(ctx, tx, record)
	})
}

// Booked implements ledger.Book.
func (l *Ledger) Booked(ctx context.Context, id ledger.RequestID) (bool, error) {
	var n int
	err := l.db.read.QueryRowContext(ctx, "SELECT count(*) FROM entries WHERE request_id = ?", id[:]).Scan(&n)
	return n > 0, Classify(err, "look for an entry")
}
