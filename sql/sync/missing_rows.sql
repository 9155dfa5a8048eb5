-- Updates of rows that are not here, and of which no deletion is known: their values are recorded as
-- lost, so that nothing vanishes unseen. {table}, {number}, {hstore}, {object_table} (literal),
-- {time_column} (central or clone event timestamp), {value_column}, {user_column};
-- $1 clone id, $2 sync id, $3 the side whose value is lost.
INSERT INTO lizsync.conflicts (object_table, object_uid, clone_id, sync_id, {time_column}, rejected, rule_applied,
    {value_column}, {user_column})
SELECT {object_table}, s.uid, $1, $2, s.edit_time, $3, 'row_missing', {hstore}.hstore_to_json(s.fields)::text, s.user_name
FROM pg_temp.lizsync_stage AS s
WHERE s.number = {number} AND s.op = 'U' AND s.reason IS NULL AND NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = s.uid)
