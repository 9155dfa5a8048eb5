-- The schemas that somebody asked for.
-- $1: text[], their names. Returns one row for each: whether it exists, and belongs to an extension.
SELECT w.name, n.oid IS NOT NULL AS present,
       EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid
               AND d.deptype = 'e') AS of_extension
FROM unnest($1::text[]) WITH ORDINALITY AS w (name, position)
LEFT JOIN pg_namespace AS n ON n.nspname = w.name
ORDER BY w.position;
