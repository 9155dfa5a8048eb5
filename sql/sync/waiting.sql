-- What was set aside of the central's changes, in parts of 500 changes or 16 MB: JSON arrays, as text.
-- JSON takes 255 MB in a value: of a row that is larger the list shows how its values begin.
-- {clone}: literal, the clone; {hstore}.
WITH waiting AS MATERIALIZED (
    SELECT to_jsonb(r.*) AS change, row_number() OVER () AS place
    FROM (
        SELECT w.owner, w.schema_name, w.table_name, w.uid, w.action, f.fields::text AS fields, w.edit_time,
               w.field_times::text AS field_times, w.user_name, w.sqlstate, w.constraint_name, w.message, w.first_time
        FROM lizsync.set_aside AS w CROSS JOIN LATERAL (
            SELECT {hstore}.hstore(array_agg(v.key), array_agg(v.value)) AS fields
            FROM (SELECT e.key, CASE WHEN octet_length(e.value) > 65536 AND sum(octet_length(e.value)) OVER () > 100000000
                             THEN left(e.value, 1000) || E'\u2026 (' || octet_length(e.value) || ' bytes)' ELSE e.value END AS value
                  FROM {hstore}.each(w.fields) AS e) AS v
        ) AS f
        WHERE w.owner = 'central' AND w.clone_id = {clone}::uuid
    ) AS r
), sized AS (
    SELECT w.change, w.place, sum(pg_column_size(w.change)) OVER (ROWS UNBOUNDED PRECEDING) - pg_column_size(w.change) AS bytes
    FROM waiting AS w
)
SELECT jsonb_agg(s.change ORDER BY s.place)::text FROM sized AS s GROUP BY s.place / 500, s.bytes / 16777216
