-- Updates of rows that are not here, and of which no deletion is known: their values are recorded as
-- lost, so that nothing vanishes unseen, in parts of 500 rows or 16 MB. JSON takes 255 MB in a value: of a
-- row that is larger the beginnings of its values are recorded.
-- {table}, {number}, {hstore}, {object_table} (literal), {sender} (central or clone, of whom the value is);
-- $1 clone id, $2 sync id. Returns their number.
WITH missing AS MATERIALIZED (
    SELECT pg_catalog.jsonb_build_object('object_table', {object_table}::text, 'object_uid', s.uid, 'clone_id', $1::uuid,
        'sync_id', $2::uuid, '{sender}_event_timestamp', s.edit_time, 'rejected', '{sender}'::text,
        'rule_applied', 'row_missing', '{sender}_value', {hstore}.hstore_to_json(f.fields)::text,
        '{sender}_user', s.user_name) AS conflict, row_number() OVER () AS place
    FROM pg_temp.lizsync_stage AS s CROSS JOIN LATERAL (
        SELECT coalesce({hstore}.hstore(pg_catalog.array_agg(v.key), pg_catalog.array_agg(v.value)), '') AS fields
        FROM (SELECT e.key, CASE WHEN octet_length(e.value) > 65536 AND sum(octet_length(e.value)) OVER () > 100000000
                         THEN left(e.value, 1000) || E'\u2026 (' || octet_length(e.value)::text || ' bytes)' ELSE e.value END AS value
              FROM {hstore}.each(s.fields) AS e) AS v
    ) AS f
    WHERE s.number = {number} AND s.op = 'U' AND s.reason IS NULL
      AND NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = s.uid)
), sized AS (
    SELECT m.conflict, m.place, sum(pg_catalog.pg_column_size(m.conflict)) OVER (ROWS UNBOUNDED PRECEDING) - pg_catalog.pg_column_size(m.conflict) AS bytes
    FROM missing AS m
), chunk AS (
    SELECT pg_catalog.jsonb_agg(s.conflict ORDER BY s.place) AS conflicts FROM sized AS s GROUP BY s.place / 500, s.bytes / 16777216
)
SELECT coalesce(sum(lizsync.record_conflicts(c.conflicts)), 0)::bigint FROM chunk AS c
