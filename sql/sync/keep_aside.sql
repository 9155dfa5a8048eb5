-- In the clone: keeps what could not be applied, of both sides, and what of it was sent, for the case that
-- the central loses this run. lizsync_aside holds what is set aside now.
-- {tables}: VALUES list of number, schema, name, without_uid; {hstore}; {clone} and {run}: literals;
-- {missing}: runs that the central lacks, what they had sent was sent again.

-- What of the clone lost against the central is not sent any more.
CREATE TEMPORARY TABLE lizsync_lost ON COMMIT DROP AS
SELECT t.schema_name, t.table_name, s.uid, {hstore}.akeys(s.fields) AS names
FROM pg_temp.lizsync_stage AS s
JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
WHERE s.op = 'F';
UPDATE lizsync.set_aside AS a SET fields = a.fields OPERATOR({hstore}.-) o.names
FROM pg_temp.lizsync_lost AS o
WHERE a.clone_id = {clone}::uuid AND a.owner = 'clone' AND o.names IS NOT NULL
  AND a.schema_name = o.schema_name AND a.table_name = o.table_name AND a.uid = o.uid;
DELETE FROM lizsync.set_aside AS a USING pg_temp.lizsync_lost AS o
WHERE a.clone_id = {clone}::uuid AND a.owner = 'clone' AND (o.names IS NULL OR a.fields OPERATOR({hstore}.=) ''::{hstore}.hstore)
  AND a.schema_name = o.schema_name AND a.table_name = o.table_name AND a.uid = o.uid;
UPDATE lizsync.sent AS a SET fields = a.fields OPERATOR({hstore}.-) o.names
FROM pg_temp.lizsync_lost AS o
WHERE a.sync_id IN ({missing}) AND o.names IS NOT NULL
  AND a.schema_name = o.schema_name AND a.table_name = o.table_name AND a.uid = o.uid;
DELETE FROM lizsync.sent AS a USING pg_temp.lizsync_lost AS o
WHERE a.sync_id IN ({missing}) AND (o.names IS NULL OR a.fields OPERATOR({hstore}.=) ''::{hstore}.hstore)
  AND a.schema_name = o.schema_name AND a.table_name = o.table_name AND a.uid = o.uid;

-- What was sent, or is set aside once more.
DELETE FROM lizsync.sent AS a USING pg_temp.lizsync_aside AS n
WHERE a.sync_id IN ({missing}) AND n.owner = 'clone'
  AND n.schema_name = a.schema_name AND n.table_name = a.table_name AND n.uid = a.uid;
UPDATE lizsync.sent AS a SET sync_id = {run}::uuid WHERE a.sync_id IN ({missing});
WITH gone AS (
    DELETE FROM lizsync.set_aside AS a
    WHERE a.clone_id = {clone}::uuid AND NOT EXISTS (SELECT FROM pg_temp.lizsync_aside AS n WHERE n.owner = a.owner
        AND n.schema_name = a.schema_name AND n.table_name = a.table_name AND n.uid = a.uid)
    RETURNING a.*
)
INSERT INTO lizsync.sent (sync_id, schema_name, table_name, uid, action, fields, edit_time, field_times, user_name)
SELECT {run}::uuid, schema_name, table_name, uid, action, fields, edit_time, field_times, user_name
FROM gone WHERE owner = 'clone';

INSERT INTO lizsync.set_aside AS a (clone_id, owner, schema_name, table_name, uid, action, fields, edit_time,
    field_times, user_name, sqlstate, constraint_name, message, sync_id)
SELECT {clone}::uuid, n.owner, n.schema_name, n.table_name, n.uid, n.action, n.fields, n.edit_time,
    n.field_times, n.user_name, n.sqlstate, n.constraint_name, n.message, {run}::uuid
FROM pg_temp.lizsync_aside AS n
ON CONFLICT (clone_id, owner, schema_name, table_name, uid) DO UPDATE SET action = excluded.action,
    fields = excluded.fields, edit_time = excluded.edit_time, field_times = excluded.field_times,
    user_name = excluded.user_name, sqlstate = excluded.sqlstate, constraint_name = excluded.constraint_name,
    message = excluded.message, last_time = now(), sync_id = excluded.sync_id
