-- One row for each job. Times are Unix seconds, and `seconds` are device-seconds. A job that is retried needs `stage` and `attempt`.
CREATE TABLE jobs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    command  TEXT NOT NULL,
    task     TEXT NOT NULL,
    params   TEXT NOT NULL,
    key      TEXT NOT NULL,
    user     TEXT NOT NULL,
    origin   TEXT NOT NULL,
    private  INTEGER NOT NULL,
    cost     REAL NOT NULL,
    created  REAL NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('queued', 'running', 'delivering', 'done', 'failed', 'cancelled')),
    worker   TEXT,
    attempt  INTEGER NOT NULL DEFAULT 0,
    stage    TEXT,
    started  REAL,
    ended    REAL,
    seconds  REAL NOT NULL DEFAULT 0,
    cached   INTEGER NOT NULL DEFAULT 0,
    result   TEXT,
    failed   TEXT
) STRICT;
CREATE INDEX jobs_unfinished ON jobs (number) WHERE state IN ('queued', 'running', 'delivering');
-- Statistics read only this index, and not the wide rows.
CREATE INDEX jobs_by_time ON jobs (created, command, state, cached, started, ended);

-- The files that an unfinished job reads or has made.
CREATE TABLE job_files (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
CREATE INDEX job_files_by_job ON job_files (job);
CREATE INDEX job_files_by_content ON job_files (sha256);

CREATE TABLE cache (
    key        TEXT PRIMARY KEY,
    result     TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    hits       INTEGER NOT NULL DEFAULT 0,
    created    REAL NOT NULL,
    last_used  REAL NOT NULL
) STRICT;
CREATE INDEX cache_by_use ON cache (last_used);
CREATE INDEX cache_by_age ON cache (created);

CREATE TABLE cache_files (
    key     TEXT NOT NULL REFERENCES cache (key) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
CREATE INDEX cache_files_by_key ON cache_files (key);
CREATE INDEX cache_files_by_content ON cache_files (sha256);

-- One row with the totals of the cache, so that they need not be counted.
CREATE TABLE cache_totals (
    entries  INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    hits     INTEGER NOT NULL,
    misses   INTEGER NOT NULL
) STRICT;
INSERT INTO cache_totals VALUES (0, 0, 0, 0);
CREATE TRIGGER cache_grows AFTER INSERT ON cache BEGIN
    UPDATE cache_totals SET entries = entries + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER cache_shrinks AFTER DELETE ON cache BEGIN
    UPDATE cache_totals SET entries = entries - 1, bytes = bytes - OLD.bytes;
END;

-- One row for each rate limit token that a job took. It is free again at `until`.
CREATE TABLE uses (
    identity  TEXT NOT NULL,
    command   TEXT NOT NULL,
    at        REAL NOT NULL,
    until     REAL NOT NULL,
    job       TEXT NOT NULL
) STRICT;
CREATE INDEX uses_by_identity ON uses (identity, command, at);
CREATE INDEX uses_by_end ON uses (until);
CREATE INDEX uses_by_job ON uses (job);

-- Small named values, such as the hash of the commands that an adapter last synced.
CREATE TABLE notes (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;
