-- Secrets that can be opened again.

-- +goose Up

-- The keys that values may be sealed with. A key is taken out only when nothing
-- is sealed with it any more, which the reference below holds; what comes later
-- under that key is refused, and has to be sealed anew.
CREATE TABLE seal_keys (
    key_id     INTEGER NOT NULL PRIMARY KEY, -- as the ciphertexts name it
    created_at INTEGER NOT NULL              -- milliseconds since 1970-01-01 UTC
) STRICT;

-- Sealed values of all tables. Organisation, row and field are sealed in with
-- each, so a value that is moved does not open.
CREATE TABLE sealed (
    row_id          TEXT    NOT NULL, -- the id of the row that it belongs to
    field           TEXT    NOT NULL, -- as the API calls it
    organization_id TEXT    NOT NULL,
    key_id          INTEGER NOT NULL REFERENCES seal_keys (key_id),
    ciphertext      BLOB    NOT NULL, -- names its key as well
    PRIMARY KEY (row_id, field)
) STRICT, WITHOUT ROWID;

CREATE INDEX sealed_by_key ON sealed (key_id);

-- +goose Down
DROP TABLE sealed;
DROP TABLE seal_keys;
