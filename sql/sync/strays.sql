-- New events of the clone, and changes that wait in it, that have no place in the tables of a run.
-- {tables}: VALUES list of number, schema, name, without_uid; {new}: what is new.
-- Returns schema and name of each such table, and whether its rows have no uid.
SELECT l.schema_name, l.table_name, l.without_uid
FROM lizsync.new_tables({new}) AS l
WHERE l.without_uid OR NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
       WHERE l.schema_name = t.schema_name AND l.table_name = t.table_name)
UNION
SELECT a.schema_name, a.table_name, coalesce(a.sqlstate = 'LZ001', false)
FROM lizsync.set_aside AS a
WHERE a.sqlstate = 'LZ001' OR NOT EXISTS (
       SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
       WHERE a.schema_name = t.schema_name AND a.table_name = t.table_name)
UNION
SELECT p.schema_name, p.table_name, false
FROM (SELECT schema_name, table_name FROM lizsync.pulled UNION SELECT schema_name, table_name FROM lizsync.sent) AS p
WHERE NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
       WHERE p.schema_name = t.schema_name AND p.table_name = t.table_name)
ORDER BY 1, 2
