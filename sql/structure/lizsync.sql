-- Schema lizsync: who this database is, what it has received, and what synchronisations did.
-- {hstore} is the quoted schema of the extension hstore, {uuid} an expression that makes a random uuid,
-- {compression} what follows the type of a column that holds rows. {lizsync}: lizsync, or another schema for a model of
-- these tables (see align.sql). What is there already stays as it is.
CREATE TABLE IF NOT EXISTS {lizsync}.server_metadata (
    server_id uuid PRIMARY KEY DEFAULT {uuid},
    server_name text NOT NULL UNIQUE DEFAULT md5(random()::text)
);
COMMENT ON TABLE {lizsync}.server_metadata IS 'One row: the identity of this database. The central is named central';

CREATE TABLE IF NOT EXISTS {lizsync}.history (
    sync_id uuid PRIMARY KEY DEFAULT {uuid},
    sync_time timestamptz NOT NULL DEFAULT now(),
    server_from text,
    server_to text[],
    min_event_id bigint,
    max_event_id bigint,
    max_action_tstamp_tx timestamptz,
    sync_type text,
    sync_status text DEFAULT 'pending',
    applied_to_clone bigint,
    applied_to_central bigint,
    conflicts bigint,
    superseded bigint,
    set_aside bigint,
    captured_central bigint,
    captured_clone bigint,
    superseded_central bigint,
    superseded_clone bigint,
    lost_central bigint,
    lost_clone bigint,
    set_aside_central bigint,
    set_aside_clone bigint
);
COMMENT ON TABLE {lizsync}.history IS 'Packages (sync_type full) and synchronisations (partial)';
COMMENT ON COLUMN {lizsync}.history.captured_central IS 'Edits of the central that the run dealt with: applied_to_clone + superseded_central + lost_central + set_aside_central';
COMMENT ON COLUMN {lizsync}.history.captured_clone IS 'Edits of the clone that the run dealt with: applied_to_central + superseded_clone + lost_clone + set_aside_clone';

CREATE TABLE IF NOT EXISTS {lizsync}.synchronized_schemas (
    server_id uuid PRIMARY KEY,
    sync_schemas jsonb,
    sync_tables jsonb
);
COMMENT ON TABLE {lizsync}.synchronized_schemas IS 'Schemas that each clone synchronises';
COMMENT ON COLUMN {lizsync}.synchronized_schemas.sync_tables IS 'JSON array of objects with schema and table, of those schemas; null for all their tables';

CREATE TABLE IF NOT EXISTS {lizsync}.conflicts (
    id bigserial PRIMARY KEY,
    conflict_time timestamptz DEFAULT now(),
    object_table text,
    object_uid uuid,
    clone_id uuid,
    central_event_id bigint,
    central_event_timestamp timestamptz,
    central_sql text,
    clone_sql text,
    rejected text,
    rule_applied text,
    conflict_uid uuid NOT NULL UNIQUE DEFAULT {uuid},
    sync_id uuid,
    field text,
    central_value text,
    clone_value text,
    clone_event_timestamp timestamptz,
    central_user text,
    clone_user text
);
COMMENT ON TABLE {lizsync}.conflicts IS 'Edits of one value on both sides, with the value that lost. In a clone: those not yet written to the central';
COMMENT ON COLUMN {lizsync}.conflicts.rejected IS 'The side whose value lost: clone or central';
COMMENT ON COLUMN {lizsync}.conflicts.field IS 'The column; null where a whole row was deleted on one side: the values are then JSON objects';

CREATE TABLE IF NOT EXISTS {lizsync}.set_aside (
    clone_id uuid NOT NULL,
    owner text NOT NULL CHECK (owner IN ('central', 'clone')),
    schema_name text NOT NULL,
    table_name text NOT NULL,
    uid uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('I', 'D', 'U')),
    fields {hstore}.hstore{compression},
    edit_time timestamptz,
    field_times {hstore}.hstore,
    user_name text,
    sqlstate text,
    constraint_name text,
    message text NOT NULL,
    first_time timestamptz NOT NULL DEFAULT now(),
    last_time timestamptz NOT NULL DEFAULT now(),
    sync_id uuid,
    PRIMARY KEY (clone_id, owner, schema_name, table_name, uid)
);
COMMENT ON TABLE {lizsync}.set_aside IS 'Changes that the other side could not take; every run tries them again. In a clone those of both sides, in the central its own';
COMMENT ON COLUMN {lizsync}.set_aside.clone_id IS 'The clone of the runs';
COMMENT ON COLUMN {lizsync}.set_aside.owner IS 'The side where the change was made: central or clone';
COMMENT ON COLUMN {lizsync}.set_aside.action IS 'I insert, U update, D delete';
COMMENT ON COLUMN {lizsync}.set_aside.fields IS 'The values to be written; null for D';
COMMENT ON COLUMN {lizsync}.set_aside.edit_time IS 'When the edit was made, by the clock of the central';
COMMENT ON COLUMN {lizsync}.set_aside.field_times IS 'Field to edit time, in microseconds since 2000-01-01 UTC, where fields differ from edit_time';
COMMENT ON COLUMN {lizsync}.set_aside.message IS 'Why the other side refused it';
COMMENT ON COLUMN {lizsync}.set_aside.first_time IS 'When it was set aside';
COMMENT ON COLUMN {lizsync}.set_aside.last_time IS 'When it was tried last';
COMMENT ON COLUMN {lizsync}.set_aside.sync_id IS 'The run that tried it last';

