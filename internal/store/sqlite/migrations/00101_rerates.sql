-- Entries that correct others, and the re-rates that made them. Rows of corrections
-- are never changed. Times are Unix milliseconds, money is nano-USD.

-- +goose Up
CREATE TABLE corrections (
    id        BLOB    NOT NULL PRIMARY KEY, -- of the entry that corrects
    corrects  BLOB    NOT NULL, -- the entry that it corrects
    rerate_id TEXT    NOT NULL,
    cost      INTEGER NOT NULL -- as in entries
) STRICT, WITHOUT ROWID;

CREATE INDEX corrections_of ON corrections (corrects, cost);

CREATE TABLE rerates (
    id              TEXT    NOT NULL PRIMARY KEY, -- "rerate_…"
    organization_id TEXT    NOT NULL,
    from_at         INTEGER, -- of the entries; NULL = ever
    to_at           INTEGER NOT NULL,
    provider        TEXT    NOT NULL, -- '' = any, like the next two
    model           TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    location        TEXT    NOT NULL, -- time zone
    actor           TEXT    NOT NULL,
    began_at        INTEGER NOT NULL,
    ended_at        INTEGER, -- NULL = not yet
    cursor          BLOB    NOT NULL, -- every entry up to it is done
    report          TEXT    NOT NULL  -- JSON
) STRICT;

-- +goose Down
DROP TABLE rerates;
DROP TABLE corrections;
