-- The relations of some schemas, for the preparation of a central.
-- $1: text[], the schemas; empty for all but the system's, public and our own. $2: oid of the only one to read; 0 for all.
-- Returns one row for each relation, in order of schema and name.
WITH relation AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
           a.attnum AS uid_num, a.atttypid AS uid_type, a.attnotnull AS uid_notnull, a.atthasdef AS uid_default,
           a.attgenerated <> '' AS uid_generated
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'uid' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('public', 'lizsync', 'audit', 'information_schema') AND n.nspname !~ '^pg_'
      AND (cardinality($1::text[]) = 0 OR n.nspname = ANY ($1)) AND $2::oid IN (c.oid, 0)
      -- What belongs to an extension is not the user's data.
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
)
SELECT r.nspname AS schema, r.relname AS name, r.oid, r.relkind::text AS kind,
       format_type(r.uid_type, NULL) AS uid_type, r.uid_notnull, r.uid_default,
       -- On a partitioned table a unique constraint needs the partition key as well.
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = r.oid AND i.indpred IS NULL AND i.indkey[0] = r.uid_num
               AND (r.relkind = 'p' OR i.indisunique AND i.indisvalid AND i.indnkeyatts = 1)) AS uid_unique,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = r.oid AND i.indisprimary) AS has_key,
       r.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS h JOIN pg_class AS i ON i.oid = h.inhrelid AND i.relpersistence <> 't'
                                   WHERE h.inhrelid = r.oid OR h.inhparent = r.oid) AS inherits,
       -- A foreign table that inherits from it, and would have to have a uid as well.
       (WITH RECURSIVE below AS (
            SELECT h.inhrelid FROM pg_inherits AS h WHERE h.inhparent = r.oid AND r.relkind = 'r'
            UNION SELECT h.inhrelid FROM below AS b JOIN pg_inherits AS h ON h.inhparent = b.inhrelid)
        SELECT min(b.inhrelid::regclass::text) FROM below AS b JOIN pg_class AS f ON f.oid = b.inhrelid AND f.relkind = 'f') AS foreign_child,
       -- The columns of the partition key, and of those of its partitions; null where one has an
       -- expression.
       (SELECT string_agg(DISTINCT quote_ident(k.attname), ', ') FILTER (WHERE k.attname <> 'uid')
        FROM pg_partition_tree(r.oid) AS l JOIN pg_partitioned_table AS p ON p.partrelid = l.relid
        CROSS JOIN unnest(p.partattrs::smallint[]) AS u (num)
        LEFT JOIN pg_attribute AS k ON k.attrelid = p.partrelid AND k.attnum = u.num AND u.num <> 0
        HAVING bool_and(u.num <> 0)) AS partition_key,
       -- Ordinary tables and leaf partitions whose TRUNCATE is not captured.
       (SELECT count(*) FROM (SELECT relid FROM pg_partition_tree(r.oid) UNION SELECT r.oid::regclass) AS l
        JOIN pg_class AS lc ON lc.oid = l.relid AND lc.relkind = 'r'
        WHERE NOT EXISTS (SELECT FROM pg_trigger AS t JOIN pg_proc AS f ON f.oid = t.tgfoid
            WHERE t.tgrelid = l.relid AND t.tgenabled = 'A' AND f.pronamespace = 'audit'::regnamespace
              AND f.proname = 'capture_truncate')) AS truncate_missing
FROM relation AS r
ORDER BY r.nspname, r.relname;
