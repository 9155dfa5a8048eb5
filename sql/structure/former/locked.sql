-- What an upgrade locks, and how. $1: oid[], the relations with triggers of the former plugin. $2: text[], the names of its tables.
-- $3: whether the foreign tables of central_server go. Returns oid, and the statement that locks it against everybody, in the order
-- in which people who edit take them: views and foreign tables, tables, the plugin's own with those that inherit from them, and
-- their sequences; of a partition its partitioned table, which is locked with all partitions.
WITH captured AS (
    SELECT DISTINCT c.oid, c.relkind, c.relowner, n.nspname, c.relname
    FROM unnest($1::oid[]) AS o (oid)
    JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(o.oid), o.oid)
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
)
SELECT w.statement, w.oid
FROM (
    -- LOCK TABLE would want rights on all that a view reads, and takes neither foreign tables nor sequences; this changes nothing.
    SELECT 1, row_number() OVER (ORDER BY nspname, relname), oid,
           format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, pg_get_userbyid(relowner))
    FROM captured WHERE relkind NOT IN ('r', 'p')
    UNION ALL
    SELECT 2, row_number() OVER (ORDER BY nspname, relname), oid,
           format('LOCK TABLE %s%I.%I IN ACCESS EXCLUSIVE MODE', CASE relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, nspname, relname)
    FROM captured WHERE relkind IN ('r', 'p')
    UNION ALL
    SELECT 3, n.place, n.name::regclass::oid, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.name)
    FROM unnest($2::text[]) WITH ORDINALITY AS n (name, place)
    UNION ALL
    SELECT 1, row_number() OVER (ORDER BY c.oid), c.oid, format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(c.relowner))
    FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver AND s.srvname = 'central_server'
    JOIN pg_class AS c ON c.oid = f.ftrelid AND pg_has_role(c.relowner, 'USAGE') AND c.oid NOT IN (SELECT k.oid FROM captured AS k)
    WHERE $3::boolean
    UNION ALL
    -- Who edits keeps the lock of a sequence even where the edit is rolled back to a savepoint.
    SELECT 4, row_number() OVER (ORDER BY c.oid), c.oid, format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(c.relowner))
    FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjid IN (SELECT n.name::regclass FROM unnest($2::text[]) AS n (name))
) AS w (kind, place, oid, statement)
ORDER BY w.kind, w.place
