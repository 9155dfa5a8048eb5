-- Inserts and updates the rows of one table in one statement, so that foreign keys are checked when
-- both are done. Updates come first: they may free a unique value that an insert needs.
-- {table}, {fields} (an hstore: what to write, from s), {number}, {rows} (further condition on
-- s); {old}, {base}: the row as it is, where the log needs it and where the fields are put upon it, or no row;
-- {update} and {insert}: the statements, which return uid and row; {known}: which inserted rows count; {log}: the sub-statements
-- that write the log, the last one called logged. Returns one row: rows to write, rows updated, rows inserted,
-- and rows logged.
WITH input AS MATERIALIZED (
    SELECT s.uid, s.op, s.fields, s.edit_time, s.field_times, s.user_name, s.before, t.uid IS NOT NULL AS there,
           {old} AS old, ({base} OPERATOR(pg_temp.#=) ({fields})) AS new
    FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL){rows}
), updated AS (
    {update}
), inserted AS (
    {insert}
){log}
SELECT (SELECT pg_catalog.count(DISTINCT uid) FROM input), (SELECT pg_catalog.count(DISTINCT uid) FROM updated), (SELECT count(*) FROM inserted{known}),
       (SELECT entries FROM logged)
