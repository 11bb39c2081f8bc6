-- Keys that were made by another system and work on here.

-- +goose Up

-- What a row of another system became. The rows stay when the key goes, so that
-- importing again never brings it back.
CREATE TABLE imported_keys (
    organization_id TEXT    NOT NULL,
    source          TEXT    NOT NULL, -- "litellm", or "litellm/" and which one of them
    source_id       TEXT    NOT NULL, -- the row's id there
    key_id          TEXT    NOT NULL,
    fingerprint     BLOB    NOT NULL, -- SHA-256 of how its secret is hashed there, to tell another secret by
    at              INTEGER NOT NULL,
    PRIMARY KEY (organization_id, source, source_id)
) STRICT, WITHOUT ROWID;

-- The secrets of api_key_secrets that were made elsewhere. They have not the form
-- of ours, and are looked for here. One of which only another hash than SHA-256 is
-- known has random bytes for its hash there until it is first used.
CREATE TABLE foreign_secrets (
    secret_id TEXT NOT NULL PRIMARY KEY REFERENCES api_key_secrets (id) ON DELETE CASCADE,
    scheme    TEXT NOT NULL, -- sha256 | knox | bcrypt
    lookup    BLOB NOT NULL, -- sha256: the first 8 bytes of the hash; knox: the whole digest; bcrypt: the key's first 8 characters
    proof     BLOB           -- bcrypt: the hash; NULL for the others
) STRICT, WITHOUT ROWID;

CREATE INDEX foreign_secrets_lookup ON foreign_secrets (scheme, lookup);
CREATE UNIQUE INDEX foreign_secrets_digest ON foreign_secrets (lookup) WHERE scheme = 'knox';
CREATE UNIQUE INDEX foreign_secrets_proof ON foreign_secrets (proof) WHERE proof IS NOT NULL;

-- +goose Down
DROP TABLE foreign_secrets;
DROP TABLE imported_keys;
