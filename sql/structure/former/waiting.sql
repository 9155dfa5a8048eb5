-- What waits in a log of the former plugin. {log}: the log. $1: uuid[], who may lack it; $2: bigint[], the last event of the
-- package of each; $3: whether only what was made in this database counts; $4: uuid, this database.
-- Returns for each: id, events with their rows, TRUNCATEs, and events without their rows.
SELECT c.id, count(*) FILTER (WHERE l.action <> 'T' AND l.row_data IS NOT NULL) AS events,
       count(*) FILTER (WHERE l.action = 'T') AS truncates,
       count(*) FILTER (WHERE l.action <> 'T' AND l.row_data IS NULL) AS bare
FROM unnest($1::uuid[], $2::bigint[]) AS c (id, after_event)
JOIN {log} AS l ON l.event_id > coalesce(c.after_event, 0)
WHERE (l.sync_data ->> 'origin') IS DISTINCT FROM c.id::text
  AND (NOT $3 OR coalesce(nullif(l.sync_data ->> 'origin', ''), $4::uuid::text) = $4::uuid::text)
  AND NOT coalesce(jsonb_exists(l.sync_data -> 'replayed_by', c.id::text), false)
GROUP BY c.id ORDER BY c.id
