-- A table, or partition, that was rewritten since this transaction took its snapshot: the catalogue as the
-- snapshot shows it names another file than the one that is there now. The tables must be locked.
-- $1: oid[], the tables.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (c.oid = ANY ($1) OR c.oid IN (SELECT p.relid FROM unnest($1::oid[]) AS t, pg_partition_tree(t) AS p))
  AND c.relkind = 'r' AND c.relfilenode <> pg_relation_filenode(c.oid)
LIMIT 1
