-- The new events of one side, sorted by table, row and order of the log.
-- {new}: what is new; {tables}: number, schema, name and without_uid of the tables, as four arrays;
-- {package_event}: the last event that the receiver had in the package of the former plugin, or NULL.
COPY (
    SELECT number, uid, action, event_id, edit_time, user_name, fields, field_times
    FROM lizsync.changes({new}, {tables}, {package_event})
) TO STDOUT (FORMAT binary)
