-- What a synchronisation, a package and a deployment write to the structure. {hstore} is the quoted
-- schema of the extension hstore. The comment of access_read.sql says why these are functions, and what
-- they must not do.

-- An event of the log that a synchronisation brings. action: I, U or D; row_data: the new row for I,
-- the old row for U and D; changed_fields: what was written, for U; edit_time: when the edit was made,
-- null for now; field_times: field to time, where they differ; user_name: who made it.
DO $do$
BEGIN
    IF to_regtype('lizsync.entry') IS NULL THEN
        CREATE TYPE lizsync.entry AS (action text, uid uuid, row_data {hstore}.hstore, changed_fields {hstore}.hstore,
            edit_time timestamptz, field_times {hstore}.hstore, user_name text);
    END IF;
END
$do$;

-- Logs what a synchronisation has applied to a table; returns the number of entries.
-- origin: the server that they came from; sync_id: the run. Neither may be null: an edit made here is
-- logged by the triggers of the table, and by nobody else. The caller must have the right to do to the table
-- what the entries say, and entries must be such that every reader of the log can take them. Times that are still to
-- come are logged as the present one. An update
-- needs no more than INSERT where it shows what a trigger made of a row that this transaction inserted.
CREATE OR REPLACE FUNCTION lizsync.log(schema_name text, table_name text, relid oid, origin uuid, sync_id uuid,
    entries lizsync.entry[])
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- current_user is the owner of this function.
    caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
    -- What clocks can show, even those that are wrong.
    earliest timestamptz := '1900-01-01 00:00:00+00';
    latest timestamptz := '9999-12-31 00:00:00+00';
    -- Nobody edits in the future: such a time would win against all edits to come, in all databases.
    moment timestamptz := clock_timestamp();
    moment_in_microseconds bigint := (extract(epoch FROM moment) * 1000000)::bigint - 946684800000000;
    may_insert boolean;
    may_update boolean;
    may_delete boolean;
    -- What is the same for all entries is found out once.
    app text := current_setting('application_name');
    addr inet := inet_client_addr();
    port integer := inet_client_port();
    sender text := log.origin;
    nobody jsonb := '{}';
    wrong text;
    written bigint;
