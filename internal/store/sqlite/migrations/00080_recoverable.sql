-- Secrets of keys that can be shown again, where the organisation wants that.

-- +goose Up
ALTER TABLE organizations ADD COLUMN recoverable INTEGER NOT NULL DEFAULT 0; -- 1 = secrets made from now on are kept sealed as well

-- However a secret goes, what was sealed of it goes with it.
-- +goose StatementBegin
CREATE TRIGGER api_key_secrets_sealed AFTER DELETE ON api_key_secrets BEGIN
    DELETE FROM sealed WHERE row_id = OLD.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER api_key_secrets_sealed;
DELETE FROM sealed WHERE field = 'secret_key';
ALTER TABLE organizations DROP COLUMN recoverable;
