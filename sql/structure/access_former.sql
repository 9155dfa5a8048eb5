-- What the former plugin's log holds for a clone that it deployed. {hstore} is the quoted schema of the extension
-- hstore. The comment of access_read.sql says why these are functions, and what they must not do.
--
-- The former plugin wrote into each event which clones have replayed it (sync_data -> 'replayed_by') and which clone
-- it came from. Its events are read once by each clone, in the first run after the clone's upgrade; the ledger of
-- the clone then says '1:1:', the snapshot in which nothing is visible. Afterwards snapshots go on.

-- The uid in a row that the former plugin logged; null where the row has none. Called for each event of the log, so it
-- has no settings of its own: then PostgreSQL makes it part of the query.
CREATE OR REPLACE FUNCTION lizsync.former_uid(row_data {hstore}.hstore) RETURNS uuid
LANGUAGE sql IMMUTABLE
AS $function$
    SELECT CASE WHEN former_uid.row_data OPERATOR({hstore}.->) 'uid'::text
                     ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
           THEN (former_uid.row_data OPERATOR({hstore}.->) 'uid'::text)::uuid END
$function$;

-- When an edit was made that the former plugin brought from a clone; null for an edit made here.
CREATE OR REPLACE FUNCTION lizsync.former_time(sync_data jsonb) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, MDY'
AS $function$
    SELECT CASE jsonb_typeof(former_time.sync_data -> 'action_tstamp_tx')
        WHEN 'number' THEN to_timestamp((former_time.sync_data ->> 'action_tstamp_tx')::double precision)
        WHEN 'string' THEN CASE
            WHEN former_time.sync_data ->> 'action_tstamp_tx'
                 ~ '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d(:?\d\d)?))?$'
            THEN (former_time.sync_data ->> 'action_tstamp_tx')::timestamptz END END
$function$;

-- The two uids of an update that changed the uid of its row, of which the former plugin found the row by the first;
-- null for all other events.
CREATE OR REPLACE FUNCTION lizsync.former_uids(action text, row_data {hstore}.hstore, changed_fields {hstore}.hstore) RETURNS uuid[]
LANGUAGE sql IMMUTABLE
AS $function$
    SELECT CASE WHEN former_uids.action = 'U'
                     AND former_uids.changed_fields OPERATOR({hstore}.->) 'uid'::text
                         ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
                     AND former_uids.row_data OPERATOR({hstore}.->) 'uid'::text
                         ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
           THEN ARRAY[(former_uids.row_data OPERATOR({hstore}.->) 'uid'::text)::uuid,
                      (former_uids.changed_fields OPERATOR({hstore}.->) 'uid'::text)::uuid] END
$function$;

