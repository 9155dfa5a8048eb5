-- Staged rows of one table that refer to other staged rows of it. {table}, {number};
-- {fields}: what of s is written;
-- {matches}: the condition that p is what n refers to. Returns the row and the one it refers to.
WITH input AS MATERIALIZED (
    SELECT s.uid, ((t.*) OPERATOR(pg_temp.#=) ({fields})) AS new
    FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL)
), rows AS MATERIALIZED (
    SELECT i.uid AS "lizsync uid", (i.new).* FROM input AS i
)
SELECT n."lizsync uid" AS row, p."lizsync uid" AS needed
FROM rows AS n JOIN rows AS p ON {matches} AND n."lizsync uid" <> p."lizsync uid"
