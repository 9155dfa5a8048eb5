-- Writes columns of one table once more, now that all tables have their rows: those that refer to tables which
-- come later, or that a cascade changed. {table}, {fields} (what they get, an hstore, from s), {late} and {new} (lists
-- t."a", ... and (i.new)."a", ...), {assignments}, {hstore}, {number}, {rows} (further condition on s).
-- Returns the rows to write and the rows written.
WITH input AS MATERIALIZED (
    SELECT s.uid, {hstore}.populate_record(t.*, {fields}) AS new
    FROM pg_temp.lizsync_stage AS s JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U'){rows}
), wanted AS MATERIALIZED (
    SELECT i.uid, i.new FROM input AS i JOIN {table} AS t ON t.uid = i.uid WHERE ROW({late})::text IS DISTINCT FROM ROW({new})::text
), written AS (
    UPDATE {table} AS t SET {assignments} FROM wanted AS i WHERE t.uid = i.uid
    RETURNING t.uid
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM written)
