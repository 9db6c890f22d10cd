-- A result that was made in private answers only its own user: its key in the cache is followed by that user.
CREATE INDEX jobs_by_key ON jobs (key, user);
PRAGMA defer_foreign_keys = ON;
CREATE TEMP TABLE private_results AS
SELECT key, min(user) AS user FROM jobs WHERE result IS NOT NULL AND key <> '' GROUP BY key HAVING min(private) = 1;
UPDATE cache_files SET key = key || ' ' || (SELECT user FROM private_results WHERE private_results.key = cache_files.key)
WHERE key IN (SELECT key FROM private_results);
UPDATE cache SET key = key || ' ' || (SELECT user FROM private_results WHERE private_results.key = cache.key)
WHERE key IN (SELECT key FROM private_results);
DROP TABLE private_results;
