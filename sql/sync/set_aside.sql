-- What waits in the clone, in the form and order of changes.sql, and its owner: what earlier runs had set
-- aside; what they sent of it in runs that the central lacks; and (pulled) what a central that has lost
-- runs gets back. The order within a row is that of the runs.
-- {tables}: VALUES list of number, schema, name, without_uid; {missing}: the runs that the central lacks,
-- {lost}: those of them that it had, both lists of sync ids, literals; {clone}: literal, the clone.
COPY (
    SELECT t.number, w.uid, w.action, 0::bigint, w.edit_time, coalesce(w.user_name, ''), w.fields, w.field_times, w.owner
    FROM (
        SELECT a.schema_name, a.table_name, a.uid, a.action, a.edit_time, a.user_name, a.fields, a.field_times, a.owner,
               coalesce(a.sqlstate = 'LZ001', false) AS without_uid, NULL::bigint AS number
        FROM lizsync.set_aside AS a
        WHERE a.clone_id = {clone}::uuid
        UNION ALL
        SELECT s.schema_name, s.table_name, s.uid, s.action, s.edit_time, s.user_name, s.fields, s.field_times, 'clone',
               false, r.number
        FROM lizsync.sent AS s JOIN lizsync.runs AS r ON r.sync_id = s.sync_id
        WHERE s.sync_id IN ({missing})
        UNION ALL
        SELECT p.schema_name, p.table_name, p.uid, p.action, p.edit_time, p.user_name, p.fields, p.field_times, 'pulled',
               false, r.number
        FROM lizsync.pulled AS p JOIN lizsync.runs AS r ON r.sync_id = p.sync_id
        WHERE p.sync_id IN ({lost})
    ) AS w
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON w.schema_name = t.schema_name AND w.table_name = t.table_name AND w.without_uid = t.without_uid
    ORDER BY t.number, w.uid, w.number NULLS LAST, w.edit_time
) TO STDOUT (FORMAT binary)
