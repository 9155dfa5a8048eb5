-- The first column of some tables that has a place. $1: their oids.
SELECT DISTINCT ON (a.attrelid) a.attrelid AS oid, a.attname::text AS name, y.typname = 'geography' AS geography,
       quote_ident(n.nspname) AS postgis, greatest(c.reltuples, 0)::float8 AS rows
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
JOIN pg_type AS y ON y.typnamespace = n.oid AND y.typname IN ('geometry', 'geography')
JOIN pg_attribute AS a ON a.atttypid = y.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_class AS c ON c.oid = a.attrelid
WHERE e.extname = 'postgis' AND a.attrelid = ANY ($1)
ORDER BY a.attrelid, a.attnum
