-- Prices that hold from an instant on, over those of the program and of the
-- configuration. Rows are never changed. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE price_versions (
    seq               INTEGER NOT NULL PRIMARY KEY, -- in the order in which they were set; of two from the same instant the later one counts
    id                TEXT    NOT NULL UNIQUE, -- "price_…"
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL, -- may hold *
    valid_from        INTEGER NOT NULL,
    prices            TEXT    NOT NULL, -- as in entries; '' = what lies below holds again
    context_tokens    INTEGER NOT NULL, -- 0 = as below
    max_output_tokens INTEGER NOT NULL, -- 0 = as below
    source            TEXT    NOT NULL, -- what they were read from
    actor             TEXT    NOT NULL, -- id of who set them
    set_at            INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE price_versions;
