-- What the user should know about the origin of the job. It is not part of the result, which the cache shares with others.
ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
