-- New events of tables that a run does not know. {tables}: VALUES list of number, schema, name;
-- {new}: condition on l. Returns schema and name of each such table, and the number of events.
SELECT l.schema_name, l.table_name, count(*) AS events
FROM audit.logged_actions AS l
WHERE {new}
  AND (l.uid IS NULL OR NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name)
       WHERE l.schema_name = t.schema_name AND l.table_name = t.table_name))
GROUP BY 1, 2 ORDER BY 1, 2
