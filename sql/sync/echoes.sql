-- What a cascade did to rows that are staged themselves: the sender has logged that cascade, with the
-- time of the edit, and what is staged is the end of it. Left in the log, it would come back to the
-- sender as a later edit. {tables}: VALUES list of number, schema, name; {hstore}.
WITH echo AS MATERIALIZED (
    SELECT l.event_id, s.op, l.changed_fields OPERATOR({hstore}.-) {hstore}.akeys(s.fields) AS rest
    FROM audit.logged_actions AS l
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON l.schema_name = t.schema_name AND l.table_name = t.table_name
    JOIN pg_temp.lizsync_stage AS s ON s.number = t.number AND s.uid = l.uid AND s.reason IS NULL
    WHERE l.transaction_id = txid_current() AND l.origin IS NULL
      AND (l.action = 'U' AND s.op IN ('I', 'U', 'D') OR l.action = 'D' AND s.op = 'D')
), shortened AS (
    UPDATE audit.logged_actions AS l SET changed_fields = e.rest
    FROM echo AS e
    WHERE l.event_id = e.event_id AND e.op <> 'D' AND e.rest OPERATOR({hstore}.<>) ''::{hstore}.hstore
)
DELETE FROM audit.logged_actions AS l USING echo AS e
WHERE l.event_id = e.event_id AND (e.op = 'D' OR e.rest OPERATOR({hstore}.=) ''::{hstore}.hstore)
