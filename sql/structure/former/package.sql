-- In a clone of the former plugin: the package that it was made from, and its central. $1: uuid, the clone. {log}: its log.
-- Returns at most one row, the best that is known: the central, the package, its time and its last event (null where unknown).
SELECT k.central::uuid AS central, k.package, k.time::text AS time, k.last_event
FROM (
    SELECT 1 AS place, h.server_from AS central, h.sync_id AS package, h.sync_time AS time, h.max_event_id::bigint AS last_event,
           $1::uuid::text = ANY (coalesce(h.server_to, '{}')) AS told
    FROM lizsync.history AS h WHERE h.sync_type = 'full'
    UNION ALL
    SELECT 2, x.id, NULL, h.sync_time, NULL, false
    FROM lizsync.history AS h CROSS JOIN LATERAL unnest(array_prepend(h.server_from, h.server_to)) AS x (id)
    UNION ALL
    SELECT 3, o.origin, NULL, o.time, NULL, false
    FROM (SELECT l.sync_data ->> 'origin' AS origin, max(l.action_tstamp_tx) AS time FROM {log} AS l GROUP BY 1) AS o
    UNION ALL
    SELECT 4, r.id, NULL, NULL, NULL, false
    FROM {log} AS l CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(l.sync_data -> 'replayed_by')
        WHEN 'object' THEN l.sync_data -> 'replayed_by' ELSE '{}' END) AS r (id)
) AS k
WHERE k.central ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' AND k.central::uuid <> $1
ORDER BY k.place, k.told DESC, k.time DESC NULLS LAST LIMIT 1
