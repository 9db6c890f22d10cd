-- Jobs that wait until their rate limits let them start, and the identities that each will count against.
CREATE TABLE limit_waits (
    job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    identity  TEXT NOT NULL,
    command   TEXT NOT NULL,
    PRIMARY KEY (job, identity)
) STRICT;
CREATE INDEX limit_waits_by_identity ON limit_waits (identity, command, number);
