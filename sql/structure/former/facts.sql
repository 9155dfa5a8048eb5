-- What the former plugin left in a database. {log}: the schema of its log, lizsync or audit. $1: text[], "table column" for all
-- that its version must have. Returns one row: what is missing of it, the highest event, and whether the foreign server is there.
SELECT ARRAY(
           SELECT w.name FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place)
           WHERE NOT EXISTS (
               SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                 AND n.nspname || '.' || c.relname || '.' || a.attname = w.name)
           ORDER BY w.place) AS missing,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit') AS audit,
       EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'central_server') AS foreign_server
