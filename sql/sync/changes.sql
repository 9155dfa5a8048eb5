-- The new events of one side, sorted by table, row and order of the log.
-- {tables}: VALUES list of number, schema, name, without_uid (events of rows that have no uid: their
-- event stands for the row). {new}: condition on l.
COPY (
    SELECT t.number, coalesce(l.uid, lpad(to_hex(l.event_id), 32, '0')::uuid), l.action, l.event_id,
           coalesce(l.edit_time, l.action_tstamp_clk), coalesce(l.session_user_name, ''),
           CASE l.action WHEN 'U' THEN l.changed_fields WHEN 'I' THEN l.row_data END, l.field_times
    FROM audit.logged_actions AS l
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name, without_uid)
      ON l.schema_name = t.schema_name AND l.table_name = t.table_name AND (l.uid IS NULL) = t.without_uid
    WHERE {new}
    ORDER BY 1, 2, l.event_id
) TO STDOUT (FORMAT binary)
