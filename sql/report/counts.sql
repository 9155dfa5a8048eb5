-- How many staged rows of each table were written by inserting and updating, as the sender had it.
SELECT s.number, s.op::text AS op, count(*) AS rows
FROM pg_temp.lizsync_stage AS s
WHERE s.op IN ('I', 'U') AND s.reason IS NULL
GROUP BY s.number, s.op
