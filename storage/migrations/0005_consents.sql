-- What a user agreed to before first using a command: the hash of the text, and the files of that first job.
CREATE TABLE consents (
    user       TEXT NOT NULL,
    command    TEXT NOT NULL,
    statement  TEXT NOT NULL,
    files      TEXT NOT NULL,
    given      REAL NOT NULL,
    PRIMARY KEY (user, command, statement)
) STRICT;
