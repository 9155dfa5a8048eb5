, logged AS (
    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
        action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id, application_name,
        client_addr, client_port, action, row_data, uid, origin, sync_id, edit_time, sync_data)
    SELECT {schema_name}, {table_name}, {oid}, g.user_name,
        now(), statement_timestamp(), clock_timestamp(), txid_current(), current_setting('application_name'),
        inet_client_addr(), inet_client_port(), 'D', g.row, g.uid, {origin}, {sync_id}, g.edit_time,
        pg_catalog.jsonb_build_object('origin', {origin}::text, 'replayed_by', '{}'::jsonb, 'action_tstamp_tx', g.edit_time)
    FROM gone AS g
)
