-- The authority's rows: the organisation, its users, the keys of the data plane
-- and the keys of the management API.
--
-- Instants are integers: milliseconds since 1970-01-01 UTC. Lists and maps are
-- JSON text; NULL in an allow-list means "all". NULL in a limit means
-- "unlimited", 0 means "nothing". Ids are text with their kind in front
-- ("key_0193…") and sort by the time they were made. Every row carries its
-- organisation, and every query names it.

-- +goose Up
CREATE TABLE organizations (
    id                    TEXT    NOT NULL PRIMARY KEY, -- "org_…"
    name                  TEXT    NOT NULL,             -- for people
    timezone              TEXT    NOT NULL,             -- IANA name; days, weeks and months begin in it
    status                TEXT    NOT NULL,             -- active | disabled (no key of it works)
    default_input_price   INTEGER,                      -- micro-USD per million input tokens of a model without a price; NULL = such models are refused under a budget
    default_output_price  INTEGER,                      -- the same for output tokens; set when and only when default_input_price is
    rate_limit_per_minute INTEGER,                      -- requests in any minute
    rate_limit_per_hour   INTEGER,                      -- requests in any hour
    rate_limit_per_day    INTEGER,                      -- requests a calendar day
    tokens_per_minute     INTEGER,                      -- tokens in any minute
    tokens_per_day        INTEGER,                      -- tokens a calendar day
    tokens_per_month      INTEGER,                      -- tokens a calendar month
    concurrent_limit      INTEGER,                      -- requests in flight
    budget_limit_cents    INTEGER,                      -- US cents in budget_type; NULL = no budget
    budget_type           TEXT,                         -- total | daily | weekly | monthly; NULL without a budget
    budget_mode           TEXT,                         -- hard (never passed) | soft; NULL without a budget
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    version               INTEGER NOT NULL              -- 1 at creation, one more with each change
) STRICT;

CREATE TABLE users (
    id                    TEXT    NOT NULL PRIMARY KEY, -- "user_…"
    organization_id       TEXT    NOT NULL REFERENCES organizations (id),
    email                 TEXT    NOT NULL,             -- lower case; unique in the organisation
    name                  TEXT    NOT NULL,             -- for people
    search_text           TEXT    NOT NULL,             -- name and email in lower case, to search in
    role                  TEXT    NOT NULL,             -- a word of the organisation's, e.g. "member"
    status                TEXT    NOT NULL,             -- active | disabled (none of the user's keys works)
    rate_limit_per_minute INTEGER,                      -- limits as in organizations
    rate_limit_per_hour   INTEGER,
    rate_limit_per_day    INTEGER,
    tokens_per_minute     INTEGER,
    tokens_per_day        INTEGER,
    tokens_per_month      INTEGER,
    concurrent_limit      INTEGER,
    budget_limit_cents    INTEGER,
    budget_type           TEXT,
    budget_mode           TEXT,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    version               INTEGER NOT NULL              -- 1 at creation, one more with each change
) STRICT;

CREATE UNIQUE INDEX users_email ON users (organization_id, email);
CREATE INDEX users_newest ON users (organization_id, created_at DESC, id DESC);

CREATE TABLE api_keys (
    id                    TEXT    NOT NULL PRIMARY KEY, -- "key_…"
    organization_id       TEXT    NOT NULL REFERENCES organizations (id),
    user_id               TEXT    REFERENCES users (id), -- the owner; NULL = belongs to no user
    kind                  TEXT    NOT NULL,             -- user | standalone | chatbot | service
    name                  TEXT    NOT NULL,             -- kept when the key is deleted: the ledger shows it
    description           TEXT    NOT NULL,
    search_text           TEXT    NOT NULL,             -- name and description in lower case, to search in
    tags                  TEXT    NOT NULL,             -- JSON array of words
    hash                  BLOB,                         -- SHA-256 of the whole key; NULL once deleted, so it can never match again
    key_prefix            TEXT    NOT NULL,             -- the key's first 8 characters, to recognise it by
    status                TEXT    NOT NULL,             -- active | disabled (may be enabled again) | revoked (for good)
    expires_at            INTEGER,                      -- refused from this instant on; NULL = never
    auto_delete_on_expiry INTEGER,                      -- what cleaning up does once expired: 1 delete, 0 disable, NULL the configured default
    scopes                TEXT,                         -- JSON array; kinds of route it opens
    permissions           TEXT    NOT NULL,             -- JSON object {word: bool}; the application's own words, only true counts
    allowed_models        TEXT,                         -- JSON array of names or provider/name, with *
    allowed_endpoints     TEXT,                         -- JSON array of paths, with *
    allowed_ips           TEXT,                         -- JSON array of addresses and CIDR prefixes
    allowed_chatbots      TEXT,                         -- JSON array of chatbot ids
    allowed_providers     TEXT,                         -- JSON array of provider slugs
    allowed_api_formats   TEXT,                         -- JSON array of openai | anthropic | gemini
    rate_limit_per_minute INTEGER,                      -- limits as in organizations
    rate_limit_per_hour   INTEGER,
    rate_limit_per_day    INTEGER,
    tokens_per_minute     INTEGER,
    tokens_per_day        INTEGER,
    tokens_per_month      INTEGER,
    concurrent_limit      INTEGER,
    budget_limit_cents    INTEGER,
    budget_type           TEXT,
    budget_mode           TEXT,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    deleted_at            INTEGER,                      -- set = deleted: shown nowhere, the row stays for the ledger's sake
    version               INTEGER NOT NULL              -- 1 at creation, one more with each change
) STRICT;

CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_owner ON api_keys (organization_id, user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE management_keys (
    id              TEXT    NOT NULL PRIMARY KEY, -- "mk_…"
    organization_id TEXT    NOT NULL REFERENCES organizations (id),
    name            TEXT    NOT NULL,             -- for people
    hash            BLOB    NOT NULL,             -- SHA-256 of the whole key
    key_prefix      TEXT    NOT NULL,             -- the key's first 8 characters, to recognise it by
    permissions     TEXT    NOT NULL,             -- JSON array of patterns; "!" in front denies
    is_root         INTEGER NOT NULL,             -- 1 = made at the first start or set by the operator; one per organisation
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX management_keys_hash ON management_keys (hash);
CREATE UNIQUE INDEX management_keys_root ON management_keys (organization_id) WHERE is_root = 1;

-- +goose Down
DROP TABLE management_keys;
DROP TABLE api_keys;
DROP TABLE users;
DROP TABLE organizations;
