-- What was done and refused, and what was done for which idempotency key.

-- +goose Up
CREATE TABLE audit_events (
    organization_id TEXT    NOT NULL,
    sequence        INTEGER NOT NULL, -- from 1 in each organisation, without gaps
    at              INTEGER NOT NULL, -- milliseconds since 1970-01-01 UTC
    actor_id        TEXT    NOT NULL, -- a management key, or "system"
    actor_name      TEXT    NOT NULL, -- as it was then
    actor_user_id   TEXT    NOT NULL, -- the user acted for; '' = nobody
    ip              TEXT    NOT NULL, -- '' = not known
    user_agent      TEXT    NOT NULL,
    request_id      TEXT    NOT NULL,
    action          TEXT    NOT NULL, -- "api_key.update"
    resource_type   TEXT    NOT NULL, -- "api_key"
    resource_id     TEXT    NOT NULL, -- '' = none, or a list
    resource_name   TEXT    NOT NULL, -- as it was then
    outcome         TEXT    NOT NULL, -- done | refused | replayed
    code            TEXT    NOT NULL, -- of the refusal; '' = none
    changes         TEXT    NOT NULL, -- JSON array of {field, from, to}; '' = nothing changed
    prev_hash       BLOB    NOT NULL, -- the hash of the event before; zeros for the first
    hash            BLOB    NOT NULL, -- SHA-256 over prev_hash and all of the above
    PRIMARY KEY (organization_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_events_resource ON audit_events (organization_id, resource_id, sequence);
CREATE INDEX audit_events_actor ON audit_events (organization_id, actor_id, sequence);

-- Where each organisation's audit ends, so that a shortened one shows.
CREATE TABLE audit_heads (
    organization_id TEXT    NOT NULL PRIMARY KEY,
    sequence        INTEGER NOT NULL,
    hash            BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    organization_id TEXT    NOT NULL,
    principal_id    TEXT    NOT NULL, -- who sent it
    idempotency_key TEXT    NOT NULL, -- as it was sent
    request_hash    BLOB    NOT NULL, -- SHA-256 of what was asked for
    resource_id     TEXT    NOT NULL, -- what came of it
    at              INTEGER NOT NULL, -- forgotten a day later
    PRIMARY KEY (organization_id, principal_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (at);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE audit_heads;
DROP TABLE audit_events;
