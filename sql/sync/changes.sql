-- The new events of one side, sorted by table, row and order of the log.
-- {tables}: VALUES list of number, schema, name. {new}: condition on l.
COPY (
    SELECT t.number, l.uid, l.action, l.event_id, coalesce(l.edit_time, l.action_tstamp_clk),
           coalesce(l.session_user_name, ''),
           CASE l.action WHEN 'U' THEN l.changed_fields WHEN 'I' THEN l.row_data END, l.field_times
    FROM audit.logged_actions AS l
    JOIN (VALUES {tables}) AS t (number, schema_name, table_name)
      ON l.schema_name = t.schema_name AND l.table_name = t.table_name
    WHERE l.uid IS NOT NULL AND {new}
    ORDER BY t.number, l.uid, l.event_id
) TO STDOUT (FORMAT binary)
