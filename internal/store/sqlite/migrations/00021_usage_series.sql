-- +goose Up

-- Sums of entries for statistics, by everything that they can be parted by and by
-- quarter of an hour, at one of which every time zone's day begins. Kept in the
-- same transaction as the entries. Rows of one key lie together, in order of
-- time. Money is nano-USD.
CREATE TABLE usage_series (
    key_id          TEXT    NOT NULL,
    start           INTEGER NOT NULL, -- Unix seconds
    user_id         TEXT    NOT NULL, -- '' = the key has no owner
    chatbot_id      TEXT    NOT NULL,
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
    PRIMARY KEY (key_id, start, user_id, chatbot_id, provider, model, outcome)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_series_by_time ON usage_series (organization_id, start);

INSERT INTO usage_series
SELECT key_id, at / 1000 - at / 1000 % 900, user_id, chatbot_id, provider, model, outcome, max(organization_id), max(key_name), count(*),
       sum(input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens + input_audio_tokens),
       sum(output_tokens + output_audio_tokens), sum(cost), sum(duration_ms)
FROM entries
GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- +goose Down
DROP TABLE usage_series;
