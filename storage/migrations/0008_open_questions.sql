-- Before 0007 the jobs of one question were ID-1, ID-2 and so on, but its buttons say ID. Rename the first job to ID.
PRAGMA defer_foreign_keys = ON;
UPDATE asks SET question = substr(job, 1, instr(job, '-') - 1) WHERE question = job AND instr(job, '-');
UPDATE asks SET job = question, body = json_set(body, '$.id', question) WHERE job = question || '-1';
UPDATE ask_files SET job = substr(job, 1, length(job) - 2) WHERE job NOT IN (SELECT job FROM asks);
