-- Which targets a request was sent to before the one that its entry names.

-- +goose Up
ALTER TABLE entries ADD COLUMN attempts TEXT NOT NULL DEFAULT ''; -- a JSON array of [provider, model, HTTP status or 0, milliseconds]; empty = none

-- +goose Down
ALTER TABLE entries DROP COLUMN attempts;
