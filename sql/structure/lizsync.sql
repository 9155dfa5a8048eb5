-- Schema lizsync: who this database is, what it has received, and what synchronisations did.
-- {uuid} is an expression that makes a random uuid.
CREATE SCHEMA lizsync;
COMMENT ON SCHEMA lizsync IS 'LizSync: synchronisation between a central database and its clones';

CREATE TABLE lizsync.server_metadata (
    server_id uuid PRIMARY KEY DEFAULT {uuid},
    server_name text NOT NULL UNIQUE DEFAULT md5(random()::text)
);
COMMENT ON TABLE lizsync.server_metadata IS 'One row: the identity of this database. The central is named central';

CREATE TABLE lizsync.history (
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
    set_aside bigint
);
COMMENT ON TABLE lizsync.history IS 'Packages (sync_type full) and synchronisations (partial)';

CREATE TABLE lizsync.synchronized_schemas (
    server_id uuid PRIMARY KEY,
    sync_schemas jsonb
);
COMMENT ON TABLE lizsync.synchronized_schemas IS 'Schemas that each clone synchronises';

CREATE TABLE lizsync.conflicts (
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
COMMENT ON TABLE lizsync.conflicts IS 'Edits of one value on both sides, with the value that lost. In a clone: those not yet written to the central';
COMMENT ON COLUMN lizsync.conflicts.rejected IS 'The side whose value lost: clone or central';
COMMENT ON COLUMN lizsync.conflicts.field IS 'The column; null where a whole row was deleted on one side: the values are then JSON objects';

CREATE TABLE lizsync.received (
    sender uuid PRIMARY KEY,
    snapshot txid_snapshot NOT NULL,
    sync_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    deployment uuid,
    system_identifier bigint,
    timeline integer,
    highest_event bigint,
    acknowledged uuid
);
COMMENT ON COLUMN lizsync.received.acknowledged IS 'In a clone: the last synchronisation that the central had received from it when this one began';
COMMENT ON TABLE lizsync.received IS 'What this database has taken from each sender: all that is visible in the snapshot of the sender';

CREATE TABLE lizsync.deployment (
    deployment uuid PRIMARY KEY,
    central_id uuid NOT NULL,
    package_id uuid NOT NULL,
    package_time timestamptz NOT NULL,
    deployed_at timestamptz NOT NULL DEFAULT now(),
    central_snapshot txid_snapshot NOT NULL
);
COMMENT ON TABLE lizsync.deployment IS 'In a clone, one row: the package it was made from';
COMMENT ON COLUMN lizsync.deployment.central_snapshot IS 'The central when the package was deployed: changes that this clone had sent before come back to it';

CREATE TABLE lizsync.sys_structure_metadonnee (
    id serial PRIMARY KEY,
    date_ajout date NOT NULL DEFAULT current_date,
    version text NOT NULL,
    description text
);
COMMENT ON TABLE lizsync.sys_structure_metadonnee IS 'Versions of this structure';
