-- What the job's person should know of how it came to be. Beside the result, which the cache gives to others.
ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
