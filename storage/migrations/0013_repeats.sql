-- Which words a user has already seen the result of: the key with the seed that follows from the other parameters. A job
-- with another seed never has such a key, so the keys of all earlier jobs can be taken over.
ALTER TABLE jobs ADD COLUMN repeat_key TEXT NOT NULL DEFAULT '';
UPDATE jobs SET repeat_key = key WHERE json_extract(params, '$.seed') IS NOT NULL;
CREATE INDEX jobs_by_repeat ON jobs (user, repeat_key) WHERE repeat_key <> '';
