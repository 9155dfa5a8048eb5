-- What the objects of some schemas need from outside of them.
-- $1: text[], the schemas. Returns the extensions (with schema and version, in the order of their
-- creation), and everything else (roles of policies included) as a description.
WITH RECURSIVE schema AS (
    SELECT oid FROM pg_namespace WHERE nspname = ANY ($1)
),
-- What is in the schemas, and what belongs to it: columns' defaults, constraints, indexes, rules.
inside (classid, objid) AS (
    SELECT 'pg_namespace'::regclass::oid, oid FROM schema
    UNION
    SELECT d.classid, d.objid
    FROM inside AS i JOIN pg_depend AS d ON d.refclassid = i.classid AND d.refobjid = i.objid
    WHERE (d.refclassid = 'pg_namespace'::regclass OR d.deptype IN ('a', 'i', 'P', 'S'))
      AND d.classid <> 'pg_extension'::regclass
      AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
),
-- What that refers to, up to the object that stands for it (of an array type, its element).
needed (classid, objid) AS (
    SELECT d.refclassid, d.refobjid
    FROM inside AS i JOIN pg_depend AS d ON d.classid = i.classid AND d.objid = i.objid
    WHERE (d.refclassid, d.refobjid) NOT IN (SELECT classid, objid FROM inside)
    UNION
    SELECT d.refclassid, d.refobjid
    FROM needed AS n JOIN pg_depend AS d ON d.classid = n.classid AND d.objid = n.objid
    WHERE d.deptype IN ('i', 'e') OR n.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass
)
SELECT x.extname AS extension, n.nspname AS schema, x.extversion AS version, x.oid AS position, NULL AS other
FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
WHERE ('pg_extension'::regclass::oid, x.oid) IN (SELECT classid, objid FROM needed)
UNION ALL
SELECT NULL, NULL, NULL, NULL, other FROM (
    SELECT pg_describe_object(classid, objid, 0) AS other
    FROM needed AS o
    WHERE classid NOT IN ('pg_extension'::regclass, 'pg_namespace'::regclass)
      AND objid >= 16384 -- objects of the system have lower numbers
      AND (classid, objid) NOT IN (SELECT classid, objid FROM inside)
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.classid AND d.objid = o.objid
                      AND (d.deptype IN ('e', 'i')
                           OR d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN (
                              SELECT oid FROM pg_namespace WHERE nspname IN ('audit', 'lizsync'))))
    UNION
    SELECT 'role ' || rolname
    FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_roles AS r ON r.oid = ANY (p.polroles)
    WHERE c.relnamespace IN (SELECT oid FROM schema)
) AS rest
ORDER BY position NULLS LAST, other;
