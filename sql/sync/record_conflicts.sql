-- Writes the conflicts of a run into the clone, from where they go to the central.
-- {hstore}; $1 clone id, $2 sync id.
WITH staged AS MATERIALIZED (
    SELECT s.uid, s.fields OPERATOR({hstore}.->) 'table'::text AS object_table,
        (s.fields OPERATOR({hstore}.->) 'central_event'::text)::bigint AS central_event,
        timestamptz '2000-01-01 00:00:00+00' + (s.fields OPERATOR({hstore}.->) 'central_time'::text)::bigint * interval '1 microsecond' AS central_time,
        timestamptz '2000-01-01 00:00:00+00' + (s.fields OPERATOR({hstore}.->) 'clone_time'::text)::bigint * interval '1 microsecond' AS clone_time,
        s.fields OPERATOR({hstore}.->) 'central_sql'::text AS central_sql, s.fields OPERATOR({hstore}.->) 'clone_sql'::text AS clone_sql,
        s.fields OPERATOR({hstore}.->) 'rejected'::text AS rejected, s.fields OPERATOR({hstore}.->) 'rule'::text AS rule,
        s.fields OPERATOR({hstore}.->) 'field'::text AS field,
        s.fields OPERATOR({hstore}.->) 'central_value'::text AS central_value,
        s.fields OPERATOR({hstore}.->) 'clone_value'::text AS clone_value,
        s.fields OPERATOR({hstore}.->) 'central_user'::text AS central_user, s.fields OPERATOR({hstore}.->) 'clone_user'::text AS clone_user
    FROM pg_temp.lizsync_stage AS s WHERE s.op = 'C'
)
INSERT INTO lizsync.conflicts (object_table, object_uid, clone_id, sync_id, central_event_id,
    central_event_timestamp, clone_event_timestamp, central_sql, clone_sql, rejected, rule_applied,
    field, central_value, clone_value, central_user, clone_user, conflict_uid)
SELECT s.object_table, s.uid, $1, $2, s.central_event, s.central_time, s.clone_time, s.central_sql, s.clone_sql,
    s.rejected, s.rule, s.field, s.central_value, s.clone_value, s.central_user, s.clone_user,
    lizsync.conflict_uid(s.object_table, s.uid, $1, s.field, s.rejected, s.rule, coalesce(s.central_time, s.clone_time),
        CASE s.rejected WHEN 'central' THEN s.central_value ELSE s.clone_value END)
FROM staged AS s
ON CONFLICT (conflict_uid) DO NOTHING
