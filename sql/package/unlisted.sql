-- What a package of some tables only has to leave out, and what keeps it from doing so.
-- $1: text[], the packaged schemas; $2: oid[], the tables that are packaged, partitions included.
-- Returns one row for each table, view or sequence of the schemas that is left out, with schema, name and relkind, and
-- one for each object that is packaged and needs one of them: its description, and what it needs.
WITH RECURSIVE gone (classid, objid) AS (
    SELECT 'pg_class'::regclass::oid, c.oid
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname = ANY ($1) AND NOT c.oid = ANY ($2)
    UNION
    -- What is part of it, and the views over it.
    SELECT f.classid, f.objid
    FROM gone AS g
    JOIN pg_depend AS d ON d.refclassid = g.classid AND d.refobjid = g.objid
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
    CROSS JOIN LATERAL (VALUES
        (d.classid, d.objid, d.deptype IN ('a', 'i', 'P', 'S')),
        ('pg_class'::regclass::oid, v.oid, v.oid IS NOT NULL)) AS f (classid, objid, found)
    WHERE f.found
)
SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, NULL AS needed
FROM gone AS g JOIN pg_class AS c ON g.classid = 'pg_class'::regclass AND c.oid = g.objid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND n.nspname = ANY ($1)
UNION
SELECT NULL, pg_describe_object(d.classid, d.objid, 0), NULL, pg_describe_object(d.refclassid, d.refobjid, 0)
FROM gone AS g
JOIN pg_depend AS d ON d.refclassid = g.classid AND d.refobjid = g.objid AND d.deptype = 'n'
LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef AS a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_class AS c ON c.oid = coalesce(r.ev_class, k.conrelid, a.adrelid,
                                            CASE d.classid WHEN 'pg_class'::regclass THEN d.objid END)
WHERE NOT EXISTS (SELECT FROM gone AS o WHERE o.classid = d.classid AND o.objid = d.objid)
  AND NOT EXISTS (SELECT FROM gone AS o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid)
  -- What is in another schema is not packaged.
  AND coalesce(c.relnamespace, p.pronamespace, (SELECT min(oid) FROM pg_namespace WHERE nspname = ANY ($1)))
      IN (SELECT oid FROM pg_namespace WHERE nspname = ANY ($1))
ORDER BY 1 NULLS FIRST, 2, 4;
