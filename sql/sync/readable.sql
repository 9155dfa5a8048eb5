-- Those of some tables that the role may read, as a list for LOCK TABLE; null where there are none.
-- $1: oid[], the tables.
SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.relname), ', ')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1) AND c.relkind IN ('r', 'p')
  AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
