package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"

	"tollgate/internal/fault"
)

// ErrTaken is in the chain of the error of a statement that would have put the
// same value twice under a unique index.
var ErrTaken = errors.New("already taken")

// SQLite's result codes for broken constraints; the lowest byte of an extended
// code is the plain one (https://www.sqlite.org/rescode.html).
const (
	constraint           = 19
	constraintPrimaryKey = 1555
	constraintUnique     = 2067
)

// Classify gives the error of a database call the kind under which it leaves
// this package; doing says what was tried, for the log ("read the key").
//
//   - nil, sql.ErrNoRows and errors that have a kind already stay as they are;
//   - a broken unique index has ErrTaken in its chain, for the caller to name;
//   - another broken constraint is a mistake of the caller's program and gets no
//     kind;
//   - a caller who gave up is context.Canceled;
//   - everything else is trouble with the store: fault.StoreUnavailable.
func Classify(err error, doing string) error {
	var known *fault.Error
	var kind fault.Kind
	var sqlite *driver.Error
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.As(err, &known), errors.As(err, &kind):
		return err
	case errors.As(err, &sqlite) && (sqlite.Code() == constraintUnique || sqlite.Code() == constraintPrimaryKey):
		return fmt.Errorf("%s: %w: %w", doing, ErrTaken, err)
	case errors.As(err, &sqlite) && sqlite.Code()&0xff == constraint, errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("%s: %w", doing, err),
		"The database cannot be used at the moment. Try again shortly.")
}

// update runs fn in a transaction that holds the write lock from its first
// statement on, and keeps what it did only if fn returns nil. What fn reads is
// therefore still true when it writes. With a context that belongs to a
// transaction, fn is a part of that one. Errors are classified.
func (db *DB) update(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	if tx, ok := txOf(ctx); ok {
		return Classify(fn(tx), doing)
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return Classify(err, doing)
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return Classify(err, doing)
	}
	return Classify(tx.Commit(), doing)
}
