-- Several jobs may wait for one answer. `question` is the id of the first.
ALTER TABLE asks ADD COLUMN question TEXT NOT NULL DEFAULT '';
UPDATE asks SET question = job;
CREATE INDEX asks_by_question ON asks (question);
