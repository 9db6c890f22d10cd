-- Jobs that wait until their user answers a question, and the files that they read.
CREATE TABLE asks (
    job    TEXT PRIMARY KEY,
    body   TEXT NOT NULL,
    until  REAL NOT NULL
) STRICT;
CREATE INDEX asks_by_end ON asks (until);
CREATE TABLE ask_files (
    job     TEXT NOT NULL REFERENCES asks (job) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
CREATE INDEX ask_files_by_job ON ask_files (job);
CREATE INDEX ask_files_by_content ON ask_files (sha256);
