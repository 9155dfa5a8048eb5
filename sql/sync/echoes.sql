-- Takes out of the log what a cascade did to rows that are staged themselves: the sender has logged that
-- cascade, with the time of the edit, and what is staged is the end of it. Left in the log, it would come
-- back to the sender as a later edit. {tables}: VALUES list of number, schema, name; {hstore}.
WITH echo AS MATERIALIZED (
    SELECT l.event_id, CASE WHEN s.op <> 'D' THEN {hstore}.akeys(s.fields) END AS names
    FROM lizsync.cascaded() AS l
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON l.schema_name = t.schema_name AND l.table_name = t.table_name
    JOIN pg_temp.lizsync_stage AS s ON s.number = t.number AND s.uid = l.uid AND s.reason IS NULL
    WHERE l.action = 'U' AND s.op IN ('I', 'U', 'D') OR l.action = 'D' AND s.op = 'D'
)
SELECT count(lizsync.shorten_cascade(e.event_id, e.names)) FROM echo AS e
