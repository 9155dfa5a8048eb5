-- What waits in the clone, in the form and order of changes.sql, and its owner: what earlier runs had set
-- aside, and (pulled) what a central that has lost runs gets back.
-- {tables}: VALUES list of number, schema, name, without_uid; {lost}: list of sync ids, literals.
COPY (
    SELECT t.number, w.uid, w.action, 0::bigint, w.edit_time, coalesce(w.user_name, ''), w.fields, w.field_times, w.owner
    FROM (
        SELECT a.schema_name, a.table_name, a.uid, a.action, a.edit_time, a.user_name, a.fields, a.field_times, a.owner,
               coalesce(a.sqlstate = 'LZ001', false) AS without_uid, 0::bigint AS number
        FROM lizsync.set_aside AS a
        WHERE a.sent_in IS NULL
        UNION ALL
        SELECT p.schema_name, p.table_name, p.uid, p.action, p.edit_time, p.user_name, p.fields, p.field_times, 'pulled',
               false, r.number
        FROM lizsync.pulled AS p JOIN lizsync.runs AS r ON r.sync_id = p.sync_id
        WHERE p.sync_id IN ({lost})
    ) AS w
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON w.schema_name = t.schema_name AND w.table_name = t.table_name AND w.without_uid = t.without_uid
    ORDER BY t.number, w.uid, w.number
) TO STDOUT (FORMAT binary)
