-- In the clone: keeps what could not be applied, of both sides, and what of it was sent until the central
-- has shown that it has it. {tables}: VALUES list of number, schema, name, without_uid; {hstore};
-- $1 clone id, $2 sync id.
WITH over AS (
    DELETE FROM lizsync.set_aside AS a
    WHERE a.clone_id = $1 AND NOT EXISTS (SELECT FROM pg_temp.lizsync_aside AS n WHERE n.owner = a.owner
        AND n.schema_name = a.schema_name AND n.table_name = a.table_name AND n.uid = a.uid)
      AND (a.owner = 'central' OR EXISTS (
        -- What of the clone lost against the central is not sent any more.
        SELECT FROM pg_temp.lizsync_stage AS s
        JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
        WHERE s.op = 'F' AND t.schema_name = a.schema_name AND t.table_name = a.table_name AND s.uid = a.uid
          AND (s.fields IS NULL OR a.fields OPERATOR({hstore}.-) {hstore}.akeys(s.fields) OPERATOR({hstore}.=) ''::{hstore}.hstore)))
    RETURNING a.owner, a.schema_name, a.table_name, a.uid
), sent AS (
    UPDATE lizsync.set_aside AS a SET sent_in = $2, fields = a.fields OPERATOR({hstore}.-) coalesce((
        SELECT {hstore}.akeys(s.fields) FROM pg_temp.lizsync_stage AS s
        JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
        WHERE s.op = 'F' AND t.schema_name = a.schema_name AND t.table_name = a.table_name AND s.uid = a.uid), '{}'::text[])
    WHERE a.clone_id = $1 AND a.owner = 'clone'
      AND NOT EXISTS (SELECT FROM pg_temp.lizsync_aside AS n WHERE n.owner = a.owner
        AND n.schema_name = a.schema_name AND n.table_name = a.table_name AND n.uid = a.uid)
      AND NOT EXISTS (SELECT FROM over AS c WHERE c.owner = a.owner
        AND c.schema_name = a.schema_name AND c.table_name = a.table_name AND c.uid = a.uid)
)
INSERT INTO lizsync.set_aside AS a (clone_id, owner, schema_name, table_name, uid, action, fields, edit_time,
    field_times, user_name, sqlstate, constraint_name, message, sync_id)
SELECT $1, n.owner, n.schema_name, n.table_name, n.uid, n.action, n.fields, n.edit_time,
    n.field_times, n.user_name, n.sqlstate, n.constraint_name, n.message, $2
FROM pg_temp.lizsync_aside AS n
ON CONFLICT (clone_id, owner, schema_name, table_name, uid) DO UPDATE SET action = excluded.action,
    fields = excluded.fields, edit_time = excluded.edit_time, field_times = excluded.field_times,
    user_name = excluded.user_name, sqlstate = excluded.sqlstate, constraint_name = excluded.constraint_name,
    message = excluded.message, last_time = now(), sync_id = excluded.sync_id, sent_in = NULL
