-- What to lock of the relations with triggers of the former plugin. $1: oid[], the relations. Returns name, as SQL, and oid: of a
-- partition its partitioned table, which is locked with all partitions, as those do who write through it.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS name, c.oid
FROM unnest($1::oid[]) AS o (oid)
JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(o.oid), o.oid) AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY 1
