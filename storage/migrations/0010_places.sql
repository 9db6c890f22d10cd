-- The server or group in which the job was asked for: who rules that one may end it and delete what it made.
ALTER TABLE jobs ADD COLUMN place TEXT NOT NULL DEFAULT '';
