-- Values of some rows of one table: their beginnings, and how long they are. {table}; {beginnings} and {bytes}: lists of
-- expressions on t, one for each column; $1: the uids.
SELECT t.uid, ARRAY[{beginnings}]::text[] AS beginnings, ARRAY[{bytes}]::bigint[] AS bytes
FROM {table} AS t WHERE t.uid = ANY ($1)
