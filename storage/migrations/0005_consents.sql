-- What a person agreed to before a command worked for them the first time: the words, by their hash, and the files then.
CREATE TABLE consents (
    user       TEXT NOT NULL,
    command    TEXT NOT NULL,
    statement  TEXT NOT NULL,
    files      TEXT NOT NULL,
    given      REAL NOT NULL,
    PRIMARY KEY (user, command, statement)
) STRICT;