BEGIN
    IF log.origin IS NULL OR log.sync_id IS NULL THEN
        RAISE EXCEPTION 'lizsync.log: origin and sync_id must be given' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                   WHERE c.oid = log.relid AND c.relkind IN ('r', 'p')
                     AND n.nspname = log.schema_name AND c.relname = log.table_name) THEN
        RAISE EXCEPTION 'lizsync.log: % is not the oid of a table %.%', log.relid, log.schema_name, log.table_name
            USING ERRCODE = 'undefined_table';
    END IF;
    may_insert := has_any_column_privilege(caller, log.relid, 'INSERT');
    may_update := has_any_column_privilege(caller, log.relid, 'UPDATE');
    may_delete := has_table_privilege(caller, log.relid, 'DELETE');

    -- What may not be logged is left out, and told afterwards: almost always there is none of it.
    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
        action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id, application_name,
        client_addr, client_port, action, row_data, changed_fields, uid, origin, sync_id, edit_time, field_times, sync_data)
    SELECT log.schema_name, log.table_name, log.relid, e.user_name,
        now(), statement_timestamp(), clock_timestamp(), txid_current(), app,
        addr, port, e.action, e.row_data, e.changed_fields, e.uid,
        log.origin, log.sync_id, t.edit_time,
        CASE WHEN e.field_times IS NOT NULL THEN coalesce((
            SELECT {hstore}.hstore(array_agg(f.key), array_agg(least(f.value::bigint, moment_in_microseconds)::text))
            FROM {hstore}.each(e.field_times) AS f), e.field_times) END,
        jsonb_build_object('origin', sender, 'replayed_by', nobody, 'action_tstamp_tx', t.edit_time)
    FROM unnest(log.entries) AS e
    CROSS JOIN LATERAL (SELECT CASE WHEN e.edit_time > moment THEN moment ELSE e.edit_time END) AS t (edit_time)
    WHERE e.uid IS NOT NULL
      AND CASE e.action
          WHEN 'I' THEN may_insert AND e.row_data IS NOT NULL
          WHEN 'U' THEN e.changed_fields IS NOT NULL AND (may_update OR may_insert AND EXISTS (
              SELECT FROM audit.logged_actions AS l
              WHERE l.transaction_id = txid_current() AND l.relid = log.relid AND l.uid = e.uid AND l.action = 'I'))
          WHEN 'D' THEN may_delete
          ELSE false END
      AND (e.edit_time BETWEEN earliest AND latest) IS NOT FALSE
      AND (e.field_times IS NULL OR NOT EXISTS (
          SELECT FROM {hstore}.each(e.field_times) AS f
          WHERE CASE WHEN f.value ~ '^-?[0-9]{1,18}$'
              THEN f.value::bigint NOT BETWEEN -3155673600000000 AND 252455529600000000 ELSE true END));
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written = coalesce(cardinality(log.entries), 0) THEN
        RETURN written;
    END IF;

    SELECT CASE
        WHEN e.action IS NULL OR e.action NOT IN ('I', 'U', 'D') THEN 'the action must be I, U or D'
        WHEN e.uid IS NULL THEN 'the uid is null'
        WHEN e.action = 'I' AND e.row_data IS NULL THEN 'an insertion needs row_data'
        WHEN e.action = 'U' AND e.changed_fields IS NULL THEN 'an update needs changed_fields'
        WHEN e.edit_time NOT BETWEEN earliest AND latest THEN 'edit_time is no time of an edit'
        ELSE 'field_times must be microseconds since 2000-01-01 UTC' END
    INTO wrong
    FROM unnest(log.entries) AS e
    WHERE (e.action IN ('I', 'U', 'D')) IS NOT TRUE OR e.uid IS NULL
       OR e.action = 'I' AND e.row_data IS NULL OR e.action = 'U' AND e.changed_fields IS NULL
       OR e.edit_time NOT BETWEEN earliest AND latest
       OR e.field_times IS NOT NULL AND EXISTS (
           SELECT FROM {hstore}.each(e.field_times) AS f
           WHERE CASE WHEN f.value ~ '^-?[0-9]{1,18}$'
               THEN f.value::bigint NOT BETWEEN -3155673600000000 AND 252455529600000000 ELSE true END)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'lizsync.log: an entry for %.% cannot be logged: %', log.schema_name, log.table_name, wrong
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT CASE e.action WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' ELSE 'DELETE' END INTO wrong
    FROM unnest(log.entries) AS e
    WHERE NOT CASE e.action WHEN 'I' THEN may_insert WHEN 'D' THEN may_delete
        ELSE may_update OR may_insert AND EXISTS (
            SELECT FROM audit.logged_actions AS l
            WHERE l.transaction_id = txid_current() AND l.relid = log.relid AND l.uid = e.uid AND l.action = 'I') END
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'lizsync.log: % has no right to % on %.%', caller, wrong, log.schema_name, log.table_name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RAISE EXCEPTION 'lizsync.log: % has no right to update rows of %.% that it did not insert',
        caller, log.schema_name, log.table_name USING ERRCODE = 'insufficient_privilege';
END
$function$;

