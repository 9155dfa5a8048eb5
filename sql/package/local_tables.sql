-- Tables of a clone that a deployment would drop although nothing of LizSync knows them.
-- $1: text[], the packaged schemas. $2, $3: text[], schemas and names of the packaged tables.
SELECT n.nspname || '.' || c.relname AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
  AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS p (schema, name)
                  WHERE (p.schema, p.name) = (n.nspname, c.relname))
  AND NOT EXISTS (SELECT FROM pg_trigger AS t JOIN pg_proc AS f ON f.oid = t.tgfoid
                  JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
                  WHERE t.tgrelid = c.oid AND fn.nspname IN ('audit', 'lizsync'))
  -- A partition or partitioned table goes with the packaged ones of its tree.
  AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) AS r WHERE r.relid <> c.oid)
ORDER BY 1;
