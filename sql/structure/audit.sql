-- Schema audit: the change log. {hstore} is the quoted schema of the extension hstore,
-- {compression} what follows the type of a column that holds rows. {audit}: audit, or another schema for a model of
-- these tables (see align.sql). What is there already stays as it is.
CREATE TABLE IF NOT EXISTS {audit}.logged_actions (
    event_id bigserial PRIMARY KEY,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    relid oid NOT NULL,
    session_user_name text,
    action_tstamp_tx timestamptz NOT NULL,
    action_tstamp_stm timestamptz NOT NULL,
    action_tstamp_clk timestamptz NOT NULL,
    transaction_id bigint,
    application_name text,
    client_addr inet,
    client_port integer,
    client_query text,
    action text NOT NULL CHECK (action IN ('I', 'D', 'U', 'T')),
    row_data {hstore}.hstore{compression},
    changed_fields {hstore}.hstore{compression},
    statement_only boolean NOT NULL DEFAULT false,
    sync_data jsonb NOT NULL DEFAULT '{"origin": null, "replayed_by": {}}',
    uid uuid,
    origin uuid,
    sync_id uuid,
    edit_time timestamptz,
    field_times {hstore}.hstore,
    former boolean NOT NULL DEFAULT false
);
-- What is new for a receiver is found by transaction, so that reading costs what is new. The transaction numbers of
-- the former plugin's events can be those of another server (a restored dump): nobody goes by them.
CREATE INDEX IF NOT EXISTS logged_actions_transaction_id_idx ON {audit}.logged_actions (transaction_id) WHERE NOT former;

COMMENT ON TABLE {audit}.logged_actions IS 'One row for each changed row of an audited table';
COMMENT ON COLUMN {audit}.logged_actions.event_id IS 'Order of the events of one row; not a cursor (transactions commit in another order)';
COMMENT ON COLUMN {audit}.logged_actions.schema_name IS 'Schema of the table';
COMMENT ON COLUMN {audit}.logged_actions.table_name IS 'Name of the table; of a partition, the partitioned table';
COMMENT ON COLUMN {audit}.logged_actions.relid IS 'Oid of the table in this database';
COMMENT ON COLUMN {audit}.logged_actions.session_user_name IS 'Login of whoever made the edit, also where a synchronisation brought it';
COMMENT ON COLUMN {audit}.logged_actions.action_tstamp_tx IS 'Start of the transaction that changed this database';
COMMENT ON COLUMN {audit}.logged_actions.action_tstamp_stm IS 'Start of the statement that changed this database';
COMMENT ON COLUMN {audit}.logged_actions.action_tstamp_clk IS 'Time of the change of this database: the time of the edit, unless edit_time is given';
COMMENT ON COLUMN {audit}.logged_actions.transaction_id IS 'txid_current() of the transaction';
COMMENT ON COLUMN {audit}.logged_actions.application_name IS 'Application of the session';
COMMENT ON COLUMN {audit}.logged_actions.client_addr IS 'Address of the client; null on a Unix socket';
COMMENT ON COLUMN {audit}.logged_actions.client_port IS 'Port of the client';
COMMENT ON COLUMN {audit}.logged_actions.client_query IS 'Not written any more: it repeated whole statements for each row';
COMMENT ON COLUMN {audit}.logged_actions.action IS 'I insert, U update, D delete, T truncate (old logs only)';
COMMENT ON COLUMN {audit}.logged_actions.row_data IS 'The new row for I, the old row for U and D';
COMMENT ON COLUMN {audit}.logged_actions.changed_fields IS 'The new values of the changed columns, for U';
COMMENT ON COLUMN {audit}.logged_actions.statement_only IS 'Whether there is no row data (old logs only)';
COMMENT ON COLUMN {audit}.logged_actions.sync_data IS 'origin: server that the change came from; action_tstamp_tx: when it was made there';
COMMENT ON COLUMN {audit}.logged_actions.uid IS 'Identifier of the row';
COMMENT ON COLUMN {audit}.logged_actions.origin IS 'Server that the change came from; null for an edit made here';
COMMENT ON COLUMN {audit}.logged_actions.sync_id IS 'Synchronisation that brought the change; null for an edit made here';
COMMENT ON COLUMN {audit}.logged_actions.edit_time IS 'When the edit was made where it was made, by this server''s clock; null for an edit made here';
COMMENT ON COLUMN {audit}.logged_actions.field_times IS 'Field to edit time, in microseconds since 2000-01-01 UTC, where fields differ from edit_time';

CREATE TABLE IF NOT EXISTS {audit}.logged_relations (
    relation_name text NOT NULL,
    uid_column text NOT NULL,
    PRIMARY KEY (relation_name, uid_column)
);
COMMENT ON COLUMN {audit}.logged_actions.former IS 'Whether the former plugin logged it, before the upgrade: sync_data says where it came from, and which clones have it';
COMMENT ON TABLE {audit}.logged_relations IS 'Audited relations and their key columns';
COMMENT ON COLUMN {audit}.logged_relations.relation_name IS 'The relation, as regclass prints it';
COMMENT ON COLUMN {audit}.logged_relations.uid_column IS 'A column of its primary key';
