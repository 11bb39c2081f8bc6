-- What requests used that is not counted in tokens.

-- +goose Up
ALTER TABLE entries ADD COLUMN images INTEGER NOT NULL DEFAULT 0; -- that were made
ALTER TABLE entries ADD COLUMN seconds INTEGER NOT NULL DEFAULT 0; -- of sound that were heard
ALTER TABLE entries ADD COLUMN characters INTEGER NOT NULL DEFAULT 0; -- that were read aloud
ALTER TABLE entries ADD COLUMN searches INTEGER NOT NULL DEFAULT 0; -- of the web, or in documents to be ranked

-- +goose Down
ALTER TABLE entries DROP COLUMN images;
ALTER TABLE entries DROP COLUMN seconds;
ALTER TABLE entries DROP COLUMN characters;
ALTER TABLE entries DROP COLUMN searches;
