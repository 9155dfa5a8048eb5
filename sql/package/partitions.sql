-- Tables and their partitions. $1: oid[], the tables. Returns their oids.
SELECT DISTINCT coalesce(p.relid::oid, t.oid) AS oid
FROM unnest($1::oid[]) AS t (oid)
LEFT JOIN LATERAL pg_partition_tree(t.oid::regclass) AS p ON true;
