-- Name the columns by what they limit: how many jobs of the user may run at once, and how many may wait.
ALTER TABLE jobs RENAME COLUMN at_once TO max_running;
ALTER TABLE jobs RENAME COLUMN in_line TO max_queued;
UPDATE asks SET body = json_remove(
    json_set(
        body, '$.max_running', json_extract(body, '$.at_once'), '$.max_queued', json_extract(body, '$.in_line')
    ), '$.at_once', '$.in_line'
);
