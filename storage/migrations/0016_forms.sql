-- Forms that a platform shows to a person and that the bot sent: what a submitted form goes on with, after a restart too.
CREATE TABLE forms (
    id     TEXT PRIMARY KEY,
    body   TEXT NOT NULL,
    until  REAL NOT NULL
) STRICT;
CREATE INDEX forms_by_end ON forms (until);
