package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// balanceMax is, in a query of api_keys, the Max of the limit that a key's
// balance is; NULL for a key without a balance.
const balanceMax = "(SELECT spent_before + credited FROM balances WHERE key_id = api_keys.id)"

// Accounts implements ledger.Accounts.
func (l *Ledger) Accounts(ctx context.Context, keys []string) (map[string]ledger.Account, error) {
	const doing = "read balances"
	out := map[string]ledger.Account{}
	if len(keys) == 0 {
		return out, nil
	}
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(keys)), ",")
	rows, err := l.db.read.QueryContext(ctx, `SELECT key_id, credited, withdrawn, spent_before, opened_at FROM balances WHERE key_id IN (`+marks+`)`, args...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key string
		var a ledger.Account
		if err := rows.Scan(&key, &a.Credited, &a.Withdrawn, &a.SpentBefore, instant{&a.OpenedAt}); err != nil {
			return nil, Classify(err, doing)
		}
		out[key] = a
	}
	return out, Classify(rows.Err(), doing)
}

// OpenAccount implements ledger.Accounts.
func (l *Ledger) OpenAccount(ctx context.Context, e ledger.BalanceEntry, spentBefore money.NanoUSD, record func(context.Context) error) error {
	return l.db.update(ctx, "open the balance", func(tx *sql.Tx) error {
		if err := openBalance(ctx, tx, e, spentBefore); err != nil {
			return err
		}
		return recorded(ctx, tx, record)
	})
}

// openBalance stores a balance with its first entry in tx, so that a key can be
// made with its balance in one transaction.
func openBalance(ctx context.Context, tx *sql.Tx, e ledger.BalanceEntry, spentBefore money.NanoUSD) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO balances (key_id, credited, withdrawn, spent_before, opened_at) VALUES (?, ?, 0, ?, ?)`,
		e.KeyID, int64(e.Amount), int64(spentBefore), e.At.UnixMilli())
	if err != nil {
		return err
	}
	return insertPosting(ctx, tx, &e)
}

// spentBefore is what a key that is being made has used elsewhere.
func spentBefore(ctx context.Context, tx *sql.Tx, key string) (spent money.NanoUSD, err error) {
	err = tx.QueryRowContext(ctx, "SELECT coalesce(sum(cost), 0) FROM usage_totals WHERE subject = ?", key).Scan(&spent)
	return spent, err
}

// firstGrant is the entry of the balance with which a key is made.
func firstGrant(row *authority.KeyRow, actor string) ledger.BalanceEntry {
	id := ledger.NewBalanceID(row.CreatedAt)
	return ledger.BalanceEntry{
		ID: id, OrganizationID: row.OrganizationID, KeyID: row.ID, Kind: ledger.Grant, Amount: *row.InitialBalance, Balance: *row.InitialBalance,
		IdempotencyKey: id, Actor: actor, Reason: "initial balance", At: row.CreatedAt,
	}
}

// Post implements ledger.Accounts.
func (l *Ledger) Post(ctx context.Context, e ledger.BalanceEntry, record func(context.Context) error) error {
	return l.db.update(ctx, "change the balance", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE balances SET credited = credited + ?, withdrawn = withdrawn + ? WHERE key_id = ?`,
			int64(max(e.Amount, 0)), int64(max(-e.Amount, 0)), e.KeyID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errors.New("there is no such balance"), err)
		}
		if err := insertPosting(ctx, tx, &e); err != nil {
			return err
		}
		return recorded(ctx, tx, record)
	})
}

// txKey is under what a context carries the transaction that it belongs to.
type txKey struct{}

// txOf is the transaction that ctx belongs to, if it belongs to one.
func txOf(ctx context.Context) (*sql.Tx, bool) {
	tx, ok := ctx.Value(txKey{}).(*sql.Tx)
	return tx, ok
}

// recorded runs record as a part of tx.
func recorded(ctx context.Context, tx *sql.Tx, record func(context.Context) error) error {
	if record == nil {
		return nil
	}
	return record(context.WithValue(ctx, txKey{}, tx))
}

const postingColumns = `id, organization_id, key_id, kind, amount, balance, idempotency_key, actor, reason, at`

func insertPosting(ctx context.Context, tx *sql.Tx, e *ledger.BalanceEntry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO balance_entries (`+postingColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, e.OrganizationID, e.KeyID, string(e.Kind), int64(e.Amount), int64(e.Balance), e.IdempotencyKey, e.Actor, e.Reason, e.At.UnixMilli())
	return err
}

// Posted implements ledger.Accounts.
func (l *Ledger) Posted(ctx context.Context, key, idempotencyKey string) (ledger.BalanceEntry, bool, error) {
	row := l.db.read.QueryRowContext(ctx, `SELECT `+postingColumns+` FROM balance_entries WHERE key_id = ? AND idempotency_key = ?`, key, idempotencyKey)
	e, err := scanPosting(row)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.BalanceEntry{}, false, nil
	}
	return e, err == nil, Classify(err, "look for a posting")
}

// Posts implements ledger.Accounts.
func (l *Ledger) Posts(ctx context.Context, key string) ([]ledger.BalanceEntry, error) {
	const doing = "list the changes of a balance"
	rows, err := l.db.read.QueryContext(ctx, `SELECT `+postingColumns+` FROM balance_entries WHERE key_id = ? ORDER BY seq`, key)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.BalanceEntry
	for rows.Next() {
		e, err := scanPosting(rows)
		if err != nil {
			return nil, Classify(err, doing)
		}
		out = append(out, e)
	}
	return out, Classify(rows.Err(), doing)
}

func scanPosting(row interface{ Scan(...any) error }) (ledger.BalanceEntry, error) {
	var e ledger.BalanceEntry
	err := row.Scan(&e.ID, &e.OrganizationID, &e.KeyID, &e.Kind, &e.Amount, &e.Balance, &e.IdempotencyKey, &e.Actor, &e.Reason, instant{&e.At})
	return e, err
}
