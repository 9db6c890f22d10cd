-- The server or group in which the job was requested. Its moderators may cancel the job and delete its result.
ALTER TABLE jobs ADD COLUMN place TEXT NOT NULL DEFAULT '';
