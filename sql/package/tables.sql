-- The tables of some schemas, partitioned tables and partitions included.
-- $1: text[], the schemas. Returns one row for each, in order of schema and name; columns are those
-- that hold data of their own.
SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relkind = 'r' AS holds_rows,
       CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) ELSE 0 END AS bytes,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum) AS columns
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY n.nspname, c.relname;
