-- In the clone: keeps what a run brought from the central. {tables}: VALUES list of number, schema, name,
-- without_uid; $1 sync id.
INSERT INTO lizsync.pulled (sync_id, schema_name, table_name, uid, action, fields, edit_time, field_times, user_name)
SELECT $1, t.schema_name, t.table_name, s.uid, s.op::text, s.fields, s.edit_time, s.field_times, s.user_name
FROM pg_temp.lizsync_stage AS s
JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
WHERE s.op IN ('I', 'U', 'D') AND s.reason IS NULL
