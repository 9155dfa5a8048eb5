, logged AS (
    -- The log of the central shows the rows as they came out, with origin and original times.
    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
        action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id, application_name,
        client_addr, client_port, action, row_data, changed_fields, uid, origin, sync_id, edit_time, field_times, sync_data)
    SELECT {schema_name}, {table_name}, {oid}, i.user_name,
        now(), statement_timestamp(), clock_timestamp(), txid_current(), current_setting('application_name'),
        inet_client_addr(), inet_client_port(), CASE WHEN i.there THEN 'U' ELSE 'I' END,
        coalesce({row}, i.before, {hstore}.hstore(i.old::record)), CASE WHEN i.there THEN i.fields END,
        i.uid, {origin}, {sync_id}, i.edit_time, i.field_times,
        pg_catalog.jsonb_build_object('origin', {origin}::text, 'replayed_by', '{}'::jsonb, 'action_tstamp_tx', i.edit_time)
    FROM input AS i LEFT JOIN inserted AS n ON n.uid = i.uid
    WHERE i.there OR n.uid IS NOT NULL
)
