-- What an upgrade locks, and how. $1: oid[], the relations with triggers of the former plugin. $2: text[], the names of its tables.
-- Returns oid, and the statement that locks it against everybody, in the order in which people who edit take them: views before
-- tables, and of a partition its partitioned table, which is locked with all partitions.
WITH captured AS (
    SELECT DISTINCT c.oid, c.relkind, c.relowner, n.nspname, c.relname
    FROM unnest($1::oid[]) AS o (oid)
    JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(o.oid), o.oid)
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
)
SELECT w.statement, w.oid
FROM (
    -- LOCK TABLE would want rights on all that a view reads, and does not take foreign tables; this changes nothing.
    SELECT 1, row_number() OVER (ORDER BY nspname, relname), oid,
           format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, pg_get_userbyid(relowner))
    FROM captured WHERE relkind NOT IN ('r', 'p')
    UNION ALL
    SELECT 2, row_number() OVER (ORDER BY nspname, relname), oid, format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', nspname, relname)
    FROM captured WHERE relkind IN ('r', 'p')
    UNION ALL
    SELECT 3, n.place, n.name::regclass::oid, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.name)
    FROM unnest($2::text[]) WITH ORDINALITY AS n (name, place)
) AS w (kind, place, oid, statement)
ORDER BY w.kind, w.place
