-- Platform messages that were answered with a question, not with a job. If one is delivered twice, it is asked only once.
CREATE TABLE asked (
    request  TEXT PRIMARY KEY,
    until    REAL NOT NULL
) STRICT;
CREATE INDEX asked_by_end ON asked (until);
