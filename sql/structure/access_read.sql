-- What a synchronisation reads of the structure. {hstore} is the quoted schema of the extension hstore.
--
-- A role that synchronises has no rights on the tables of LizSync, but may execute these functions and
-- those of access_write.sql (docs/roles.md). They run with the rights of the owner of the structure, so
-- none of them may look at anything that its caller could have made: data comes as arguments, never
-- in temporary tables; every name outside of pg_catalog has its schema, and operators and functions of
-- hstore are called with exactly their types. Plans are made for the values given, because the index
-- on transaction_id serves only where it is known from where on.

-- Who this database is, and the version of its structure. One row; nulls where it is not known yet.
CREATE OR REPLACE FUNCTION lizsync.identity()
RETURNS TABLE (server_id uuid, server_name text, version text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT (SELECT s.server_id FROM lizsync.server_metadata AS s ORDER BY s.server_name <> 'central' LIMIT 1),
           (SELECT s.server_name FROM lizsync.server_metadata AS s ORDER BY s.server_name <> 'central' LIMIT 1),
           (SELECT m.version FROM lizsync.sys_structure_metadonnee AS m ORDER BY m.id DESC LIMIT 1)
$function$;

-- Where the transaction stands. One row: its snapshot, and the highest event number given out.
CREATE OR REPLACE FUNCTION lizsync.moment()
RETURNS TABLE (snapshot text, highest_event bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT txid_current_snapshot()::text, CASE WHEN s.is_called THEN s.last_value ELSE 0 END
    FROM audit.logged_actions_event_id_seq AS s
$function$;

-- What this database has received from a sender. At most one row.
CREATE OR REPLACE FUNCTION lizsync.ledger(sender uuid)
RETURNS SETOF lizsync.received
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT r.* FROM lizsync.received AS r WHERE r.sender = ledger.sender
$function$;

-- The schemas that a clone synchronises, and the tables of them, by schema and name (null for all). One row; none
-- where the clone is not registered.
CREATE OR REPLACE FUNCTION lizsync.scope(clone uuid)
RETURNS TABLE (schemas text[], table_schemas text[], table_names text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT ARRAY(SELECT jsonb_array_elements_text(s.sync_schemas)),
        CASE jsonb_typeof(s.sync_tables) WHEN 'array' THEN
            ARRAY(SELECT t.e ->> 'schema' FROM jsonb_array_elements(s.sync_tables) WITH ORDINALITY AS t (e, place)
                  ORDER BY t.place) END,
        CASE jsonb_typeof(s.sync_tables) WHEN 'array' THEN
            ARRAY(SELECT t.e ->> 'table' FROM jsonb_array_elements(s.sync_tables) WITH ORDINALITY AS t (e, place)
                  ORDER BY t.place) END
    FROM lizsync.synchronized_schemas AS s WHERE s.server_id = scope.clone
$function$;

-- Whether this central made that package.
CREATE OR REPLACE FUNCTION lizsync.knows_package(package uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM lizsync.history AS h WHERE h.sync_id = knows_package.package)
$function$;

-- Whether this central knows a later deployment of that clone.
CREATE OR REPLACE FUNCTION lizsync.superseded(clone uuid, deployment uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM lizsync.deployments AS d JOIN lizsync.deployments AS later
        ON later.clone_id = d.clone_id AND later.number > d.number
        WHERE d.clone_id = superseded.clone AND d.deployment = superseded.deployment)
$function$;

-- Whether this central knows that deployment of that clone, and its schemas.
CREATE OR REPLACE FUNCTION lizsync.knows_clone(clone uuid, deployment uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM lizsync.deployments AS d
            WHERE d.clone_id = knows_clone.clone AND d.deployment = knows_clone.deployment)
        AND EXISTS (SELECT FROM lizsync.synchronized_schemas AS s WHERE s.server_id = knows_clone.clone)
$function$;

-- The tables of which there are new events, as they were called then, with the first and the last of these events and
-- the beginning of the latest transaction that they came from.
-- since: what the receiver has taken, a snapshot of this database; null for nothing.
-- receiver: events that came from it are left out, unless they are visible in deployed_at; null for
-- the events that were made here, and no others.
-- after_event: of the former plugin's events, the last one that the receiver had in its package; null for what the
-- history says. They count where nothing is visible in since: see access_former.sql.
CREATE OR REPLACE FUNCTION lizsync.new_tables(since txid_snapshot, receiver uuid, deployed_at txid_snapshot,
    after_event bigint DEFAULT NULL)
RETURNS TABLE (schema_name text, table_name text, relid oid, without_uid boolean, first_event bigint, last_event bigint,
    last_time timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
    package bigint;
BEGIN
    IF NOT lizsync.holds_log_since(new_tables.since) THEN
        RAISE EXCEPTION 'the log of this database does not reach back to the last synchronisation' USING ERRCODE = 'LZ003';
    END IF;
    RETURN QUERY
    SELECT l.schema_name, l.table_name, l.relid, l.uid IS NULL, min(l.event_id), max(l.event_id), max(l.action_tstamp_tx)
    FROM audit.logged_actions AS l
    WHERE NOT l.former
      AND (new_tables.since IS NULL
           OR l.transaction_id >= txid_snapshot_xmin(new_tables.since)
              AND NOT txid_visible_in_snapshot(l.transaction_id, new_tables.since))
      AND CASE WHEN new_tables.receiver IS NULL THEN l.origin IS NULL
          ELSE l.origin IS DISTINCT FROM new_tables.receiver
               OR txid_visible_in_snapshot(l.transaction_id, new_tables.deployed_at) END
    GROUP BY l.schema_name, l.table_name, l.relid, l.uid IS NULL;
    IF txid_snapshot_xmax(new_tables.since) = 1 AND new_tables.receiver IS NOT NULL THEN
        package := lizsync.former_package(new_tables.receiver, new_tables.after_event);
        RETURN QUERY
        -- Oids of that log can be those of another server.
        SELECT coalesce(p.root_schema, l.schema_name), coalesce(p.root_name, l.table_name),
               coalesce(p.root, to_regclass(quote_ident(l.schema_name) || '.' || quote_ident(l.table_name))::oid, max(l.relid)),
               lizsync.former_uid(l.row_data) IS NULL, min(l.event_id), max(l.event_id), max(l.action_tstamp_tx)
        FROM audit.logged_actions AS l
        LEFT JOIN lizsync.former_partitions() AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
        WHERE l.former AND l.event_id > package AND l.action IN ('I', 'U', 'D') AND l.row_data IS NOT NULL
          AND lizsync.former_lacks(new_tables.receiver, l.sync_data)
        GROUP BY l.schema_name, l.table_name, p.root_schema, p.root_name, p.root, lizsync.former_uid(l.row_data) IS NULL;
    END IF;
END
$function$;

-- The new events of some tables, sorted by number, row and order of the log.
-- since, receiver, deployed_at, after_event: as above. numbers, schema_names, table_names, without_uid: the tables,
-- one element for each; without_uid: the events of rows that have no uid (their event stands for
-- the row).
-- Returns the number of the table, row, action, event, time of the edit, user, what was written
-- (null for a deletion), and the times of fields that differ.
CREATE OR REPLACE FUNCTION lizsync.changes(since txid_snapshot, receiver uuid, deployed_at txid_snapshot,
    numbers integer[], schema_names text[], table_names text[], without_uid boolean[], after_event bigint DEFAULT NULL)
RETURNS TABLE (number integer, uid uuid, action text, event_id bigint, edit_time timestamptz, user_name text,
    fields {hstore}.hstore, field_times {hstore}.hstore)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $function$
BEGIN
    IF NOT lizsync.holds_log_since(changes.since) THEN
        RAISE EXCEPTION 'the log of this database does not reach back to the last synchronisation' USING ERRCODE = 'LZ003';
    END IF;
    RETURN QUERY
    SELECT t.number, coalesce(l.uid, lpad(to_hex(l.event_id), 32, '0')::uuid), l.action, l.event_id,
           l.edit_time, l.user_name, l.fields, l.field_times
    FROM (
        SELECT n.event_id, n.schema_name, n.table_name, n.uid, n.action, coalesce(n.edit_time, n.action_tstamp_clk) AS edit_time,
               coalesce(n.session_user_name, '') AS user_name,
               CASE n.action WHEN 'U' THEN n.changed_fields WHEN 'I' THEN n.row_data END AS fields, n.field_times
        FROM audit.logged_actions AS n
        WHERE NOT n.former
          AND (changes.since IS NULL
               OR n.transaction_id >= txid_snapshot_xmin(changes.since)
                  AND NOT txid_visible_in_snapshot(n.transaction_id, changes.since))
          AND CASE WHEN changes.receiver IS NULL THEN n.origin IS NULL
              ELSE n.origin IS DISTINCT FROM changes.receiver
                   OR txid_visible_in_snapshot(n.transaction_id, changes.deployed_at) END
        UNION ALL
        SELECT f.event_id, f.schema_name, f.table_name, f.uid, f.action, f.edit_time, f.user_name, f.fields, NULL
        FROM lizsync.former_events(changes.receiver, changes.after_event) AS f
        WHERE txid_snapshot_xmax(changes.since) = 1 AND changes.receiver IS NOT NULL
    ) AS l
    JOIN unnest(changes.numbers, changes.schema_names, changes.table_names, changes.without_uid)
         AS t (number, schema_name, table_name, without_uid)
      ON l.schema_name = t.schema_name AND l.table_name = t.table_name AND (l.uid IS NULL) = t.without_uid
    ORDER BY 1, 2, l.event_id;
END
$function$;

-- What cascades and triggers did so far in this transaction, captured by the triggers of the tables.
CREATE OR REPLACE FUNCTION lizsync.cascaded()
RETURNS TABLE (event_id bigint, schema_name text, table_name text, uid uuid, action text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT l.event_id, l.schema_name, l.table_name, l.uid, l.action
    FROM audit.logged_actions AS l
    WHERE l.transaction_id = txid_current() AND NOT l.former AND l.origin IS NULL
$function$;

REVOKE ALL ON FUNCTION lizsync.identity, lizsync.moment, lizsync.ledger, lizsync.scope, lizsync.knows_package,
    lizsync.superseded, lizsync.knows_clone, lizsync.new_tables, lizsync.changes, lizsync.cascaded FROM PUBLIC;
