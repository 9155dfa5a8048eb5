-- Schemas of the former plugin in a clone: nothing in them but foreign tables of its foreign server.
SELECT n.nspname AS schema
FROM pg_namespace AS n
WHERE n.nspname LIKE 'central\_%' AND EXISTS (
    SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid
    HAVING count(*) > 0 AND bool_and(EXISTS (
        SELECT FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver
        WHERE f.ftrelid = c.oid AND s.srvname = 'central_server')))
ORDER BY 1;
