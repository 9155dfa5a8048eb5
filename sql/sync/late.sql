-- Writes the columns of one table that refer to rows of tables that come later (tables that refer to
-- each other). {table}, {late} and {new} (lists t."a", … and (i.new)."a", …), {assignments}, {hstore},
-- {number}, {rows} (further condition on s). Returns the rows written.
WITH input AS MATERIALIZED (
    SELECT s.uid, {hstore}.populate_record(t.*, s.fields) AS new
    FROM pg_temp.lizsync_stage AS s JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U'){rows}
), written AS (
    UPDATE {table} AS t SET {assignments} FROM input AS i
    WHERE t.uid = i.uid AND ROW({late}) IS DISTINCT FROM ROW({new})
    RETURNING t.uid
)
SELECT count(*) FROM written
