-- Whether a key may stand in the query of a request, as Google's API takes it.

-- +goose Up
ALTER TABLE organizations ADD COLUMN allow_key_in_query INTEGER NOT NULL DEFAULT 0; -- 1 = it may

-- +goose Down
ALTER TABLE organizations DROP COLUMN allow_key_in_query;
