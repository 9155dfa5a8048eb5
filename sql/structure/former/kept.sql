-- What users made in the schemas audit and lizsync, which stays. $1: text[], "schema.table" of the former plugin; $2: text[],
-- "schema.table.column"; $3: oid[], its functions. Returns descriptions.
WITH known AS MATERIALIZED (
    SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname || '.' || c.relname = ANY ($1)
), spaces AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('audit', 'lizsync')
), own AS (
    SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS part FROM pg_class AS c JOIN spaces AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND c.oid NOT IN (SELECT k.oid FROM known AS k)
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 0 FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid IN (SELECT k.oid FROM known AS k)
      AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
      AND x.relname NOT IN ('logged_actions_relid_idx', 'logged_actions_action_tstamp_tx_stm_idx', 'logged_actions_action_idx')
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN spaces AS s ON s.oid = c.relnamespace
    WHERE a.attrelid IN (SELECT k.oid FROM known AS k) AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT s.nspname || '.' || c.relname || '.' || a.attname = ANY ($2)
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 0 FROM pg_trigger AS t
    WHERE t.tgrelid IN (SELECT k.oid FROM known AS k) AND NOT t.tgisinternal AND NOT t.tgfoid = ANY ($3)
    UNION ALL
    SELECT 'pg_constraint'::regclass, c.oid, 0 FROM pg_constraint AS c
    WHERE c.conrelid IN (SELECT k.oid FROM known AS k) AND c.contype IN ('f', 'x')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0 FROM pg_proc AS p JOIN spaces AS s ON s.oid = p.pronamespace
    WHERE NOT p.oid = ANY ($3)
    UNION ALL
    SELECT 'pg_type'::regclass, y.oid, 0 FROM pg_type AS y JOIN spaces AS s ON s.oid = y.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = y.typrelid
    WHERE y.typtype IN ('e', 'd', 'r') OR y.typtype = 'c' AND c.relkind = 'c'
)
SELECT pg_describe_object(o.classid, o.objid, o.part) AS description
FROM own AS o
WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e')
ORDER BY 1
