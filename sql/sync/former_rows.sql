-- The next rows of a table by uid, after $1 (uuid; null for the first), no more than $2: uid. {table}; {schema}, {name}:
-- literals; {own}: whether rows that were inserted here since the other side saw this database are left out.
SELECT t.uid FROM {table} AS t
WHERE ($1::uuid IS NULL OR t.uid > $1)
  AND NOT ({own} AND EXISTS (
      SELECT FROM audit.logged_actions AS l
      WHERE NOT l.former AND l.origin IS NULL AND l.action = 'I' AND l.uid = t.uid
        AND l.schema_name = {schema} AND l.table_name = {name}))
ORDER BY t.uid LIMIT $2
