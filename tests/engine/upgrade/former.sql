-- A database as the former plugin installed it, from what is known of its tables and triggers; the functions are made for
-- these tests. Places: log, the schema of its log; prefix, of its triggers; conflicts, its table of conflicts, or nothing;
-- lists, the table of the lists; list, its column; version.
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE SCHEMA lizsync;
CREATE SCHEMA IF NOT EXISTS {log};
SET search_path = public, pg_catalog;

CREATE TABLE lizsync.server_metadata (
    server_id uuid DEFAULT md5(random()::text || clock_timestamp()::text)::uuid,
    server_name text UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text),
    CONSTRAINT pk_server_metadata PRIMARY KEY (server_id)
);
CREATE TABLE lizsync.history (
    sync_id uuid PRIMARY KEY,
    sync_time timestamptz DEFAULT now(),
    server_from text,
    server_to text[],
    min_event_id integer,
    max_event_id integer,
    max_action_tstamp_tx timestamptz,
    sync_type text,
    sync_status text DEFAULT 'pending'
);
COMMENT ON COLUMN lizsync.history.sync_type IS 'full or partial';
CREATE TABLE lizsync.{lists} (server_id uuid PRIMARY KEY, {list} jsonb);
{conflicts}
CREATE TABLE lizsync.sys_structure_metadonnee (
    id serial PRIMARY KEY,
    date_ajout date DEFAULT now()::date,
    version text,
    description text
);

CREATE TABLE {log}.logged_actions (
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
    row_data hstore,
    changed_fields hstore,
    statement_only boolean NOT NULL,
    sync_data jsonb NOT NULL
);
COMMENT ON COLUMN {log}.logged_actions.event_id IS 'Unique identifier of the event';
CREATE INDEX logged_actions_relid_idx ON {log}.logged_actions (relid);
CREATE INDEX logged_actions_action_idx ON {log}.logged_actions (action);
CREATE TABLE {log}.logged_relations (relation_name text NOT NULL, uid_column text NOT NULL, PRIMARY KEY (relation_name, uid_column));

CREATE FUNCTION {log}.if_modified_func() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $f$
DECLARE
    excluded text[] := coalesce(TG_ARGV[1]::text[], '{}');
    was hstore;
    became hstore;
    sync jsonb := jsonb_build_object('origin', nullif(current_setting('lizsync.server_from', true), ''), 'replayed_by',
        CASE WHEN coalesce(current_setting('lizsync.server_to', true), '') = '' THEN '{}'
        ELSE jsonb_build_object(current_setting('lizsync.server_to'), current_setting('lizsync.sync_id')) END);
BEGIN
    IF coalesce(current_setting('test.made_at', true), '') <> '' THEN
        sync := sync || jsonb_build_object('action_tstamp_tx', current_setting('test.made_at'));
    END IF;
    IF TG_LEVEL = 'ROW' AND TG_OP <> 'INSERT' THEN
        was := hstore(OLD) - excluded;
    END IF;
    IF TG_LEVEL = 'ROW' AND TG_OP <> 'DELETE' THEN
        became := hstore(NEW) - excluded;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_LEVEL = 'ROW' AND was = became THEN
        RETURN NULL;
    END IF;
    INSERT INTO {log}.logged_actions (schema_name, table_name, relid, session_user_name, action_tstamp_tx, action_tstamp_stm,
        action_tstamp_clk, transaction_id, application_name, client_query, action, row_data, changed_fields, statement_only, sync_data)
    VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user, now(), statement_timestamp(), clock_timestamp(), txid_current(),
        current_setting('application_name'), current_query(), left(TG_OP, 1), coalesce(was, became),
        CASE WHEN TG_OP = 'UPDATE' THEN became - was END, TG_LEVEL = 'STATEMENT', sync);
    RETURN NULL;
END
$f$;
CREATE FUNCTION {log}.audit_table(target regclass, audit_rows boolean, audit_query_text boolean, ignored text[]) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    EXECUTE format('CREATE TRIGGER {prefix}audit_trigger_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
        EXECUTE PROCEDURE {log}.if_modified_func(''true'', %L)', target, ignored);
    EXECUTE format('CREATE TRIGGER {prefix}audit_trigger_stm AFTER TRUNCATE ON %s FOR EACH STATEMENT
        EXECUTE PROCEDURE {log}.if_modified_func(''true'')', target);
    INSERT INTO {log}.logged_relations SELECT target::text, a.attname FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = target AND i.indisprimary;
END
$f$;
CREATE FUNCTION {log}.audit_table(target regclass) RETURNS void LANGUAGE sql AS 'SELECT {log}.audit_table(target, true, true, ''{}'')';
CREATE FUNCTION {log}.audit_view(target regclass, keys text[]) RETURNS void LANGUAGE sql
    AS 'INSERT INTO {log}.logged_relations SELECT target::text, unnest(keys)';
CREATE FUNCTION {log}.replay_event(event bigint) RETURNS void LANGUAGE sql AS 'SELECT NULL::void';
CREATE FUNCTION {log}.rollback_event(event bigint) RETURNS void LANGUAGE sql AS 'SELECT NULL::void';
CREATE FUNCTION lizsync.compare_tables(a text, b text) RETURNS TABLE (uid uuid, status text) LANGUAGE sql AS 'SELECT NULL::uuid, NULL::text WHERE false';
CREATE FUNCTION lizsync.take_all() RETURNS text LANGUAGE sql AS $f$ SELECT current_setting('lizsync.server_from', true) $f$;
INSERT INTO lizsync.sys_structure_metadonnee (version, description) VALUES ('{version}', 'Installation');