CREATE TABLE IF NOT EXISTS {lizsync}.received (
    sender uuid PRIMARY KEY,
    snapshot txid_snapshot NOT NULL,
    sync_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    deployment uuid,
    system_identifier bigint,
    timeline integer,
    highest_event bigint,
    acknowledged uuid,
    given txid_snapshot
);
COMMENT ON COLUMN {lizsync}.received.given IS 'In the central: what the clone had taken of it when that was written, all that is visible in this snapshot';
COMMENT ON COLUMN {lizsync}.received.acknowledged IS 'In a clone: the last synchronisation that the central had received from it when this one began';
COMMENT ON TABLE {lizsync}.received IS 'What this database has taken from each sender: all that is visible in the snapshot of the sender';

CREATE TABLE IF NOT EXISTS {lizsync}.runs (
    number bigint PRIMARY KEY,
    sync_id uuid NOT NULL UNIQUE,
    run_at timestamptz NOT NULL DEFAULT now(),
    central_snapshot txid_snapshot NOT NULL,
    clone_snapshot txid_snapshot NOT NULL,
    standbys boolean NOT NULL,
    confirmed boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE {lizsync}.runs IS 'In a clone: the last runs, for the case that the central loses them (a failover)';
COMMENT ON COLUMN {lizsync}.runs.standbys IS 'Whether the central had standbys then or before: then more than the last run is remembered';
COMMENT ON COLUMN {lizsync}.runs.confirmed IS 'Whether the central has said that it committed the run';

-- No foreign keys: they would cost more than all else that a run keeps here. prune.sql deletes the rows with the run.
CREATE TABLE IF NOT EXISTS {lizsync}.pulled (
    sync_id uuid NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    uid uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('I', 'D', 'U')),
    fields {hstore}.hstore{compression},
    edit_time timestamptz,
    field_times {hstore}.hstore,
    user_name text
);
-- Without a key, a publication of all tables would let nobody delete rows.
ALTER TABLE {lizsync}.pulled REPLICA IDENTITY FULL;
CREATE INDEX IF NOT EXISTS pulled_sync_id_idx ON {lizsync}.pulled (sync_id);
COMMENT ON TABLE {lizsync}.pulled IS 'In a clone: what the last runs brought; a central that has lost it gets it back';

CREATE TABLE IF NOT EXISTS {lizsync}.sent (
    sync_id uuid NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    uid uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('I', 'D', 'U')),
    fields {hstore}.hstore{compression},
    edit_time timestamptz,
    field_times {hstore}.hstore,
    user_name text
);
ALTER TABLE {lizsync}.sent REPLICA IDENTITY FULL;
CREATE INDEX IF NOT EXISTS sent_sync_id_idx ON {lizsync}.sent (sync_id);
COMMENT ON TABLE {lizsync}.sent IS 'In a clone: changes that had been set aside and that the last runs sent; they are sent again if the central turns out to lack such a run';

CREATE TABLE IF NOT EXISTS {lizsync}.deployment (
    deployment uuid PRIMARY KEY,
    central_id uuid NOT NULL,
    package_id uuid NOT NULL,
    package_time timestamptz NOT NULL,
    deployed_at timestamptz NOT NULL DEFAULT now(),
    central_snapshot txid_snapshot NOT NULL
);
COMMENT ON TABLE {lizsync}.deployment IS 'In a clone, one row: the package it was made from';
COMMENT ON COLUMN {lizsync}.deployment.central_snapshot IS 'The central when the package was deployed: changes that this clone had sent before come back to it';

CREATE TABLE IF NOT EXISTS {lizsync}.deployments (
    number bigserial PRIMARY KEY,
    deployment uuid NOT NULL UNIQUE,
    clone_id uuid NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS deployments_clone_id_idx ON {lizsync}.deployments (clone_id);
COMMENT ON TABLE {lizsync}.deployments IS 'In the central: the deployments of each clone; only the last one synchronises';

CREATE TABLE IF NOT EXISTS {lizsync}.pruned (
    snapshot txid_snapshot NOT NULL,
    pruned_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE {lizsync}.pruned REPLICA IDENTITY FULL;
COMMENT ON TABLE {lizsync}.pruned IS 'In the central: what may be gone from its log, all that is visible in one of these snapshots';

CREATE TABLE IF NOT EXISTS {lizsync}.sys_structure_metadonnee (
    id serial PRIMARY KEY,
    date_ajout date NOT NULL DEFAULT current_date,
    version text NOT NULL,
    description text
);
COMMENT ON TABLE {lizsync}.sys_structure_metadonnee IS 'Versions of this structure';
