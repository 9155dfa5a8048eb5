-- The tables of some schemas whose edits are not captured whole. $1: text[], the schemas; empty for all.
-- Returns one row for each, in order: schema, name, oid, what is wrong, and whether the table was ever
-- prepared. Whole is: a trigger for each row and one for TRUNCATE; or, for an ordinary table with a uid that takes no part in
-- inheritance, one for each statement INSERT, UPDATE, DELETE and TRUNCATE; in mode ALWAYS,
-- without a condition, and no others of ours. Partitions have the one for each row of their partitioned table, in an ordinary mode where the server or the role knows no better; that for
-- TRUNCATE comes with the first row (audit.guard_partition), but none may be off.
WITH ours AS MATERIALIZED (
    SELECT t.tgrelid, t.tgenabled, CASE p.proname
               -- The bits of tgtype: 1 for each row, 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
               WHEN 'capture_statement' THEN t.tgtype & 29 WHEN 'capture_row' THEN (t.tgtype & 29) | 64
               ELSE t.tgtype & 32 END
               | CASE WHEN t.tgqual IS NULL AND t.tgattr::text = '' THEN 0 ELSE 128 END AS does
    FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'audit'::regnamespace
      AND p.proname IN ('capture_statement', 'capture_row', 'capture_truncate')
), capture AS MATERIALIZED (
    SELECT o.tgrelid, array_agg(o.does ORDER BY o.does) FILTER (WHERE o.tgenabled = 'A') AS always,
           bool_or(o.does = 93 AND o.tgenabled IN ('A', 'O')) AS rows, bool_or(o.tgenabled IN ('D', 'R')) AS off, count(*) AS triggers
    FROM ours AS o GROUP BY o.tgrelid
)
SELECT n.nspname AS schema, c.relname AS name, c.oid,
       CASE WHEN k.tgrelid IS NULL THEN 'no audit triggers'
            WHEN k.off OR part.off THEN 'audit triggers are disabled'
            WHEN i.inherits AND k.always = '{4,8,16,32}' THEN 'inheritance'
            ELSE 'audit triggers are missing or changed' END AS wrong,
       k.tgrelid IS NOT NULL OR coalesce(u.atttypid = 'uuid'::regtype, false) AS prepared
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS h JOIN pg_class AS i ON i.oid = h.inhrelid AND i.relpersistence <> 't'
                                       WHERE h.inhrelid = c.oid OR h.inhparent = c.oid) AS inherits
) AS i
LEFT JOIN capture AS k ON k.tgrelid = c.oid
LEFT JOIN pg_attribute AS u ON u.attrelid = c.oid AND u.attname = 'uid' AND NOT u.attisdropped
LEFT JOIN LATERAL (
    SELECT bool_or(l.off) AS off, bool_and(coalesce(l.rows, false)) AS rows
    FROM pg_partition_tree(c.oid) AS t JOIN pg_class AS p ON p.oid = t.relid AND p.relkind = 'r'
    LEFT JOIN capture AS l ON l.tgrelid = t.relid
    WHERE c.relkind = 'p'
    HAVING count(*) > 0
) AS part ON true
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND (cardinality($1::text[]) = 0 OR n.nspname = ANY ($1))
  AND (k.tgrelid IS NULL
       OR k.triggers <> cardinality(k.always)
       OR NOT coalesce(k.always = '{32,93}'
              OR k.always = '{4,8,16,32}' AND c.relkind = 'r' AND NOT i.inherits AND u.attnotnull AND u.atttypid = 'uuid'::regtype, false)
       OR part.off OR NOT part.rows)
ORDER BY n.nspname, c.relname;
