-- Schemas of a database without LizSync that a deployment would overwrite.
-- $1: text[], the packaged schemas. Returns those that hold tables, views or functions, and
-- audit and lizsync in any case.
SELECT n.nspname AS schema
FROM pg_namespace AS n
WHERE n.nspname IN ('audit', 'lizsync')
   OR n.nspname = ANY ($1)
      AND (EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid)
           OR EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = n.oid))
ORDER BY 1;
