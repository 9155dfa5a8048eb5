-- Foreign keys between tables. $1: oid[], the tables referred to; keys to and of their partitions count.
-- Returns child and parent (oid, of a partition that of the whole table), both as SQL (of a partition its own
-- name), the columns of both, in pairs, the name of the constraint, whether it can be deferred, whether it
-- empties references where the key changes, whether it changes them in any way then, the oid of the partition referred to (or null), and the rows of the
-- partition that refers (a condition over its columns, or null).
SELECT coalesce(pg_partition_root(k.conrelid)::oid, k.conrelid) AS child,
       coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid) AS parent, k.conrelid::regclass::text AS child_name,
       k.confrelid::regclass::text AS parent_name, k.conname::text AS name, k.condeferrable AS deferrable,
       k.confupdtype IN ('n', 'd') AS unsets, k.confupdtype IN ('c', 'n', 'd') AS follows,
       CASE WHEN pg_partition_root(k.confrelid)::oid <> k.confrelid THEN k.confrelid END AS parent_part,
       CASE WHEN pg_partition_root(k.conrelid)::oid <> k.conrelid
            THEN pg_get_partition_constraintdef(k.conrelid) END AS child_part,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (num, pos)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.pos) AS child_columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (num, pos)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.pos) AS parent_columns
FROM pg_constraint AS k
WHERE k.contype = 'f' AND coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid) = ANY ($1) AND k.conparentid = 0;
