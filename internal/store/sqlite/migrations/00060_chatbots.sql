-- Chatbots, and which keys open them. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE chatbots (
    id                    TEXT    NOT NULL PRIMARY KEY, -- "bot_…"
    organization_id       TEXT    NOT NULL REFERENCES organizations (id),
    user_id               TEXT    REFERENCES users (id), -- the owner; NULL = the organisation's
    name                  TEXT    NOT NULL,
    slug                  TEXT    NOT NULL,             -- its address on the data plane, which names no organisation
    search_text           TEXT    NOT NULL,             -- name and slug in lower case
    provider              TEXT    NOT NULL,             -- slug; '' = the one that has the model
    model                 TEXT    NOT NULL,
    system_prompt         TEXT    NOT NULL,             -- '' = none
    temperature           REAL,                         -- 0 to 2; NULL = the caller's own
    max_tokens            INTEGER,                      -- of an answer; NULL = the model's own
    greeting              TEXT    NOT NULL,
    allowed_origins       TEXT,                         -- JSON array; NULL = none
    access_mode           TEXT    NOT NULL,             -- key_required | public | auto | disabled
    status                TEXT    NOT NULL,             -- active | disabled
    disabled_by           TEXT,                         -- a user, else a management key; NULL = nobody
    first_grant_at        INTEGER,                      -- NULL = never had a grant; only grants write it, and never back to NULL
    rate_limit_per_minute INTEGER,                      -- of all requests to it together; NULL = no limit, as below
    rate_limit_per_hour   INTEGER,
    rate_limit_per_day    INTEGER,
    tokens_per_minute     INTEGER,
    tokens_per_day        INTEGER,
    tokens_per_month      INTEGER,
    concurrent_limit      INTEGER,
    budget_limit_cents    INTEGER,
    budget_type           TEXT,
    budget_mode           TEXT,
    anonymous_rate_limit_per_minute INTEGER,            -- of each address without a key
    anonymous_rate_limit_per_hour   INTEGER,
    anonymous_rate_limit_per_day    INTEGER,
    anonymous_tokens_per_day        INTEGER,
    anonymous_concurrent_limit      INTEGER,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    deleted_at            INTEGER,                      -- set = deleted; the row stays for the ledger's and the grants' sake
    version               INTEGER NOT NULL              -- 1 at creation, one more with each change
) STRICT;

CREATE UNIQUE INDEX chatbots_slug ON chatbots (slug) WHERE deleted_at IS NULL;
CREATE INDEX chatbots_newest ON chatbots (organization_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX chatbots_owner ON chatbots (organization_id, user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- One row at most for a chatbot and a key; rows stay, also when the key is purged.
CREATE TABLE chatbot_grants (
    chatbot_id      TEXT    NOT NULL REFERENCES chatbots (id),
    key_id          TEXT    NOT NULL,
    organization_id TEXT    NOT NULL,                   -- of both
    created_at      INTEGER NOT NULL,                   -- anew when a revoked grant is given again
    created_by      TEXT    NOT NULL,                   -- a user, else a management key
    expires_at      INTEGER,                            -- opens nothing from this instant on; NULL = never
    revoked_at      INTEGER,                            -- NULL = not revoked
    revoked_by      TEXT,
    version         INTEGER NOT NULL,                   -- 1 at creation, one more with each change
    PRIMARY KEY (chatbot_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX chatbot_grants_of_key ON chatbot_grants (key_id) WHERE revoked_at IS NULL;
CREATE INDEX chatbot_grants_newest ON chatbot_grants (chatbot_id, created_at DESC, key_id DESC);

-- What a chatbot was used for is listed by it, too.
CREATE INDEX entries_by_chatbot ON entries (chatbot_id, request_id) WHERE chatbot_id <> '';

-- +goose Down
DROP INDEX entries_by_chatbot;
DROP TABLE chatbot_grants;
DROP TABLE chatbots;
