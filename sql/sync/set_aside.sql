-- What earlier runs had set aside, in the form and order of changes.sql, and its owner.
-- {tables}: VALUES list of number, schema, name, without_uid.
COPY (
    SELECT DISTINCT ON (t.number, a.uid, a.owner) t.number, a.uid, a.action, 0::bigint, a.edit_time,
           coalesce(a.user_name, ''), a.fields, a.field_times, a.owner
    FROM lizsync.set_aside AS a
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON a.schema_name = t.schema_name AND a.table_name = t.table_name
     AND (t.without_uid = (a.sqlstate = 'LZ001'))
    ORDER BY t.number, a.uid, a.owner
) TO STDOUT (FORMAT binary)
