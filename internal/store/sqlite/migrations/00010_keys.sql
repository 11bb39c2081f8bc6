-- Keys get several secrets, and say who disabled or revoked them; management keys
-- get an owner, an expiry and a status; roles are those that the program knows.

-- +goose Up
CREATE TABLE api_key_secrets (
    id              TEXT    NOT NULL PRIMARY KEY, -- "sec_…"
    organization_id TEXT    NOT NULL REFERENCES organizations (id),
    key_id          TEXT    NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hash            BLOB    NOT NULL,             -- SHA-256 of the whole key
    key_prefix      TEXT    NOT NULL,             -- its first 8 characters, to recognise it by
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,                      -- refused from this instant on; NULL = as long as the key works
    last_used_at    INTEGER                       -- to within some seconds; NULL = never
) STRICT;

CREATE UNIQUE INDEX api_key_secrets_hash ON api_key_secrets (hash);
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id);
CREATE INDEX api_key_secrets_expiry ON api_key_secrets (expires_at) WHERE expires_at IS NOT NULL;

INSERT INTO api_key_secrets (id, organization_id, key_id, hash, key_prefix, created_at)
SELECT 'sec_' || substr(id, 5), organization_id, id, hash, key_prefix, created_at FROM api_keys WHERE hash IS NOT NULL;

DROP INDEX api_keys_hash;
ALTER TABLE api_keys DROP COLUMN hash;
ALTER TABLE api_keys ADD COLUMN disabled_by TEXT;                       -- a user, else a management key; NULL = nobody, or unknown
ALTER TABLE api_keys ADD COLUMN revoked_by TEXT;                        -- the same of who revoked it
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;                     -- NULL = not revoked, or unknown
ALTER TABLE api_keys ADD COLUMN revoke_reason TEXT NOT NULL DEFAULT ''; -- as given

-- Listing looks at these columns of every key of an organisation: here they lie
-- together, so that the wide rows are read for one page only.
DROP INDEX api_keys_newest;
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at DESC, id DESC, status, kind, user_id, expires_at, tags, search_text)
    WHERE deleted_at IS NULL;
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;

ALTER TABLE management_keys ADD COLUMN user_id TEXT REFERENCES users (id);     -- acts for this user; NULL = for nobody
ALTER TABLE management_keys ADD COLUMN status TEXT NOT NULL DEFAULT 'active';  -- active | disabled | revoked
ALTER TABLE management_keys ADD COLUMN expires_at INTEGER;                     -- refused from this instant on; NULL = never
ALTER TABLE management_keys ADD COLUMN created_by TEXT NOT NULL DEFAULT '';    -- a user, else a management key; '' = the first start
ALTER TABLE management_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;     -- 1 at creation, one more with each change

ALTER TABLE organizations ADD COLUMN max_keys_per_user INTEGER;                     -- live keys that a user may have; NULL = any number
ALTER TABLE organizations ADD COLUMN expired_keys TEXT NOT NULL DEFAULT 'disable';  -- disable | delete: what cleaning up does

UPDATE users SET role = 'user' WHERE role NOT IN ('owner', 'admin', 'auditor', 'developer', 'user');

-- +goose Down
ALTER TABLE organizations DROP COLUMN expired_keys;
ALTER TABLE organizations DROP COLUMN max_keys_per_user;
ALTER TABLE management_keys DROP COLUMN version;
ALTER TABLE management_keys DROP COLUMN created_by;
ALTER TABLE management_keys DROP COLUMN expires_at;
ALTER TABLE management_keys DROP COLUMN status;
ALTER TABLE management_keys DROP COLUMN user_id;
DROP INDEX api_keys_expiry;
DROP INDEX api_keys_newest;
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
ALTER TABLE api_keys DROP COLUMN revoke_reason;
ALTER TABLE api_keys DROP COLUMN revoked_at;
ALTER TABLE api_keys DROP COLUMN revoked_by;
ALTER TABLE api_keys DROP COLUMN disabled_by;
ALTER TABLE api_keys ADD COLUMN hash BLOB;
UPDATE api_keys SET hash = (SELECT s.hash FROM api_key_secrets s WHERE s.key_id = api_keys.id ORDER BY s.created_at DESC, s.id DESC LIMIT 1);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
DROP TABLE api_key_secrets;