-- The partitions, with their partitioned tables: the former plugin logged under the name of the partition.
CREATE OR REPLACE FUNCTION lizsync.former_partitions()
RETURNS TABLE (leaf_schema text, leaf_name text, root_schema text, root_name text, root oid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT n.nspname::text, c.relname::text, o.nspname::text, r.relname::text, r.oid
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_class AS r ON r.oid = pg_partition_root(c.oid) JOIN pg_namespace AS o ON o.oid = r.relnamespace
    WHERE c.relispartition AND c.relkind IN ('r', 'p')
$function$;

-- The event up to which a clone has all in its package: the one that it names itself, else that of the last package
-- that the history says it was made from, else that of the first package of the former plugin (it was made from one of them).
-- A package without a last event is one of an empty log.
CREATE OR REPLACE FUNCTION lizsync.former_package(receiver uuid, after_event bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(former_package.after_event, (
        SELECT coalesce(h.max_event_id, 0) FROM lizsync.history AS h
        WHERE h.sync_type = 'full' AND former_package.receiver::text = ANY (h.server_to)
        ORDER BY h.sync_time DESC LIMIT 1), (
        SELECT min(coalesce(h.max_event_id, 0)) FROM lizsync.history AS h
        -- Later ones are of this product.
        WHERE h.sync_type = 'full' AND coalesce(h.max_event_id, 0) < (
            SELECT l.event_id FROM audit.logged_actions AS l WHERE l.former ORDER BY l.event_id DESC LIMIT 1)), 0)
$function$;

-- Whether a clone lacks an event of the former plugin.
CREATE OR REPLACE FUNCTION lizsync.former_lacks(receiver uuid, sync_data jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $function$
    SELECT (former_lacks.sync_data ->> 'origin') IS DISTINCT FROM former_lacks.receiver::text
       AND NOT coalesce(jsonb_exists(former_lacks.sync_data -> 'replayed_by', former_lacks.receiver::text), false)
$function$;

-- The tables that were emptied by TRUNCATE under the former plugin, which did not log the rows, with the last time:
-- those of which the clone has not heard. None where `since` says that the clone has read the former log.
CREATE OR REPLACE FUNCTION lizsync.former_truncates(since txid_snapshot, receiver uuid, after_event bigint)
RETURNS TABLE (schema_name text, table_name text, at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $function$
BEGIN
    IF txid_snapshot_xmax(former_truncates.since) IS DISTINCT FROM 1 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT coalesce(p.root_schema, l.schema_name), coalesce(p.root_name, l.table_name), max(l.action_tstamp_clk)
    FROM audit.logged_actions AS l
    LEFT JOIN lizsync.former_partitions() AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
    WHERE l.former AND l.action = 'T'
      AND l.event_id > lizsync.former_package(former_truncates.receiver, former_truncates.after_event)
      AND lizsync.former_lacks(former_truncates.receiver, l.sync_data)
    GROUP BY 1, 2;
END
$function$;

-- The events of the former plugin that a clone has to read: those that it lacks, and all later ones of the same rows, so
-- that it ends with what the rows are in this database, whatever it has of them already. What came before a TRUNCATE
-- of the table is over. A change of the uid is the deletion of one row and the insertion of another.
-- Each step reads the log once: it may be large, and nothing tells the planner how few events are lacking.
CREATE OR REPLACE FUNCTION lizsync.former_events(receiver uuid, after_event bigint)
RETURNS TABLE (event_id bigint, schema_name text, table_name text, relid oid, uid uuid, action text,
    action_tstamp_tx timestamptz, edit_time timestamptz, user_name text, fields {hstore}.hstore)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET enable_nestloop = off
AS $function$
#variable_conflict use_column
DECLARE
    package bigint := lizsync.former_package(former_events.receiver, former_events.after_event);
BEGIN
    RETURN QUERY
    WITH emptied AS MATERIALIZED (
        SELECT t.schema_name, t.table_name, max(t.event_id) AS event_id
        FROM audit.logged_actions AS t WHERE t.former AND t.action = 'T' AND t.event_id > package GROUP BY 1, 2
    ), partition AS MATERIALIZED (
        SELECT p.* FROM lizsync.former_partitions() AS p
    ), lacking AS MATERIALIZED (
        SELECT e.schema_name, e.table_name, e.name, min(e.event_id) AS first_event, e.alone
        FROM (
            SELECT coalesce(p.root_schema, l.schema_name) AS schema_name, coalesce(p.root_name, l.table_name) AS table_name, l.event_id,
                   unnest(coalesce(lizsync.former_uids(l.action, l.row_data, l.changed_fields)::text[],
                                   ARRAY[l.row_data OPERATOR({hstore}.->) 'uid'::text])) AS name,
                   CASE WHEN lizsync.former_uid(l.row_data) IS NULL THEN l.event_id END AS alone
            FROM audit.logged_actions AS l
            LEFT JOIN partition AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
            WHERE l.former AND l.event_id > package AND l.action IN ('I', 'U', 'D') AND l.row_data IS NOT NULL
              AND (l.action <> 'U' OR l.changed_fields OPERATOR({hstore}.<>) ''::{hstore}.hstore)
              AND lizsync.former_lacks(former_events.receiver, l.sync_data)
              AND NOT EXISTS (SELECT FROM emptied AS t
                              WHERE (t.schema_name, t.table_name) = (l.schema_name, l.table_name) AND t.event_id > l.event_id)
              AND NOT EXISTS (SELECT FROM emptied AS t
                              WHERE (t.schema_name, t.table_name) = (p.root_schema, p.root_name) AND t.event_id > l.event_id)
        ) AS e
        GROUP BY 1, 2, 3, 5
    )
    SELECT l.event_id, r.schema_name, r.table_name, coalesce(p.root, l.relid), r.name::uuid, CASE WHEN m.moved THEN 'D' ELSE l.action END,
           l.action_tstamp_tx, coalesce(lizsync.former_time(l.sync_data), l.action_tstamp_clk), coalesce(l.session_user_name, ''),
           CASE WHEN m.moved THEN NULL WHEN l.action = 'U' THEN l.changed_fields WHEN l.action = 'I' THEN l.row_data END
    FROM audit.logged_actions AS l
    LEFT JOIN partition AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
    JOIN lacking AS r ON r.schema_name = coalesce(p.root_schema, l.schema_name) AND r.table_name = coalesce(p.root_name, l.table_name)
        AND r.name = l.row_data OPERATOR({hstore}.->) 'uid'::text
    CROSS JOIN LATERAL (SELECT lizsync.former_uids(l.action, l.row_data, l.changed_fields) IS NOT NULL AS moved) AS m
    WHERE r.alone IS NULL AND l.former AND l.event_id > package AND l.event_id >= r.first_event
      AND l.action IN ('I', 'U', 'D') AND l.row_data IS NOT NULL
      AND (l.action <> 'U' OR l.changed_fields OPERATOR({hstore}.<>) ''::{hstore}.hstore)
    UNION ALL
    -- The row that came of it.
    SELECT l.event_id, r.schema_name, r.table_name, coalesce(p.root, l.relid), r.name::uuid, 'I', l.action_tstamp_tx,
           coalesce(lizsync.former_time(l.sync_data), l.action_tstamp_clk), coalesce(l.session_user_name, ''),
           l.row_data OPERATOR({hstore}.||) l.changed_fields
    FROM audit.logged_actions AS l
    LEFT JOIN partition AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
    JOIN lacking AS r ON r.schema_name = coalesce(p.root_schema, l.schema_name) AND r.table_name = coalesce(p.root_name, l.table_name)
        AND r.name = l.changed_fields OPERATOR({hstore}.->) 'uid'::text
    WHERE r.alone IS NULL AND l.former AND l.event_id > package AND l.event_id >= r.first_event
      AND lizsync.former_uids(l.action, l.row_data, l.changed_fields) IS NOT NULL
    UNION ALL
    SELECT l.event_id, r.schema_name, r.table_name, l.relid, NULL, l.action, l.action_tstamp_tx,
           coalesce(lizsync.former_time(l.sync_data), l.action_tstamp_clk), coalesce(l.session_user_name, ''),
           CASE l.action WHEN 'U' THEN l.changed_fields WHEN 'I' THEN l.row_data END
    FROM lacking AS r JOIN audit.logged_actions AS l ON l.event_id = r.alone;
END
$function$;

REVOKE ALL ON FUNCTION lizsync.former_uid, lizsync.former_uids, lizsync.former_partitions, lizsync.former_time, lizsync.former_package, lizsync.former_lacks,
    lizsync.former_truncates, lizsync.former_events FROM PUBLIC;
