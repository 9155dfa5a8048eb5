-- Foreign keys between tables. $1: oid[], the tables referred to.
-- Returns child and parent (oid), both as SQL, the columns of both, in pairs, the name of the
-- constraint, and whether it can be deferred.
SELECT k.conrelid AS child, k.confrelid AS parent, k.conrelid::regclass::text AS child_name,
       k.confrelid::regclass::text AS parent_name, k.conname::text AS name, k.condeferrable AS deferrable,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (num, pos)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.pos) AS child_columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (num, pos)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.pos) AS parent_columns
FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.confrelid = ANY ($1) AND k.conparentid = 0;
