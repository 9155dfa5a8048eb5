-- Tables of the clone with new events, or with changes that wait in it, that have no place in the tables of a run.
-- {tables}: VALUES list of number, schema, name, without_uid; $1, $2, $3: schema and name of the tables with new
-- events, as logged, and whether their rows have no uid.
-- Returns schema and name of each such table, and whether its rows have no uid.
SELECT l.schema_name, l.table_name, l.without_uid
FROM unnest($1::text[], $2::text[], $3::boolean[]) AS l (schema_name, table_name, without_uid)
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
