-- The relations with triggers of the former plugin. $1: the schema of its log.
-- Returns one row for each trigger: relation, its oid, its kind, the table to audit instead (the partitioned table of a
-- partition), the trigger, the function, whether this role may change the relation, and the columns that were left out.
SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relkind::text AS kind, coalesce(pg_partition_root(c.oid), c.oid)::oid AS root,
       t.tgname AS trigger, t.tgfoid AS function,
       pg_has_role(c.relowner, 'USAGE') AS mine,
       (SELECT string_agg(x.value, ', ') FROM regexp_split_to_table(
            btrim(split_part(encode(t.tgargs, 'escape'), '\000', 2), '{}'), ',') AS x (value) WHERE x.value <> '') AS left_out
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS f ON f.oid = t.tgfoid
JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
WHERE fn.nspname = $1 AND NOT t.tgisinternal AND coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0
  AND (f.proname = 'if_modified_func'
       OR t.tgname IN ('audit_trigger_row', 'audit_trigger_stm', 'lizsync_audit_trigger_row', 'lizsync_audit_trigger_stm'))
ORDER BY n.nspname, c.relname, t.tgname
