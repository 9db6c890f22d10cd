-- Messages of a platform that were answered with a question, which makes no job: a message told of twice is asked once.
CREATE TABLE asked (
    request  TEXT PRIMARY KEY,
    until    REAL NOT NULL
) STRICT;
CREATE INDEX asked_by_end ON asked (until);
