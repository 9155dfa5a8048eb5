-- New events of the clone that have no place in the tables of a run. {tables}: VALUES list of number,
-- schema, name, without_uid; {new}: condition on l.
-- Returns schema and name of each such table, and whether its rows have no uid.
SELECT DISTINCT l.schema_name, l.table_name, l.uid IS NULL AS without_uid
FROM audit.logged_actions AS l
WHERE {new}
  AND (l.uid IS NULL OR NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
       WHERE l.schema_name = t.schema_name AND l.table_name = t.table_name))
UNION
SELECT a.schema_name, a.table_name, coalesce(a.sqlstate = 'LZ001', false)
FROM lizsync.set_aside AS a
WHERE a.sqlstate = 'LZ001' OR NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
       WHERE a.schema_name = t.schema_name AND a.table_name = t.table_name)
ORDER BY 1, 2
