-- What an answer after a restart needs: the language, and the platform's message, so that no message is handled twice.
ALTER TABLE jobs ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE jobs ADD COLUMN request TEXT;
CREATE UNIQUE INDEX jobs_by_request ON jobs (request) WHERE request IS NOT NULL;
