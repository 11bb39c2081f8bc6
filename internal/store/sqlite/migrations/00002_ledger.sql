-- +goose Up

-- What was used, a row for each request that was forwarded. Rows are never
-- changed. Times are Unix milliseconds, money is nano-USD.
CREATE TABLE entries (
    request_id            BLOB    NOT NULL PRIMARY KEY, -- UUIDv7, so rows lie in order of time
    at                    INTEGER NOT NULL, -- when it was admitted
    duration_ms           INTEGER NOT NULL, -- until its answer ended
    organization_id       TEXT    NOT NULL,
    user_id               TEXT    NOT NULL, -- '' = the key has no owner
    key_id                TEXT    NOT NULL,
    key_name              TEXT    NOT NULL, -- as it was then
    chatbot_id            TEXT    NOT NULL,
    credential_id         TEXT    NOT NULL,
    provider              TEXT    NOT NULL,
    model                 TEXT    NOT NULL, -- as it was sent
    api_format            TEXT    NOT NULL,
    endpoint              TEXT    NOT NULL,
    flags                 INTEGER NOT NULL, -- 1 stream, 2 own credential (byok)
    status                INTEGER NOT NULL, -- HTTP status the caller got; 0 = none
    outcome               INTEGER NOT NULL, -- 1 settled, 2 estimated, 3 unconfirmed, 4 failed
    input_tokens          INTEGER NOT NULL, -- fresh ones; the classes are disjoint
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL, -- for 5 minutes
    cache_write_1h_tokens INTEGER NOT NULL,
    input_audio_tokens    INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL, -- reasoning included
    reasoning_tokens      INTEGER NOT NULL, -- a part of output_tokens
    output_audio_tokens   INTEGER NOT NULL,
    cost                  INTEGER NOT NULL,
    prices                TEXT    NOT NULL, -- the unit prices used, for re-rating
    upstream_id           TEXT    NOT NULL, -- the provider's id
    code                  TEXT    NOT NULL  -- of the failure, '' = none
) WITHOUT ROWID;

CREATE INDEX entries_by_key ON entries (key_id, request_id);

-- Sums of entries, kept in the same transaction as the rows. A subject is an
-- organization, a user, a key, a chatbot or a credential, by its id.

-- Since ever.
CREATE TABLE usage_totals (
    subject  TEXT    NOT NULL PRIMARY KEY,
    requests INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    last_at  INTEGER NOT NULL -- when the newest was admitted, Unix milliseconds
) WITHOUT ROWID;

-- By quarter of an hour: every time zone's day begins at one.
CREATE TABLE usage_quarters (
    subject  TEXT    NOT NULL,
    start    INTEGER NOT NULL, -- Unix seconds
    requests INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (subject, start)
) WITHOUT ROWID;

-- By minute, for the trailing windows after a restart; rows older than two hours
-- are deleted.
CREATE TABLE usage_minutes (
    start    INTEGER NOT NULL, -- Unix seconds
    subject  TEXT    NOT NULL,
    requests INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    PRIMARY KEY (start, subject)
) WITHOUT ROWID;

-- How far the journal is booked: one row.
CREATE TABLE journal_applied (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    segment INTEGER NOT NULL,
    byte    INTEGER NOT NULL -- the offset in the segment after the last record booked
);

-- +goose Down
DROP TABLE journal_applied;
DROP TABLE usage_minutes;
DROP TABLE usage_quarters;
DROP TABLE usage_totals;
DROP TABLE entries;
