-- Updates of rows that are not here, and of which no deletion is known: their values are recorded as
-- lost, so that nothing vanishes unseen. {table}, {number}, {hstore}, {object_table} (literal),
-- {sender} (central or clone, of whom the value is); $1 clone id, $2 sync id. Returns their number.
WITH missing AS (
    SELECT jsonb_build_object('object_table', {object_table}::text, 'object_uid', s.uid, 'clone_id', $1::uuid,
        'sync_id', $2::uuid, '{sender}_event_timestamp', s.edit_time, 'rejected', '{sender}'::text,
        'rule_applied', 'row_missing', '{sender}_value', {hstore}.hstore_to_json(s.fields)::text,
        '{sender}_user', s.user_name) AS conflict, row_number() OVER () AS place
    FROM pg_temp.lizsync_stage AS s
    WHERE s.number = {number} AND s.op = 'U' AND s.reason IS NULL
      AND NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = s.uid)
), chunk AS (
    SELECT jsonb_agg(m.conflict) AS conflicts FROM missing AS m GROUP BY m.place / 500
)
SELECT coalesce(sum(lizsync.record_conflicts(c.conflicts)), 0)::bigint FROM chunk AS c
