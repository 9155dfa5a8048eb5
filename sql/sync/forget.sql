-- Takes out of the clone's own log what lost against the central, so that it is not sent after all
-- where this run dies before it reaches the central. {tables}: VALUES list of number, schema, name;
-- {hstore}; {snapshot}: literal, the clone's snapshot of this run.
WITH lost AS MATERIALIZED (
    SELECT t.schema_name, t.table_name, s.uid, {hstore}.akeys(s.fields) AS names
    FROM pg_temp.lizsync_stage AS s
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid) ON t.number = s.number
    WHERE s.op = 'F'
), mine AS MATERIALIZED (
    SELECT l.event_id, l.action, o.names,
           l.changed_fields OPERATOR({hstore}.-) o.names AS changed_fields,
           l.row_data OPERATOR({hstore}.-) o.names AS row_data
    FROM audit.logged_actions AS l
    JOIN lost AS o ON o.uid = l.uid AND o.schema_name = l.schema_name AND o.table_name = l.table_name
    WHERE l.origin IS NULL AND NOT l.former AND txid_visible_in_snapshot(l.transaction_id, {snapshot}::txid_snapshot)
), shortened AS (
    UPDATE audit.logged_actions AS l
    SET changed_fields = m.changed_fields, row_data = CASE m.action WHEN 'I' THEN m.row_data ELSE l.row_data END
    FROM mine AS m
    WHERE l.event_id = m.event_id AND m.names IS NOT NULL AND m.action <> 'D'
      AND (m.action = 'I' OR m.changed_fields OPERATOR({hstore}.<>) ''::{hstore}.hstore)
    RETURNING l.event_id
)
DELETE FROM audit.logged_actions AS l USING mine AS m
WHERE l.event_id = m.event_id
  AND (m.names IS NULL OR m.action = 'U' AND m.changed_fields OPERATOR({hstore}.=) ''::{hstore}.hstore)
