-- What an answer after a restart needs: the language, and which message of the platform asked, so that none is taken twice.
ALTER TABLE jobs ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE jobs ADD COLUMN request TEXT;
CREATE UNIQUE INDEX jobs_by_request ON jobs (request) WHERE request IS NOT NULL;
