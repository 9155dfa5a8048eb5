-- The functions of the former plugin: by their names, by what only they know (its session settings, its schemas of foreign
-- tables), and those of its triggers. $1: text[], the schemas; $2: oid[], the functions of its triggers.
-- Returns for each: its kind and signature, as DROP takes it.
SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END AS kind,
       format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS signature, p.oid
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1)
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  AND (p.proname IN ('if_modified_func', 'audit_table', 'audit_view', 'replay_event', 'rollback_event', 'compare_tables')
       OR p.oid = ANY ($2)
       OR p.prosrc ~ 'lizsync\.(server_from|server_to|sync_id)\y|\ycentral_(audit|lizsync)\.')
ORDER BY n.nspname, p.proname, 2
