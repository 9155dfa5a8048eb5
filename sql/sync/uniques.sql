-- The unique indexes and exclusion constraints of a table, and those that only its partitions have. $1: oid.
-- Returns for each: its name, its keys as expressions with the operators that compare them, the
-- predicate of a partial index (of a partition with its bounds), whether it is an exclusion constraint,
-- whether it is checked with each row, whether nulls count as equal, and the columns that it looks at, with their type (of a domain what it builds
-- upon), its category and modifier, whether they may be null, whether a foreign key uses them, and whether
-- they are keys of the index themselves (others stand in its expressions or its predicate).
WITH own AS MATERIALIZED (
    SELECT n.* FROM pg_index AS n
    WHERE n.indrelid IN (SELECT $1::oid UNION SELECT t.relid::oid FROM pg_partition_tree($1::oid) AS t)
)
SELECT c.relname AS name, k.keys, k.operators, p.predicate,
       x.oid IS NOT NULL AS exclusion, i.indimmediate AS at_once,
       pg_get_indexdef(i.indexrelid) LIKE '%NULLS NOT DISTINCT%' AS nulls_equal,
       a.names AS columns, a.types, a.categories, a.lengths, a.nullable, a.refers, a.keyed
FROM own AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint AS x ON x.conindid = i.indexrelid AND x.contype = 'x'
CROSS JOIN LATERAL (
    SELECT string_agg('(' || u.condition || ')', ' AND ') AS predicate
    FROM (VALUES (pg_get_expr(i.indpred, i.indrelid)),
                 (CASE WHEN i.indrelid <> $1 THEN pg_get_partition_constraintdef(i.indrelid) END)) AS u (condition)
) AS p
CROSS JOIN LATERAL (
    -- Of a generated column, what it is made of: the value itself comes only when the row is written.
    SELECT array_agg(coalesce((SELECT pg_get_expr(e.adbin, e.adrelid) FROM pg_attribute AS g
                JOIN pg_attrdef AS e ON e.adrelid = g.attrelid AND e.adnum = g.attnum
                WHERE g.attrelid = i.indrelid AND g.attnum = (i.indkey::smallint[])[n - 1] AND g.attgenerated <> ''),
               pg_get_indexdef(i.indexrelid, n, true)
               -- There is no = for a domain over an enum.
               || coalesce((SELECT '::' || format_type(e.oid, NULL) FROM pg_attribute AS g CROSS JOIN LATERAL (
                                WITH RECURSIVE base AS (
                                    SELECT g.atttypid AS type
                                    UNION ALL
                                    SELECT d.typbasetype FROM base JOIN pg_type AS d ON d.oid = base.type AND d.typtype = 'd')
                                SELECT type FROM base) AS b
                            JOIN pg_type AS e ON e.oid = b.type AND e.typtype = 'e' AND e.oid <> g.atttypid
                            WHERE g.attrelid = i.indrelid AND g.attnum = (i.indkey::smallint[])[n - 1] AND g.attnum > 0), ''))
               -- A collation of the index's own decides what is equal.
               || coalesce((SELECT format(' COLLATE %I.%I', s.nspname, o.collname) FROM pg_collation AS o
                            JOIN pg_namespace AS s ON s.oid = o.collnamespace
                            WHERE o.oid = (i.indcollation::oid[])[n - 1] AND o.oid <> coalesce((SELECT g.attcollation FROM pg_attribute AS g
                                WHERE g.attrelid = i.indrelid AND g.attnum = (i.indkey::smallint[])[n - 1]
                                  AND g.attnum > 0), (SELECT y.typcollation FROM pg_type AS y WHERE y.oid = 'text'::regtype))), '') ORDER BY n) AS keys,
           array_agg(CASE WHEN x.oid IS NULL THEN '=' ELSE
               (SELECT format('OPERATOR(%I.%s)', s.nspname, o.oprname) FROM pg_operator AS o
                JOIN pg_namespace AS s ON s.oid = o.oprnamespace WHERE o.oid = x.conexclop[n]) END ORDER BY n) AS operators
    FROM generate_series(1, i.indnkeyatts) AS n
) AS k
CROSS JOIN LATERAL (
    SELECT array_agg(at.attname::text ORDER BY at.attnum) AS names,
           array_agg(CASE WHEN ty.typtype = 'e' THEN format_type(ty.oid, NULL) ELSE ty.typname::text END
                     ORDER BY at.attnum) AS types,
           array_agg(ty.typcategory::text ORDER BY at.attnum) AS categories,
           array_agg(b.modifier ORDER BY at.attnum) AS lengths,
           array_agg(NOT at.attnotnull AND ty.oid = at.atttypid ORDER BY at.attnum) AS nullable,
           array_agg(EXISTS (SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conrelid = i.indrelid
                             AND at.attnum = ANY (f.conkey)) ORDER BY at.attnum) AS refers,
           array_agg(at.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]) ORDER BY at.attnum) AS keyed
    FROM pg_attribute AS at
    CROSS JOIN LATERAL (
        WITH RECURSIVE base AS (
            SELECT at.atttypid AS type, at.atttypmod AS modifier
            UNION ALL
            SELECT d.typbasetype, d.typtypmod FROM base JOIN pg_type AS d ON d.oid = base.type AND d.typtype = 'd')
        SELECT base.type, base.modifier FROM base JOIN pg_type AS d ON d.oid = base.type AND d.typtype <> 'd'
    ) AS b
    JOIN pg_type AS ty ON ty.oid = b.type
    WHERE at.attrelid = i.indrelid AND at.attgenerated = ''
      -- What an index only carries along (INCLUDE) makes nothing unique.
      AND (at.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]) OR NOT at.attnum = ANY ((i.indkey::smallint[])[i.indnkeyatts:]))
      AND (at.attnum = ANY (i.indkey::smallint[]) OR EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = at.attnum) OR EXISTS (
        SELECT FROM pg_attribute AS g JOIN pg_attrdef AS e ON e.adrelid = g.attrelid AND e.adnum = g.attnum
        JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = at.attnum
            AND (d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
                 OR d.classid = 'pg_class'::regclass AND d.objid = i.indrelid AND d.objsubid = g.attnum)
        WHERE g.attrelid = i.indrelid AND g.attnum = ANY (i.indkey::smallint[]) AND g.attgenerated <> ''))
) AS a
WHERE (i.indrelid = $1 OR NOT c.relispartition)
  AND (i.indisunique OR x.oid IS NOT NULL) AND i.indisvalid
  AND a.names IS NOT NULL AND a.names <> ARRAY['uid']
