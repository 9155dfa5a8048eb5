-- The conflicts that wait in a clone, in parts of 500 or 16 MB: JSON arrays, as text. JSON takes 255 MB in a
-- value: of larger ones the beginning is recorded.
WITH waiting AS MATERIALIZED (
    SELECT to_jsonb(r.*) AS conflict, row_number() OVER () AS place
    FROM (
        SELECT w.conflict_time, w.object_table, w.object_uid, w.clone_id, w.central_event_id, w.central_event_timestamp,
               w.central_sql, w.clone_sql, w.rejected, w.rule_applied, w.conflict_uid, w.sync_id, w.field,
               CASE WHEN l.large THEN left(w.central_value, 1000) || E'\u2026 (' || octet_length(w.central_value) || ' bytes)'
                   ELSE w.central_value END AS central_value,
               CASE WHEN l.large THEN left(w.clone_value, 1000) || E'\u2026 (' || octet_length(w.clone_value) || ' bytes)'
                   ELSE w.clone_value END AS clone_value,
               w.clone_event_timestamp, w.central_user, w.clone_user
        FROM lizsync.conflicts AS w CROSS JOIN LATERAL (
            SELECT coalesce(octet_length(w.central_value), 0) + coalesce(octet_length(w.clone_value), 0) > 220000000 AS large
        ) AS l
    ) AS r
), sized AS (
    SELECT w.conflict, w.place, sum(pg_column_size(w.conflict)) OVER (ROWS UNBOUNDED PRECEDING) - pg_column_size(w.conflict) AS bytes
    FROM waiting AS w
)
SELECT jsonb_agg(s.conflict ORDER BY s.place)::text FROM sized AS s GROUP BY s.place / 500, s.bytes / 16777216
