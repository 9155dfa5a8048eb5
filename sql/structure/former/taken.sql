-- Names that this product needs in the schema audit, where that is not the former plugin's. Returns descriptions.
SELECT 'table ' || c.relname AS description FROM pg_class AS c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'audit') AND c.relname IN ('logged_actions', 'logged_relations')
UNION ALL
SELECT 'function ' || p.proname FROM pg_proc AS p
WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'audit')
  AND p.proname IN ('audit_table', 'unaudit_table', 'settle', 'deepest', 'capture_statement', 'capture_row', 'capture_truncate', 'guard_partition')
ORDER BY 1
