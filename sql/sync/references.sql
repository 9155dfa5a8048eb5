-- Foreign keys between tables. $1: oid[], the tables referred to; keys to and of their partitions count.
-- Returns child and parent (oid, of a partition that of the whole table), both as SQL (of a partition its own
-- name), the columns of both, in pairs, with the operator of the constraint between parent and child and what
-- each is taken as (its type, and the collation of the parent), the name of the constraint, whether it can be
-- deferred, X
WITH RECURSIVE domain AS (
    SELECT d.oid AS type, d.typbasetype AS base FROM pg_type AS d WHERE d.typtype = 'd'
    UNION ALL
    SELECT domain.type, d.typbasetype FROM domain JOIN pg_type AS d ON d.oid = domain.base AND d.typtype = 'd'
), base AS MATERIALIZED (
    SELECT domain.type, domain.base FROM domain JOIN pg_type AS b ON b.oid = domain.base AND b.typtype <> 'd'
)
SELECT coalesce(pg_partition_root(k.conrelid)::oid, k.conrelid) AS child,
       coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid) AS parent, k.conrelid::regclass::text AS child_name,
       k.confrelid::regclass::text AS parent_name, alone.child || k.conrelid::regclass AS child_rows,
       alone.parent || k.confrelid::regclass AS parent_rows, k.conname::text AS name, k.condeferrable AS deferrable,
       k.confupdtype IN ('n', 'd') AS unsets, k.confupdtype IN ('c', 'n', 'd') AS follows,
       CASE WHEN pg_partition_root(k.confrelid)::oid <> k.confrelid THEN k.confrelid END AS parent_part,
       CASE WHEN pg_partition_root(k.conrelid)::oid <> k.conrelid
            THEN pg_get_partition_constraintdef(k.conrelid) END AS child_part,
       pair.child_columns, pair.parent_columns, pair.operators, pair.children_as, pair.parents_as
FROM pg_constraint AS k
JOIN pg_class AS kc ON kc.oid = k.conrelid
JOIN pg_class AS kp ON kp.oid = k.confrelid
CROSS JOIN LATERAL (
    SELECT CASE kc.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END AS child, CASE kp.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END AS parent
) AS alone
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY u.place) AS child_columns,
           array_agg(p.attname::text ORDER BY u.place) AS parent_columns,
           array_agg(format('OPERATOR(%I.%s)', s.nspname, o.oprname) ORDER BY u.place) AS operators,
           array_agg(format('::%I.%I', cn.nspname, ct.typname) ORDER BY u.place) AS children_as,
           array_agg(format('::%I.%I', pn.nspname, pt.typname)
                     || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, l.collname)
                                  FROM pg_collation AS l JOIN pg_namespace AS n ON n.oid = l.collnamespace
                                  WHERE l.oid = p.attcollation), '') ORDER BY u.place) AS parents_as
    FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u (child, parent, operator, place)
    JOIN pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = u.child
    JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = u.parent
    JOIN pg_operator AS o ON o.oid = u.operator
    JOIN pg_namespace AS s ON s.oid = o.oprnamespace
    -- What the operator compares; where it takes any array, enum and so on, the type itself (of a domain what it builds upon).
    JOIN pg_type AS po ON po.oid = o.oprleft
    JOIN pg_type AS co ON co.oid = o.oprright
    LEFT JOIN base AS pb ON pb.type = p.atttypid
    LEFT JOIN base AS cb ON cb.type = c.atttypid
    JOIN pg_type AS pt ON pt.oid = CASE po.typtype WHEN 'p' THEN coalesce(pb.base, p.atttypid) ELSE po.oid END
    JOIN pg_namespace AS pn ON pn.oid = pt.typnamespace
    JOIN pg_type AS ct ON ct.oid = CASE co.typtype WHEN 'p' THEN coalesce(cb.base, c.atttypid) ELSE co.oid END
    JOIN pg_namespace AS cn ON cn.oid = ct.typnamespace
) AS pair
WHERE k.contype = 'f' AND coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid) = ANY ($1) AND k.conparentid = 0
  -- PostgreSQL 18 knows keys that are not enforced.
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true);
