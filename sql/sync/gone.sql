-- Listed tables that a database does not have. $1, $2: text[], their schemas and names. Returns schema and name.
SELECT t.schema, t.name
FROM unnest($1::text[], $2::text[]) AS t (schema, name)
WHERE NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p') AND n.nspname = t.schema AND c.relname = t.name)
ORDER BY 1, 2;