-- Takes fields out of what cascades of this transaction logged; nothing is left of an event without
-- fields. In a central only what the log tells all the same: a field goes where this transaction also logged
-- it for another database, and the last value of the field in the log of this transaction is the one that was
-- brought; a whole event where the deletion of the row was brought, and is the last that is logged of it.
-- So nobody can hide an edit of his own by it.
-- echoes: JSON array of objects with event and names, null for the whole event. Returns how many events
-- there were.
CREATE OR REPLACE FUNCTION lizsync.shorten_cascades(echoes jsonb) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    WITH asked AS MATERIALIZED (
        SELECT l.event_id, l.schema_name, l.table_name, l.uid, l.changed_fields, e.names
        FROM (SELECT (x.value ->> 'event')::bigint AS event,
                     CASE jsonb_typeof(x.value -> 'names') WHEN 'array'
                         THEN ARRAY(SELECT n.value FROM jsonb_array_elements_text(x.value -> 'names') AS n) END AS names
              FROM jsonb_array_elements(shorten_cascades.echoes) AS x) AS e
        JOIN audit.logged_actions AS l ON l.event_id = e.event
        WHERE l.transaction_id = txid_current() AND l.origin IS NULL AND (e.names IS NULL OR l.action = 'U')
    ), told AS MATERIALIZED (
        -- All that this transaction logged of these rows.
        SELECT l.event_id, l.schema_name, l.table_name, l.uid, l.action, l.origin IS NOT NULL AS brought,
               CASE l.action WHEN 'U' THEN l.changed_fields WHEN 'I' THEN l.row_data END AS fields
        FROM audit.logged_actions AS l
        WHERE l.transaction_id = txid_current()
          AND (l.schema_name, l.table_name, l.uid) IN (SELECT a.schema_name, a.table_name, a.uid FROM asked AS a)
    ), field AS MATERIALIZED (
        SELECT t.schema_name, t.table_name, t.uid, f.key
        FROM told AS t, {hstore}.each(t.fields) AS f
        GROUP BY t.schema_name, t.table_name, t.uid, f.key
        HAVING bool_or(t.brought)
           AND (array_agg(f.value ORDER BY t.event_id DESC))[1]
               IS NOT DISTINCT FROM (array_agg(f.value ORDER BY t.event_id DESC) FILTER (WHERE t.brought))[1]
    ), deleted AS MATERIALIZED (
        SELECT t.schema_name, t.table_name, t.uid
        FROM told AS t
        GROUP BY t.schema_name, t.table_name, t.uid
        HAVING bool_or(t.brought AND t.action = 'D') AND (array_agg(t.action ORDER BY t.event_id DESC))[1] = 'D'
    ), echo AS MATERIALIZED (
        SELECT a.event_id, a.changed_fields, a.changed_fields OPERATOR({hstore}.-) a.names AS left_over
        FROM (
            SELECT o.event_id, o.changed_fields, CASE WHEN EXISTS (SELECT FROM lizsync.deployment) THEN o.names
                ELSE ARRAY(SELECT n.name FROM unnest(o.names) AS n (name)
                           WHERE (o.schema_name, o.table_name, o.uid, n.name) IN (
                               SELECT f.schema_name, f.table_name, f.uid, f.key FROM field AS f)) END AS names
            FROM asked AS o
            WHERE o.names IS NOT NULL
        ) AS a
        UNION ALL
        SELECT o.event_id, NULL, NULL
        FROM asked AS o
        WHERE o.names IS NULL
          AND (EXISTS (SELECT FROM lizsync.deployment) OR (o.schema_name, o.table_name, o.uid) IN (
              SELECT d.schema_name, d.table_name, d.uid FROM deleted AS d))
    ), shortened AS (
        UPDATE audit.logged_actions AS l SET changed_fields = e.left_over
        FROM echo AS e
        WHERE l.event_id = e.event_id AND e.left_over OPERATOR({hstore}.<>) ''::{hstore}.hstore
          AND e.left_over OPERATOR({hstore}.<>) e.changed_fields
        RETURNING l.event_id
    ), gone AS (
        DELETE FROM audit.logged_actions AS l USING echo AS e
        WHERE l.event_id = e.event_id AND (e.left_over IS NULL OR e.left_over OPERATOR({hstore}.=) ''::{hstore}.hstore)
        RETURNING l.event_id
    )
    SELECT (SELECT count(*) FROM shortened) + (SELECT count(*) FROM gone)
$function$;

-- Records that everything visible in a snapshot of the sender has been taken. acknowledged: the last
-- run that the sender has received from here. What earlier runs of this sender listed as set aside, and
-- this one did not, does not wait any more. The transaction is that of the run: what it sees, the sender has taken.
CREATE OR REPLACE FUNCTION lizsync.receive(sender uuid, snapshot txid_snapshot, sync_id uuid, deployment uuid,
    system_identifier bigint, timeline integer, highest_event bigint, acknowledged uuid)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    DELETE FROM lizsync.set_aside AS a
    WHERE a.clone_id = receive.sender AND a.sync_id IS DISTINCT FROM receive.sync_id;
    INSERT INTO lizsync.received (sender, snapshot, sync_id, received_at, deployment, system_identifier, timeline,
        highest_event, acknowledged, given)
    VALUES (receive.sender, receive.snapshot, receive.sync_id, now(), receive.deployment, receive.system_identifier,
        receive.timeline, receive.highest_event, receive.acknowledged, txid_current_snapshot())
    ON CONFLICT (sender) DO UPDATE SET snapshot = excluded.snapshot, sync_id = excluded.sync_id,
        received_at = excluded.received_at, deployment = excluded.deployment,
        system_identifier = excluded.system_identifier, timeline = excluded.timeline,
        highest_event = excluded.highest_event, acknowledged = excluded.acknowledged, given = excluded.given
$function$;

