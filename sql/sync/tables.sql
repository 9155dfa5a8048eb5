-- The tables of some schemas, as a synchronisation needs to know them. $1: text[], the schemas.
-- Returns one row for each table that is ordinary or partitioned.
SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relkind = 'r' AS ordinary,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'uid'
               AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped) AS has_uid,
       EXISTS (SELECT FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND t.tgenabled <> 'D' AND p.pronamespace = 'audit'::regnamespace
                 AND p.proname IN ('capture_statement', 'capture_row')) AS audited,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       -- Columns whose values travel: no generated ones, and no automatic keys, which have another
       -- value in each database.
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attgenerated = '' AND a.attidentity <> 'a'
               AND NOT ((a.attidentity = 'd' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~ '^nextval\(')
                        AND EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique
                                    AND a.attnum = ANY (i.indkey)))
             ORDER BY a.attnum) AS columns,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS all_columns,
       -- Their types; the schema of a type may be another one on the other side.
       ARRAY(SELECT regexp_replace(format_type(a.atttypid, a.atttypmod), '^[^(]*\.', '') FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS types,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull
               AND y.typtype <> 'd') AS nullable,
       -- Whether a row without a value for some column may be none of the table: a domain decides that.
       EXISTS (SELECT FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND y.typtype = 'd') AS has_domains,
       -- Columns with a default whose domain, or one that it builds upon, may not be null.
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atthasdef AND a.attgenerated = ''
               AND EXISTS (WITH RECURSIVE base AS (
                       SELECT y.typnotnull, y.typbasetype FROM pg_type AS y WHERE y.oid = a.atttypid AND y.typtype = 'd'
                       UNION ALL
                       SELECT y.typnotnull, y.typbasetype FROM base JOIN pg_type AS y ON y.oid = base.typbasetype AND y.typtype = 'd')
                   SELECT FROM base WHERE base.typnotnull)) AS stubborn,
       -- Triggers of the user's own that would run again, and rules (their mode ends in rule): table, name, mode.
       -- Partitions have their own copy of a trigger, with a mode of its own: copies come in every mode (before
       -- the children of their partition), because some versions change them with the one of the parent.
       own.tables AS trigger_tables, own.names AS triggers, own.modes AS trigger_modes,
       -- Whether a foreign key refers to any of these tables.
       EXISTS (SELECT FROM pg_constraint AS k JOIN pg_class AS r ON r.oid = coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid)
               JOIN pg_namespace AS o ON o.oid = r.relnamespace
               WHERE k.contype = 'f' AND o.nspname = ANY ($1)) AS referenced
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(t.rel::regclass::text ORDER BY t.level, t.rel, t.name), '{}') AS tables,
           coalesce(array_agg(t.name::text ORDER BY t.level, t.rel, t.name), '{}') AS names,
           coalesce(array_agg(t.mode ORDER BY t.level, t.rel, t.name), '{}') AS modes
    FROM (
        SELECT t.tgrelid AS rel, t.tgname AS name, t.tgenabled::text AS mode, part.level
        FROM (SELECT c.oid, 0 AS level WHERE c.relkind = 'r'
              UNION ALL SELECT p.relid, p.level FROM pg_partition_tree(c.oid) AS p WHERE c.relkind = 'p') AS part
        JOIN pg_trigger AS t ON t.tgrelid = part.oid
        JOIN pg_proc AS p ON p.oid = t.tgfoid
        -- A copy depends on the trigger that it was made from. Before PostgreSQL 13 it is an internal trigger.
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM pg_depend AS d
                           WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
                             AND d.refclassid = 'pg_trigger'::regclass) AS copy
        ) AS made
        WHERE p.pronamespace <> 'audit'::regnamespace
          -- Those of keys belong to their constraints.
          AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.oid = t.tgconstraint AND k.contype <> 't')
          AND CASE WHEN made.copy THEN true ELSE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') END
        UNION ALL
        SELECT r.ev_class, r.rulename, r.ev_enabled::text || ' rule', 0
        FROM pg_rewrite AS r
        WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '3', '4') AND r.ev_enabled IN ('O', 'A')
    ) AS t
) AS own
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY n.nspname, c.relname;
