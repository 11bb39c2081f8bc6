-- Providers' credentials that users and organisations bring along. Their secrets
-- are in sealed.

-- +goose Up
CREATE TABLE credentials (
    id                    TEXT    NOT NULL PRIMARY KEY, -- "cred_…"
    organization_id       TEXT    NOT NULL REFERENCES organizations (id),
    user_id               TEXT    REFERENCES users (id), -- whose it is; NULL = the organisation's
    provider              TEXT    NOT NULL, -- openai | anthropic | google | cohere | huggingface | azure | custom
    provider_display_name TEXT    NOT NULL, -- what people call the provider
    key_name              TEXT    NOT NULL, -- for people
    secret_id             TEXT    NOT NULL, -- "sec_…"; another one whenever a secret, or where it is sent, changes
    key_prefix            TEXT    NOT NULL, -- what may be shown of the secret's beginning
    key_suffix            TEXT    NOT NULL, -- and of its end
    status                TEXT    NOT NULL, -- active | disabled
    is_default            INTEGER NOT NULL, -- 1 = the one of its owner for its provider
    config                TEXT    NOT NULL, -- JSON: the settings of the provider, but for what is sealed
    validation_state      TEXT    NOT NULL, -- of the latest answer: '' | valid | invalid | unsupported | error
    validation_verdict    TEXT    NOT NULL, -- of the latest answer that decided
    validation_code       TEXT    NOT NULL, -- of the latest answer; '' = none
    checked_at            INTEGER,          -- when the provider was last asked; NULL = never
    validated_at          INTEGER,          -- when it last said yes; NULL = never
    rate_limit_per_minute INTEGER,
    rate_limit_per_hour   INTEGER,
    rate_limit_per_day    INTEGER,
    tokens_per_minute     INTEGER,
    tokens_per_day        INTEGER,
    tokens_per_month      INTEGER,
    concurrent_limit      INTEGER,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    deleted_at            INTEGER,          -- set = deleted: shown nowhere, the row stays for the ledger's sake
    version               INTEGER NOT NULL  -- 1 at creation, one more with each change
) STRICT;

CREATE UNIQUE INDEX credentials_name ON credentials (organization_id, ifnull(user_id, ''), provider, key_name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX credentials_default ON credentials (organization_id, ifnull(user_id, ''), provider) WHERE is_default = 1 AND deleted_at IS NULL;
CREATE INDEX credentials_check ON credentials (checked_at) WHERE deleted_at IS NULL AND status = 'active';

ALTER TABLE organizations ADD COLUMN credential_fallback INTEGER NOT NULL DEFAULT 0; -- 1 = another credential may take the place of one that is refused

-- +goose Down
ALTER TABLE organizations DROP COLUMN credential_fallback;
DROP TABLE credentials;
