-- The refused changes of the staging table, as rows of lizsync_aside. {tables}: VALUES list of number,
-- schema, name, without_uid; {owner}: literal; {refusals}: rows of code, constraint, message and number.
SELECT {owner}::text, t.schema_name, t.table_name, s.uid, s.op::text, s.fields, s.edit_time, s.field_times,
       s.user_name, r.sqlstate, r.constraint_name, r.message
FROM pg_temp.lizsync_stage AS s
JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
JOIN (VALUES {refusals}) AS r (number, sqlstate, constraint_name, message) ON r.number = s.reason
WHERE s.op IN ('I', 'U', 'D')
