-- Writes the conflicts of a run into the clone, from where they go to the central.
-- {hstore}; $1 clone id, $2 sync id.
INSERT INTO lizsync.conflicts (object_table, object_uid, clone_id, sync_id, central_event_id,
    central_event_timestamp, clone_event_timestamp, central_sql, clone_sql, rejected, rule_applied,
    field, central_value, clone_value, central_user, clone_user)
SELECT s.fields OPERATOR({hstore}.->) 'table'::text, s.uid, $1, $2,
    (s.fields OPERATOR({hstore}.->) 'central_event'::text)::bigint,
    timestamptz '2000-01-01 00:00:00+00' + (s.fields OPERATOR({hstore}.->) 'central_time'::text)::bigint * interval '1 microsecond',
    timestamptz '2000-01-01 00:00:00+00' + (s.fields OPERATOR({hstore}.->) 'clone_time'::text)::bigint * interval '1 microsecond',
    s.fields OPERATOR({hstore}.->) 'central_sql'::text, s.fields OPERATOR({hstore}.->) 'clone_sql'::text,
    s.fields OPERATOR({hstore}.->) 'rejected'::text, s.fields OPERATOR({hstore}.->) 'rule'::text,
    s.fields OPERATOR({hstore}.->) 'field'::text,
    s.fields OPERATOR({hstore}.->) 'central_value'::text, s.fields OPERATOR({hstore}.->) 'clone_value'::text,
    s.fields OPERATOR({hstore}.->) 'central_user'::text, s.fields OPERATOR({hstore}.->) 'clone_user'::text
FROM pg_temp.lizsync_stage AS s WHERE s.op = 'C'
