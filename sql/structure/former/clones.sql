-- The clones that a central of the former plugin knows, by the lists and by the history. {lists}: the table of the lists.
-- $1: uuid, the central. Returns for each: id, whether it has a list, and the last event of its package, null if unknown.
WITH named AS (
    SELECT s.server_id::text AS id, true AS listed FROM {lists} AS s
    UNION ALL
    SELECT x.id, false FROM lizsync.history AS h
    CROSS JOIN LATERAL unnest(array_append(coalesce(h.server_to, '{}'), h.server_from)) AS x (id)
)
SELECT n.id::uuid AS id, bool_or(n.listed) AS listed, (
           SELECT h.max_event_id::bigint FROM lizsync.history AS h
           WHERE h.sync_type = 'full' AND n.id = ANY (h.server_to) ORDER BY h.sync_time DESC LIMIT 1) AS package_event
FROM named AS n
WHERE n.id ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' AND n.id::uuid IS DISTINCT FROM $1
GROUP BY n.id ORDER BY n.id
