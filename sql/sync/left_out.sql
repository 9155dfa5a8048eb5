-- New events of tables of the central that a run does not know, but that are still there: the table
-- is not prepared any more, or was renamed. What was dropped is over.
-- {tables}: VALUES list of number, schema, name; {new}: condition on l; $1: text[], the schemas.
-- Returns schema and name as logged, and the number of events.
SELECT l.schema_name, l.table_name, count(*) AS events
FROM audit.logged_actions AS l
WHERE {new} AND l.uid IS NOT NULL
  AND NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name)
      WHERE l.schema_name = t.schema_name AND l.table_name = t.table_name)
  AND EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p')
        AND (c.oid = l.relid OR n.nspname = l.schema_name AND c.relname = l.table_name))
GROUP BY 1, 2 ORDER BY 1, 2
