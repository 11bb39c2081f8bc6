-- What a credential was used for is listed by it, and sums of entries can be parted
-- by it. A column of a primary key cannot be added, so the sums are made anew from
-- the entries.

-- +goose Up
DROP TABLE usage_series;
CREATE TABLE usage_series (
    key_id          TEXT    NOT NULL,
    start           INTEGER NOT NULL, -- Unix seconds
    user_id         TEXT    NOT NULL, -- '' = the key has no owner
    chatbot_id      TEXT    NOT NULL,
    credential_id   TEXT    NOT NULL, -- '' = the platform's own
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    outcome         INTEGER NOT NULL, -- as in entries
    organization_id TEXT    NOT NULL, -- follows from the key
    key_name        TEXT    NOT NULL, -- as it was on the newest of them
    requests        INTEGER NOT NULL,
    input_tokens    INTEGER NOT NULL, -- all classes
    output_tokens   INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL, -- of all of them together
    PRIMARY KEY (key_id, start, user_id, chatbot_id, credential_id, provider, model, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_series
SELECT key_id, max(at) / 900000 * 900, user_id, chatbot_id, credential_id, provider, model, outcome, organization_id, key_name, count(*),
       sum(input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens + input_audio_tokens),
       sum(output_tokens + output_audio_tokens), sum(cost), sum(duration_ms)
FROM entries -- what is not grouped by is of the row that max(at) is of: https://www.sqlite.org/lang_select.html#bareagg
GROUP BY key_id, at / 900000, user_id, chatbot_id, credential_id, provider, model, outcome;

CREATE INDEX usage_series_by_time ON usage_series (organization_id, start);
CREATE INDEX usage_series_by_credential ON usage_series (credential_id, start) WHERE credential_id <> '';
CREATE INDEX entries_by_credential ON entries (credential_id, request_id) WHERE credential_id <> '';

-- +goose Down
DROP INDEX entries_by_credential;
CREATE TABLE usage_series_before (
    key_id          TEXT    NOT NULL,
    start           INTEGER NOT NULL,
    user_id         TEXT    NOT NULL,
    chatbot_id      TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    outcome         INTEGER NOT NULL,
    organization_id TEXT    NOT NULL,
    key_name        TEXT    NOT NULL,
    requests        INTEGER NOT NULL,
    input_tokens    INTEGER NOT NULL,
    output_tokens   INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    PRIMARY KEY (key_id, start, user_id, chatbot_id, provider, model, outcome)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_series_before
SELECT key_id, start, user_id, chatbot_id, provider, model, outcome, max(organization_id), max(key_name),
       sum(requests), sum(input_tokens), sum(output_tokens), sum(cost), sum(duration_ms)
FROM usage_series
GROUP BY 1, 2, 3, 4, 5, 6, 7;
DROP TABLE usage_series;
ALTER TABLE usage_series_before RENAME TO usage_series;
CREATE INDEX usage_series_by_time ON usage_series (organization_id, start);
