-- The columns of text of all tables of the user's that the role may read.
-- Returns table and column, quoted, and both as people write them.
SELECT format('%I.%I', n.nspname, c.relname) AS table, format('%I', a.attname) AS column,
       format('%s.%s.%s', n.nspname, c.relname, a.attname) AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS y ON y.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND y.typcategory = 'S'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'audit', 'lizsync', 'topology', 'tiger')
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY n.nspname, c.relname, a.attnum
