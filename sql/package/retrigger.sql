-- Gives every table of some schemas the triggers of this LizSync and its entry in
-- audit.logged_relations. $1: text[], the schemas.
SELECT audit.audit_table(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1) AND NOT c.relispartition
  AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e');
