-- In the clone: logs the deletion of rows that it has not, and the central still has. {table}; $1: uuid[], the central's rows;
-- $2, $3: schema and name; $4: oid of the table; $5: text, when they were deleted.
INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name, action_tstamp_tx, action_tstamp_stm,
    action_tstamp_clk, transaction_id, application_name, action, uid, edit_time)
SELECT $2::text, $3::text, $4::oid, session_user, now(), statement_timestamp(), clock_timestamp(), txid_current(),
       current_setting('application_name'), 'D', u.uid, $5::text::timestamptz
FROM unnest($1::uuid[]) AS u (uid) WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = u.uid)
