-- The unique indexes and exclusion constraints of a table, and those that only its partitions have. $1: oid.
-- Returns for each: its name, its keys as expressions with the operators that compare them, the
-- predicate of a partial index (of a partition with its bounds), whether it is an exclusion constraint,
-- whether it is checked with each row, whether nulls count as equal, and the columns that it looks at, with their type (of a domain what it builds
-- upon), its category and modifier, whether they may be null, whether a foreign key uses them, and whether
-- they are keys of the index themselves (others stand in its expressions or its predicate).
WITH RECURSIVE domain AS (
    SELECT d.oid AS type, d.typbasetype AS base FROM pg_type AS d WHERE d.typtype = 'd'
    UNION ALL
    SELECT domain.type, d.typbasetype FROM domain JOIN pg_type AS d ON d.oid = domain.base AND d.typtype = 'd'
), base AS MATERIALIZED (
    SELECT domain.type, domain.base FROM domain JOIN pg_type AS b ON b.oid = domain.base AND b.typtype <> 'd'
), own AS MATERIALIZED (
    SELECT n.* FROM pg_index AS n
    WHERE n.indrelid IN (SELECT $1::oid UNION SELECT t.relid::oid FROM pg_partition_tree($1::oid) AS t)
)
SELECT c.relname AS name, k.keys, k.operators, p.predicate,
       x.oid IS NOT NULL AS exclusion, i.indimmediate AS at_once,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_equal,
       a.names AS columns, a.types, a.categories, a.lengths, a.nullable, a.refers, a.keyed
FROM own AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
-- Those of unique constraints WITHOUT OVERLAPS as well.
LEFT JOIN pg_constraint AS x ON x.conindid = i.indexrelid AND x.conexclop IS NOT NULL
CROSS JOIN LATERAL (
    SELECT string_agg('(' || u.condition || ')', ' AND ') AS predicate
    FROM (VALUES (pg_get_expr(i.indpred, i.indrelid)),
                 (CASE WHEN i.indrelid <> $1 THEN pg_get_partition_constraintdef(i.indrelid) END)) AS u (condition)
) AS p
CROSS JOIN LATERAL (
    -- Of a generated column, what it is made of: the value itself comes only when the row is written. Each key
    -- is taken as what the operator compares; where that takes any array, enum and so on, as its own type (there is no
    -- = for a domain over an enum). The collation of the index decides what is equal.
    SELECT array_agg('(' || coalesce(pg_get_expr(e.adbin, e.adrelid), pg_get_indexdef(i.indexrelid, n, true)) || ')::'
                     || quote_ident(ys.nspname) || '.' || quote_ident(y.typname)
                     || coalesce(' COLLATE ' || quote_ident(ls.nspname) || '.' || quote_ident(l.collname), '') ORDER BY n) AS keys,
           array_agg('OPERATOR(' || quote_ident(os.nspname) || '.' || o.oprname::text || ')' ORDER BY n) AS operators,
           bool_and(o.oid IS NOT NULL) AS known
    FROM generate_series(1, i.indnkeyatts) AS n
    JOIN pg_attribute AS of_index ON of_index.attrelid = i.indexrelid AND of_index.attnum = n
    LEFT JOIN pg_attribute AS g ON g.attrelid = i.indrelid AND g.attnum = (i.indkey::smallint[])[n - 1] AND g.attnum > 0
    LEFT JOIN pg_attrdef AS e ON e.adrelid = g.attrelid AND e.adnum = g.attnum AND g.attgenerated <> ''
    LEFT JOIN pg_operator AS o ON o.oid = coalesce(x.conexclop[n], (
        -- Equality is the third strategy of B-trees, and only they are unique.
        SELECT m.amopopr FROM pg_opclass AS f JOIN pg_amop AS m ON m.amopfamily = f.opcfamily
            AND m.amoplefttype = f.opcintype AND m.amoprighttype = f.opcintype AND m.amopstrategy = 3
        JOIN pg_am AS w ON w.oid = f.opcmethod AND w.amname = 'btree'
        WHERE f.oid = (i.indclass::oid[])[n - 1]))
    LEFT JOIN pg_namespace AS os ON os.oid = o.oprnamespace
    LEFT JOIN pg_type AS taken ON taken.oid = o.oprleft
    LEFT JOIN base ON base.type = coalesce(g.atttypid, of_index.atttypid)
    LEFT JOIN pg_type AS y ON y.oid = CASE taken.typtype WHEN 'p' THEN coalesce(base.base, g.atttypid, of_index.atttypid) ELSE taken.oid END
    LEFT JOIN pg_namespace AS ys ON ys.oid = y.typnamespace
    LEFT JOIN pg_collation AS l ON l.oid = (i.indcollation::oid[])[n - 1]
    LEFT JOIN pg_namespace AS ls ON ls.oid = l.collnamespace
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
  AND (i.indisunique OR x.oid IS NOT NULL) AND i.indisvalid AND k.known
  AND a.names IS NOT NULL AND a.names <> ARRAY['uid']
