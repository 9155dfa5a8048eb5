-- Foreign keys on automatic keys (identity, nextval), which have another value in each database.
-- $1: oid[], the tables. Returns constraint, table, referenced table, column.
SELECT k.conname AS name, k.conrelid::regclass::text AS child, k.confrelid::regclass::text AS parent,
       a.attname AS column
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE k.contype = 'f' AND k.conrelid = ANY ($1) AND k.conparentid = 0
  AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(')
ORDER BY 2, 1;
