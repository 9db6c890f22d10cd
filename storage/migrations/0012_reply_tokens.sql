-- What only the request itself gave, such as the token of an interaction on Discord: where the bot may not write, it answers with it.
CREATE TABLE reply_tokens (
    job    TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    token  TEXT NOT NULL
) STRICT;
CREATE TRIGGER reply_tokens_end AFTER UPDATE OF state ON jobs WHEN NEW.state IN ('done', 'failed', 'cancelled') BEGIN
    DELETE FROM reply_tokens WHERE job = NEW.id;
END;
