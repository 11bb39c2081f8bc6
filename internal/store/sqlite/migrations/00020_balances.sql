-- Prepaid balances. Money is nano-USD, times are Unix milliseconds.

-- +goose Up

-- A row for each key that has a balance. What is available is credited less
-- withdrawn, less what the key has cost since it has a balance (its row in
-- usage_totals less spent_before), less what requests in flight hold.
CREATE TABLE balances (
    key_id       TEXT    NOT NULL PRIMARY KEY,
    credited     INTEGER NOT NULL, -- everything paid in; never less than before
    withdrawn    INTEGER NOT NULL, -- everything taken out; never less than before
    spent_before INTEGER NOT NULL, -- what the key had cost before it had a balance
    opened_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change of a balance. Rows are never changed. What requests cost is not
-- here but in entries.
CREATE TABLE balance_entries (
    seq             INTEGER NOT NULL PRIMARY KEY, -- in the order in which they were made
    id              TEXT    NOT NULL UNIQUE, -- "bal_…"
    organization_id TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    kind            TEXT    NOT NULL, -- grant | refund | deduct | adjust
    amount          INTEGER NOT NULL, -- below 0 = taken out
    balance         INTEGER NOT NULL, -- what was available right after it
    idempotency_key TEXT    NOT NULL, -- the caller's, or else the row's own id
    actor           TEXT    NOT NULL, -- id of who did it
    reason          TEXT    NOT NULL,
    at              INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX balance_entries_once ON balance_entries (key_id, idempotency_key);
CREATE INDEX balance_entries_by_key ON balance_entries (key_id, seq);

-- +goose Down
DROP TABLE balance_entries;
DROP TABLE balances;
