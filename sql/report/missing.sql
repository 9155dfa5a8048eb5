-- Staged updates of rows of one table that are not there. {table}, {hstore}; $1: its number, $2: how many at most.
SELECT s.uid, s.user_name, v.names, v.beginnings, v.bytes,
       CASE WHEN isfinite(s.edit_time) THEN (extract(epoch FROM s.edit_time) * 1000000)::bigint - 946684800000000 END AS edit_time
FROM pg_temp.lizsync_stage AS s CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.key ORDER BY e.key), '{}') AS names,
           coalesce(array_agg(left(e.value, 2000) ORDER BY e.key), '{}') AS beginnings,
           coalesce(array_agg(octet_length(e.value)::bigint ORDER BY e.key), '{}') AS bytes
    FROM {hstore}.each(s.fields) AS e
) AS v
WHERE s.number = $1 AND s.op = 'U' AND s.reason IS NULL AND NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = s.uid)
ORDER BY s.uid
LIMIT $2
