-- The files that a column mentions. {table}, {column}: quoted.
SELECT DISTINCT t.{column}::text AS path FROM {table} AS t WHERE t.{column}::text LIKE 'media/%'
