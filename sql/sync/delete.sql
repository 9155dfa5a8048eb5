-- Deletes rows of one table. {table}, {number}; {unreferenced}: further condition on t;
-- {rows}: further condition on s; {log}: the sub-statements that write the log, the last one called
-- logged. Returns how many rows were deleted, and logged.
WITH gone AS (
    DELETE FROM {table} AS t USING pg_temp.lizsync_stage AS s
    WHERE s.number = {number} AND s.op = 'D' AND s.reason IS NULL AND t.uid = s.uid{unreferenced}{rows}
    RETURNING t.uid, coalesce(s.before, (OPERATOR(pg_temp.@#) (t.*))) AS row, s.edit_time, s.user_name
){log}
SELECT (SELECT pg_catalog.count(DISTINCT uid) FROM gone), (SELECT entries FROM logged)
