package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

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
		if err := carriable(ctx, tx, e); err != nil {
			return err
		}
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

// maxCarried is how much may stand in an organization's sums once something was
// carried into them. SQLite makes a sum that is more than 64 bits hold a rounded
// number, which nothing can read; the other half is for what requests use.
const maxCarried = math.MaxInt64 / 2

// carriable refuses what does not fit into the sums of its organization, and so
// into no sum that has a part of it.
func carriable(ctx context.Context, tx *sql.Tx, e *ledger.Entry) error {
	var tokens, cost int64
	err := tx.QueryRowContext(ctx, "SELECT tokens, cost FROM usage_totals WHERE subject = ?", e.OrganizationID).Scan(&tokens, &cost)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if tokens <= maxCarried-e.Usage.Total() && cost <= maxCarried-int64(e.Cost) {
		return nil
	}
	const problem = "is more than the organization's totals can hold beside what they have"
	return &fault.Error{
		Kind: fault.ValidationFailed, Public: "spent: " + problem + ".", Param: "spent",
		Fields: []fault.Field{{Name: "spent", Problem: problem}},
	}
}

// Booked implements ledger.Book.
func (l *Ledger) Booked(ctx context.Context, id ledger.RequestID) (bool, error) {
	var n int
	err := l.db.read.QueryRowContext(ctx, "SELECT count(*) FROM entries WHERE request_id = ?", id[:]).Scan(&n)
	return n > 0, Classify(err, "look for an entry")
}
