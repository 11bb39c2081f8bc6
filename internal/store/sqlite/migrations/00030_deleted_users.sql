-- A user who is deleted leaves a tombstone: the ledger and the audit name them. The
-- email is free again.

-- +goose Up
ALTER TABLE users ADD COLUMN deleted_at INTEGER; -- set = deleted: shown nowhere
DROP INDEX users_email;
CREATE UNIQUE INDEX users_email ON users (organization_id, email) WHERE deleted_at IS NULL;

-- +goose Down
DELETE FROM management_keys WHERE user_id IN (SELECT id FROM users WHERE deleted_at IS NOT NULL);
UPDATE api_keys SET user_id = NULL WHERE user_id IN (SELECT id FROM users WHERE deleted_at IS NOT NULL);
DELETE FROM users WHERE deleted_at IS NOT NULL;
DROP INDEX users_email;
CREATE UNIQUE INDEX users_email ON users (organization_id, email);
ALTER TABLE users DROP COLUMN deleted_at;
