-- The defaults of columns, for rows that were logged before a column was added. $1: oid[], the tables. Read with
-- the search path that they are used with: where another function of that path would be taken, its schema stands
-- before it. Returns table, column, expression.
SELECT a.attrelid, a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1::oid[]) AND NOT a.attisdropped AND a.attgenerated = ''
