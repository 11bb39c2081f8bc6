-- Listing filters by the index alone, and reads the wide rows of one page only. For
-- that the index needs every column that a condition names, deleted_at as well,
-- although it is NULL in all of it.

-- +goose Up
DROP INDEX api_keys_newest;
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at DESC, id DESC, status, kind, user_id, expires_at, tags, search_text, deleted_at)
    WHERE deleted_at IS NULL;

-- +goose Down
DROP INDEX api_keys_newest;
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at DESC, id DESC, status, kind, user_id, expires_at, tags, search_text)
    WHERE deleted_at IS NULL;
