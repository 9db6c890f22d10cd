-- A user's share of the devices, and how many of their jobs may run at once and wait. NULL means any number.
ALTER TABLE jobs ADD COLUMN weight REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN at_once INTEGER;
ALTER TABLE jobs ADD COLUMN in_line INTEGER;
CREATE INDEX jobs_unfinished_by_user ON jobs (user, state) WHERE state IN ('queued', 'running', 'delivering');

-- How many device-seconds the last runs of each kind took, to estimate how long a job will take.
CREATE TABLE runs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    task     TEXT NOT NULL,
    model    TEXT NOT NULL,
    size     TEXT NOT NULL,
    device   TEXT NOT NULL,
    seconds  REAL NOT NULL
) STRICT;
CREATE INDEX runs_by_kind ON runs (task, model, size, device, number);