-- The uid of a conflict: the same for the same value that lost in the same way. So a run that reads edits once
-- more, because the one before died, records nothing twice. edit_time: of the central's edit, where there is one.
CREATE OR REPLACE FUNCTION lizsync.conflict_uid(object_table text, object_uid uuid, clone uuid, field text, rejected text,
    rule_applied text, edit_time timestamptz, lost text)
RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, MDY' SET timezone = 'UTC'
AS $function$
    SELECT md5(to_jsonb(ARRAY[conflict_uid.object_table, conflict_uid.object_uid::text, conflict_uid.clone::text,
        conflict_uid.field, conflict_uid.rejected, conflict_uid.rule_applied, conflict_uid.edit_time::text,
        md5(conflict_uid.lost)])::text)::uuid
$function$;

-- Records conflicts; those that are known by their conflict_uid are not recorded again. That is made of what they say
-- here, so that nobody can take the place of another one.
-- recorded: JSON array of objects with the columns of lizsync.conflicts; conflict_time may be left out. Returns how many
-- are new.
CREATE OR REPLACE FUNCTION lizsync.record_conflicts(recorded jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    written bigint;
BEGIN
    INSERT INTO lizsync.conflicts (conflict_time, object_table, object_uid, clone_id, central_event_id,
        central_event_timestamp, central_sql, clone_sql, rejected, rule_applied, conflict_uid, sync_id, field,
        central_value, clone_value, clone_event_timestamp, central_user, clone_user)
    SELECT coalesce(c.conflict_time, now()), c.object_table, c.object_uid, c.clone_id, c.central_event_id,
        c.central_event_timestamp, c.central_sql, c.clone_sql, c.rejected, c.rule_applied,
        lizsync.conflict_uid(c.object_table, c.object_uid, c.clone_id, c.field, c.rejected,
            c.rule_applied, coalesce(c.central_event_timestamp, c.clone_event_timestamp),
            CASE c.rejected WHEN 'central' THEN c.central_value ELSE c.clone_value END), c.sync_id, c.field,
        c.central_value, c.clone_value, c.clone_event_timestamp, c.central_user, c.clone_user
    FROM jsonb_populate_recordset(NULL::lizsync.conflicts, record_conflicts.recorded) AS c
    ON CONFLICT (conflict_uid) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$function$;

-- Lists changes of this central that a clone could not take, in the place of what earlier runs listed.
-- waiting: JSON array of objects with the columns of lizsync.set_aside (an hstore is a string). A run may call it
-- several times, each time with more. Returns how many were added.
CREATE OR REPLACE FUNCTION lizsync.list_aside(clone uuid, sync_id uuid, waiting jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    written bigint;
BEGIN
    DELETE FROM lizsync.set_aside AS a
    WHERE a.clone_id = list_aside.clone AND a.sync_id IS DISTINCT FROM list_aside.sync_id;
    INSERT INTO lizsync.set_aside (clone_id, sync_id, owner, schema_name, table_name, uid, action, fields, edit_time,
        field_times, user_name, sqlstate, constraint_name, message, first_time)
    SELECT list_aside.clone, list_aside.sync_id, a.owner, a.schema_name, a.table_name, a.uid, a.action, a.fields, a.edit_time,
        a.field_times, a.user_name, a.sqlstate, a.constraint_name, a.message, a.first_time
    FROM jsonb_populate_recordset(NULL::lizsync.set_aside, list_aside.waiting) AS a;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$function$;

-- Records a run in the history of this central. first_event, last_event, last_time: of the events of this central
-- that it dealt with; the others are the columns of lizsync.history.
CREATE OR REPLACE FUNCTION lizsync.record_run(sync_id uuid, clone uuid, first_event bigint, last_event bigint,
    last_time timestamptz, applied_to_clone bigint, applied_to_central bigint, conflicts bigint, superseded bigint,
    set_aside bigint, captured_central bigint, captured_clone bigint, superseded_central bigint, superseded_clone bigint,
    lost_central bigint, lost_clone bigint, set_aside_central bigint, set_aside_clone bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO lizsync.history (sync_id, server_from, server_to, sync_type, sync_status, min_event_id, max_event_id,
        max_action_tstamp_tx, applied_to_clone, applied_to_central, conflicts, superseded, set_aside,
        captured_central, captured_clone, superseded_central, superseded_clone, lost_central, lost_clone,
        set_aside_central, set_aside_clone)
    VALUES (record_run.sync_id, (SELECT i.server_id::text FROM lizsync.identity() AS i), ARRAY[record_run.clone::text],
        'partial', 'done', record_run.first_event, record_run.last_event, record_run.last_time,
        record_run.applied_to_clone, record_run.applied_to_central, record_run.conflicts, record_run.superseded,
        record_run.set_aside, record_run.captured_central, record_run.captured_clone, record_run.superseded_central,
        record_run.superseded_clone, record_run.lost_central, record_run.lost_clone, record_run.set_aside_central,
        record_run.set_aside_clone)
$function$;

-- Registers a clone with its schemas. package: the one that was deployed to it just now, whereupon it
-- starts with an empty ledger and takes all that it could not; null for a clone that was deployed
-- before without the central being told. deployment: the one that synchronises from now on. tables: those of the
-- schemas that it synchronises, an array of objects with schema and table; null for all.
CREATE OR REPLACE FUNCTION lizsync.register_clone(
    clone uuid, schemas text[], package uuid, deployment uuid, tables jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    unknown text;
    news boolean;
BEGIN
    SELECT string_agg(coalesce(quote_literal(w.name), 'null'), ', ') INTO unknown
    FROM unnest(register_clone.schemas) AS w (name)
    WHERE NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = w.name AND n.nspname !~ '^pg_'
                      AND n.nspname NOT IN ('public', 'audit', 'lizsync', 'information_schema'));
    IF unknown IS NOT NULL OR coalesce(cardinality(register_clone.schemas), 0) = 0 THEN
        RAISE EXCEPTION 'lizsync.register_clone: % cannot be synchronised: no such schema in this database',
                coalesce(unknown, 'an empty list')
            USING ERRCODE = 'invalid_schema_name';
    END IF;
    IF register_clone.tables IS NOT NULL AND (jsonb_typeof(register_clone.tables) <> 'array' OR EXISTS (
            SELECT FROM jsonb_array_elements(register_clone.tables) AS t (e)
            WHERE t.e ->> 'table' IS NULL OR NOT coalesce(t.e ->> 'schema' = ANY (register_clone.schemas), false))) THEN
        RAISE EXCEPTION 'lizsync.register_clone: the list of tables is none, or names a schema that is not synchronised'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO lizsync.deployments AS d (deployment, clone_id) VALUES (register_clone.deployment, register_clone.clone)
    ON CONFLICT ON CONSTRAINT deployments_deployment_key DO NOTHING;
    news := FOUND OR register_clone.package IS NOT NULL;
    -- Nobody takes schemas away from the clone of another.
    INSERT INTO lizsync.synchronized_schemas AS s (server_id, sync_schemas, sync_tables)
    VALUES (register_clone.clone, to_jsonb(register_clone.schemas), register_clone.tables)
    ON CONFLICT (server_id) DO UPDATE SET sync_schemas = excluded.sync_schemas, sync_tables = excluded.sync_tables
        WHERE news;
    IF register_clone.package IS NOT NULL THEN
        DELETE FROM lizsync.received AS r WHERE r.sender = register_clone.clone;
        DELETE FROM lizsync.set_aside AS a WHERE a.clone_id = register_clone.clone;
        UPDATE lizsync.history AS h
        SET server_to = array_append(array_remove(coalesce(h.server_to, '{}'), register_clone.clone::text),
                                     register_clone.clone::text)
        WHERE h.sync_id = register_clone.package;
    END IF;
END
$function$;

-- Records a package in the history of this central. Returns the highest event of the log, null where
-- it is empty.
CREATE OR REPLACE FUNCTION lizsync.record_package(package uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO lizsync.history (sync_id, server_from, server_to, min_event_id, max_event_id, max_action_tstamp_tx,
        sync_type, sync_status)
    SELECT record_package.package, (SELECT i.server_id::text FROM lizsync.identity() AS i), '{}',
        (SELECT min(f.event_id) FROM audit.logged_actions AS f), last.event_id, last.action_tstamp_tx, 'full', 'done'
    FROM (SELECT) AS one
    LEFT JOIN (SELECT l.event_id, l.action_tstamp_tx FROM audit.logged_actions AS l ORDER BY l.event_id DESC LIMIT 1)
        AS last ON true
    RETURNING max_event_id
$function$;

REVOKE ALL ON FUNCTION lizsync.conflict_uid, lizsync.log, lizsync.shorten_cascades, lizsync.receive, lizsync.record_conflicts,
    lizsync.list_aside, lizsync.record_run, lizsync.register_clone, lizsync.record_package FROM PUBLIC;
