-- What waits in the clone: the first of it, with the beginnings of the values, and how long they are.
-- {hstore}; $1: the clone, $2: how many. Times are microseconds since 2000-01-01 UTC.
SELECT a.owner, a.schema_name, a.table_name, a.uid, a.action, a.user_name, a.message, coalesce(a.sqlstate, '') AS sqlstate,
       v.names, v.beginnings, v.bytes,
       CASE WHEN isfinite(a.edit_time) THEN (extract(epoch FROM a.edit_time) * 1000000)::bigint - 946684800000000 END AS edit_time,
       (extract(epoch FROM a.first_time) * 1000000)::bigint - 946684800000000 AS first_time
FROM lizsync.set_aside AS a CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.key ORDER BY e.key), '{}') AS names,
           coalesce(array_agg(left(e.value, 2000) ORDER BY e.key), '{}') AS beginnings,
           coalesce(array_agg(octet_length(e.value)::bigint ORDER BY e.key), '{}') AS bytes
    FROM {hstore}.each(coalesce(a.fields, '')) AS e
) AS v
WHERE a.clone_id = $1
ORDER BY a.owner DESC, a.schema_name, a.table_name, a.first_time, a.uid
LIMIT $2
