-- What is outside of some schemas and would be dropped or broken with them.
-- $1: text[], the schemas; the foreign server central_server of the former plugin goes with them.
-- Returns descriptions; `audits` is the table that an audit trigger stands on, which alone would go.
WITH RECURSIVE doomed (classid, objid) AS (
    SELECT * FROM (
        SELECT 'pg_namespace'::regclass::oid, oid FROM pg_namespace WHERE nspname = ANY ($1)
        UNION ALL
        SELECT 'pg_foreign_server'::regclass::oid, oid FROM pg_foreign_server WHERE srvname = 'central_server'
    ) AS start
    UNION
    SELECT d.classid, d.objid
    FROM doomed AS x JOIN pg_depend AS d ON d.refclassid = x.classid AND d.refobjid = x.objid
    WHERE d.deptype IN ('a', 'i', 'e', 'P', 'S') OR d.refclassid = 'pg_namespace'::regclass
),
outside AS (
    SELECT d.classid, d.objid
    FROM doomed AS x JOIN pg_depend AS d ON d.refclassid = x.classid AND d.refobjid = x.objid
    WHERE (d.classid, d.objid) NOT IN (SELECT classid, objid FROM doomed)
      AND d.classid <> 'pg_user_mapping'::regclass
    UNION
    -- Partitions elsewhere go with their partitioned table.
    SELECT x.classid, x.objid
    FROM doomed AS x JOIN pg_class AS c ON x.classid = 'pg_class'::regclass AND c.oid = x.objid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT n.nspname = ANY ($1)
      AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = x.classid AND e.objid = x.objid AND e.deptype = 'e')
)
SELECT DISTINCT
       CASE WHEN r.oid IS NULL THEN pg_describe_object(o.classid, o.objid, 0)
            ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END AS description,
       CASE WHEN fn.nspname IN ('audit', 'lizsync') THEN tn.nspname || '.' || tc.relname END AS audits
FROM outside AS o
LEFT JOIN pg_rewrite AS r ON o.classid = 'pg_rewrite'::regclass AND r.oid = o.objid
LEFT JOIN pg_trigger AS t ON o.classid = 'pg_trigger'::regclass AND t.oid = o.objid
LEFT JOIN pg_proc AS f ON f.oid = t.tgfoid
LEFT JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
LEFT JOIN pg_class AS tc ON tc.oid = t.tgrelid
LEFT JOIN pg_namespace AS tn ON tn.oid = tc.relnamespace
ORDER BY 1;
