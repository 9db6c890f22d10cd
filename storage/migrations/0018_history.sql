-- The history of a user reads only that user's results, newest first.
CREATE INDEX jobs_ended_by_user ON jobs (user, number) WHERE state IN ('delivering', 'done');
