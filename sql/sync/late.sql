-- Writes columns of one table once more, now that all tables have their rows: those that refer to tables which
-- come later, or that a cascade changed. {table}, {fields} (what they get, an hstore, from s), {late} and {new} (lists
-- t."a", ... and (i.new)."a", ...), {assignments}, {number}, {rows} (further condition on s).
-- Returns the rows to write and the rows written.
-- Whether a value is new is asked of its image: what is equal may still differ, and not every type knows equality.
WITH input AS MATERIALIZED (
    SELECT s.uid, ((t.*) OPERATOR(pg_temp.#=) ({fields})) AS new
    FROM pg_temp.lizsync_stage AS s JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U'){rows}
), wanted AS MATERIALIZED (
    SELECT i.uid, i.new FROM input AS i JOIN {table} AS t ON t.uid = i.uid WHERE ROW({late})::record OPERATOR(pg_catalog.*<>) ROW({new})::record
), written AS (
    UPDATE {table} AS t SET {assignments} FROM wanted AS i WHERE t.uid = i.uid
    RETURNING t.uid
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM written)
