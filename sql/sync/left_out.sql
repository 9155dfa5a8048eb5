-- Tables of the central with new events that have no place in the tables of a run, although the table is still
-- there: the clone lacks it, it is not prepared any more, it was renamed or put into another schema. What was
-- dropped is over.
-- {tables}: VALUES list of number, schema, name, without_uid; $1: text[], the schemas; $2, $3, $4: schema, name and
-- oid of the tables with new events, as logged. Returns schema and name as logged.
SELECT DISTINCT l.schema_name, l.table_name
FROM unnest($2::text[], $3::text[], $4::oid[]) AS l (schema_name, table_name, relid)
WHERE NOT EXISTS (SELECT FROM (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      WHERE l.schema_name = t.schema_name AND l.table_name = t.table_name)
  AND EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p')
        AND (c.oid = l.relid AND (n.nspname = ANY ($1) OR l.schema_name = ANY ($1))
             OR n.nspname = ANY ($1) AND n.nspname = l.schema_name AND c.relname = l.table_name))
ORDER BY 1, 2
