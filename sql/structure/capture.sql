-- The capture of changes. {hstore} is the quoted schema of the extension hstore.
--
-- Logged text must not depend on the session that edits, so every function fixes the settings that
-- the output functions of types look at. A whole row becomes an hstore by an operator of the schema
-- audit: a function hstore(gis.tree), made beside that of the extension, would be preferred to hstore(record), also
-- where the row is cast to record, and run with the rights of these functions. Functions that read a table set
-- row_security = off: rows that a policy hides from their owner must be an error, never a loss.
--
-- They run with the rights of who installed LizSync, on tables of others. So the column uid is touched as
-- such only where its type is uuid itself: with any other, PostgreSQL would look for casts and operators
-- that somebody may have made. And where names of columns meet variables, the variables count.

DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_operator AS o WHERE o.oprnamespace = 'audit'::regnamespace AND o.oprname = '@#') THEN
        CREATE OPERATOR audit.@# (RIGHTARG = record, FUNCTION = {hstore}.hstore);
        COMMENT ON OPERATOR audit.@# (NONE, record) IS 'The fields of a row; as hstore(record), and nothing else';
    END IF;
END
$do$;

-- The rows of a table, as SQL behind FROM: of an ordinary one without those of tables that inherit from it, which are
-- synchronised as tables of their own.
CREATE OR REPLACE FUNCTION audit.own_rows(target regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || c.oid::regclass FROM pg_class AS c WHERE c.oid = target
$function$;

-- Corrects what the statement in course has just logged (events after `mark`) where triggers or
-- functions of the user's own changed the same rows again: their events were logged first, although
-- they came later, so the statement's own events must show the rows as they are now.
-- `+ 0` leads the planner to the events after the mark, instead of all of a long transaction.
CREATE OR REPLACE FUNCTION audit.settle(target regclass, mark bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 3 SET lc_monetary = 'C' SET row_security = off
AS $function$
DECLARE
    source text := audit.own_rows(target);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = target AND a.attname = 'uid'
                   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped) THEN
        RETURN;
    END IF;
    EXECUTE format($sql$
        UPDATE audit.logged_actions AS l
        SET row_data = CASE l.action WHEN 'I' THEN t.row ELSE l.row_data END,
            changed_fields = {hstore}.slice(t.row, {hstore}.akeys(l.changed_fields))
        FROM (SELECT r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM %s AS r) AS t
        WHERE l.transaction_id + 0 = txid_current() AND l.event_id > $1 AND l.relid = $2
          AND l.uid = t.uid AND l.action IN ('I', 'U')
    $sql$, source) USING mark, target::oid;
    EXECUTE format($sql$
        DELETE FROM audit.logged_actions AS l
        WHERE l.transaction_id + 0 = txid_current() AND l.event_id > $1 AND l.relid = $2
          AND l.uid IS NOT NULL
          AND (l.action = 'D') = EXISTS (SELECT FROM %s AS t WHERE t.uid = l.uid)
    $sql$, source) USING mark, target::oid;
END
$function$;

-- How deep, in lines of PG_CONTEXT, the captures went that logged anything in the course of the
-- client's statement. What a statement starts, be it a trigger or a function that it calls (RETURNING
-- f(uid)), stands deeper than the statement itself, but is logged before it. The depth stays until
-- the client's statement ends: it may fire several captures (ON CONFLICT, MERGE, WITH, cascades),
-- and each has to know. Compared under the settings of the caller, which are those of all captures.
CREATE OR REPLACE FUNCTION audit.deepest() RETURNS integer
LANGUAGE sql STABLE
AS $function$
    SELECT CASE split_part(current_setting('lizsync.depth', true), '@', 2) WHEN statement_timestamp()::text
           THEN split_part(current_setting('lizsync.depth', true), '@', 1)::integer ELSE 0 END
$function$;

-- Statement-level capture: one call and one INSERT for any number of rows.
CREATE OR REPLACE FUNCTION audit.capture_statement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 3 SET lc_monetary = 'C'
AS $function$
#variable_conflict use_variable
DECLARE
    clk timestamptz := clock_timestamp();
    app text := current_setting('application_name');
    addr inet := inet_client_addr();
    port integer := inet_client_port();
    context text;
    depth integer;
    deepest integer := audit.deepest();
    mark bigint;
    captured boolean;
    inside boolean;
    amount bigint;
    uids bigint;
    logged boolean := false;
BEGIN
    -- The engine logs what it applies itself, with origin and original times; not what triggers and
    -- cascades make of it.
    IF current_setting('lizsync.applying', true) = TG_RELID::oid::text AND pg_trigger_depth() = 1 THEN
        RETURN NULL;
    END IF;
    SELECT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = TG_RELID AND a.attname = 'uid'
                   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped),
           EXISTS (SELECT FROM pg_class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid
                   WHERE c.oid = TG_RELID AND c.relispartition AND t.tgfoid = 'audit.capture_row'::regproc)
    INTO captured, inside;
    IF NOT captured THEN
        RAISE EXCEPTION 'The changes of %.% cannot be captured: it has no column uid of type uuid any more',
                TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Give the column its name and type back, or run audit.audit_table on the table: '
                    'rows without uid are logged, but not synchronised.';
    END IF;
    -- A table that became a partition: its partitioned table captures each row.
    IF inside THEN
        RETURN NULL;
    END IF;
    GET DIAGNOSTICS context = PG_CONTEXT;
    depth := array_length(string_to_array(context, E'\n'), 1);
    IF deepest > depth THEN
        mark := nextval('audit.logged_actions_event_id_seq');
    END IF;

    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
            action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
            application_name, client_addr, client_port, action, row_data, uid)
        SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user,
            now(), statement_timestamp(), clk, txid_current(),
            app, addr, port, 'I', (OPERATOR(audit.@#) (n.*)), n.uid
        FROM new_rows AS n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
            action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
            application_name, client_addr, client_port, action, row_data, uid)
        SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user,
            now(), statement_timestamp(), clk, txid_current(),
            app, addr, port, 'D', (OPERATOR(audit.@#) (o.*)), o.uid
        FROM old_rows AS o;
    ELSE
        SELECT count(*), count(DISTINCT r.uid) INTO amount, uids FROM old_rows AS r;
        IF amount = 1 THEN
            -- What people save in QGIS comes row by row. A statement of its own has a plan for one row, whatever came
            -- before in this session. It finds nothing where the uid was changed, or nothing at all.
            INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
                action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
                application_name, client_addr, client_port, action, row_data, changed_fields, uid)
            SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user,
                now(), statement_timestamp(), clk, txid_current(), app, addr, port,
                'U', r.was, r.became OPERATOR({hstore}.-) r.was, r.uid
            FROM (SELECT o.uid, (OPERATOR(audit.@#) (o.*)) AS was, (OPERATOR(audit.@#) (n.*)) AS became
                  FROM old_rows AS o, new_rows AS n WHERE o.uid = n.uid OFFSET 0) AS r
            WHERE NOT (r.was OPERATOR({hstore}.=) r.became);
            logged := FOUND;
        END IF;
        IF amount > uids THEN
            -- Cascades through several foreign keys have changed a row more than once. Old and new rows stand
            -- in the order of the changes: its first version, and its last, are what counts.
            INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
                action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
                application_name, client_addr, client_port, action, row_data, changed_fields, uid)
            WITH old AS MATERIALIZED (
                SELECT row_number() OVER () AS pos, r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM old_rows AS r
            ), new AS MATERIALIZED (
                SELECT row_number() OVER () AS pos, r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM new_rows AS r
            )
            SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user,
                now(), statement_timestamp(), clk, txid_current(), app, addr, port,
                CASE WHEN o.uid IS NULL THEN 'I' WHEN n.uid IS NULL THEN 'D' ELSE 'U' END,
                coalesce(o.row, n.row),
                n.row OPERATOR({hstore}.-) o.row,
                coalesce(n.uid, o.uid)
            FROM (SELECT r.uid, r.row FROM old AS r
                  WHERE NOT EXISTS (SELECT FROM new AS made WHERE made.uid = r.uid AND made.pos < r.pos)) AS o
            FULL JOIN (SELECT r.uid, r.row FROM new AS r
                       WHERE NOT EXISTS (SELECT FROM old AS gone WHERE gone.uid = r.uid AND gone.pos > r.pos)) AS n
                ON n.uid = o.uid
            WHERE o.uid IS NULL OR n.uid IS NULL OR NOT (o.row OPERATOR({hstore}.=) n.row);
        ELSIF NOT logged THEN
            -- A changed uid pairs with nothing: the deletion of one row and the insertion of another.
            -- OFFSET 0 keeps the planner from computing hstore() once for each mention.
            INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
                action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
                application_name, client_addr, client_port, action, row_data, changed_fields, uid)
            SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user,
                now(), statement_timestamp(), clk, txid_current(), app, addr, port,
                CASE WHEN o.uid IS NULL THEN 'I' WHEN n.uid IS NULL THEN 'D' ELSE 'U' END,
                coalesce(o.row, n.row),
                n.row OPERATOR({hstore}.-) o.row,
                coalesce(n.uid, o.uid)
            FROM (SELECT r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM old_rows AS r OFFSET 0) AS o
            FULL JOIN (SELECT r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM new_rows AS r OFFSET 0) AS n
                ON n.uid = o.uid
            WHERE o.uid IS NULL OR n.uid IS NULL OR NOT (o.row OPERATOR({hstore}.=) n.row);
        END IF;
    END IF;

    IF deepest > depth THEN
        PERFORM audit.settle(TG_RELID, mark);
    ELSIF depth > 1 AND depth > deepest THEN
        PERFORM set_config('lizsync.depth', depth || '@' || statement_timestamp(), true);
    END IF;
    RETURN NULL;
END
$function$;

-- Gives a partition that was made later the trigger that captures TRUNCATE of the partition itself:
-- PostgreSQL clones only row-level triggers, so the first row captured there sees to it. Who edits must
-- not wait or fail for it: where another session writes the partition, the next edit tries again.
DROP FUNCTION IF EXISTS audit.guard_partition(regclass, text, text);
CREATE OR REPLACE FUNCTION audit.guard_partition(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM set_config('lizsync.guarded', target::oid::text, true);
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgfoid = 'audit.capture_truncate'::regproc) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', target);
    EXECUTE format('CREATE TRIGGER lizsync_capture_truncate BEFORE TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_truncate()', target);
EXCEPTION WHEN OTHERS THEN
    -- Without the right to it, "Prepare the central database" adds the trigger.
    PERFORM set_config('lizsync.guarded', target::oid::text, true);
END
$function$;

-- Row-level capture, for partitioned tables (PostgreSQL clones the trigger to every partition, also
-- to later ones), for tables without a uid, and for tables that inherit or are inherited from: a statement that
-- writes the parent fires no trigger for statements of the children, but those for rows. What happens in a
-- partition is logged under the name that the partitioned table has now: regclass prints it from the caches, with its schema, as the
-- search_path holds none of the user's.
CREATE OR REPLACE FUNCTION audit.capture_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 3 SET lc_monetary = 'C'
AS $function$
DECLARE
    target oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
    names text[] := parse_ident(target::regclass::text);
    context text;
    depth integer;
    deepest integer := audit.deepest();
    old_row {hstore}.hstore;
    new_row {hstore}.hstore;
    old_uid uuid;
    new_uid uuid;
    mark bigint;
    moved text;
    there boolean;
BEGIN
    IF target <> TG_RELID AND current_setting('lizsync.guarded', true) IS DISTINCT FROM TG_RELID::oid::text THEN
        PERFORM audit.guard_partition(TG_RELID);
    END IF;
    IF current_setting('lizsync.applying', true) = target::text AND pg_trigger_depth() = 1 THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        old_row := (OPERATOR(audit.@#) OLD);
        old_uid := old_row OPERATOR({hstore}.->) 'uid'::text;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := (OPERATOR(audit.@#) NEW);
        new_uid := new_row OPERATOR({hstore}.->) 'uid'::text;
    END IF;
    IF TG_OP = 'UPDATE' AND old_row OPERATOR({hstore}.=) new_row THEN
        RETURN NULL;
    END IF;
    GET DIAGNOSTICS context = PG_CONTEXT;
    depth := array_length(string_to_array(context, E'\n'), 1);
    IF deepest > depth AND coalesce(new_uid, old_uid) IS NOT NULL THEN
        mark := nextval('audit.logged_actions_event_id_seq');
    END IF;

    -- A row that moves to another partition is deleted there and, right after, inserted here. It is an
    -- update all the same: as an insertion, the fields that nobody touched would count as edited.
    IF TG_OP = 'DELETE' AND mark IS NOT NULL AND EXISTS (SELECT FROM pg_attribute AS a
            WHERE a.attrelid = target AND a.attname = 'uid' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped) THEN
        -- Others have logged meanwhile: their events, and this one, need not be in the order of what happened.
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE uid = $1)', audit.own_rows(target)) INTO there USING old_uid;
        IF there THEN
            PERFORM set_config('lizsync.moved', old_uid || ':' || target || ':' || old_row::text, true);
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP = 'INSERT' AND new_uid IS NOT NULL
       AND starts_with(current_setting('lizsync.moved', true), new_uid || ':' || target || ':') THEN
        moved := substr(current_setting('lizsync.moved'), length(new_uid || ':' || target || ':') + 1);
        PERFORM set_config('lizsync.moved', '', true);
    ELSIF TG_OP = 'INSERT' AND new_uid IS NOT NULL
       AND split_part(current_setting('lizsync.deleted', true), ':', 1) = new_uid::text THEN
        UPDATE audit.logged_actions AS l
        SET action = 'U', changed_fields = new_row OPERATOR({hstore}.-) l.row_data
        WHERE l.event_id = split_part(current_setting('lizsync.deleted', true), ':', 2)::bigint
          AND l.transaction_id = txid_current() AND l.relid = target AND l.uid = new_uid AND l.action = 'D';
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;

    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
        action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
        application_name, client_addr, client_port, action, row_data, changed_fields, uid)
    SELECT names[1], names[2], target,
        session_user, now(), statement_timestamp(), clock_timestamp(), txid_current(),
        current_setting('application_name'), inet_client_addr(), inet_client_port(),
        e.action, e.row_data, e.changed_fields, e.uid
    FROM (
        SELECT 'D' AS action, old_row AS row_data, NULL::{hstore}.hstore AS changed_fields, old_uid AS uid
        WHERE TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND old_uid IS DISTINCT FROM new_uid
        UNION ALL
        SELECT 'I', new_row, NULL, new_uid
        WHERE TG_OP = 'INSERT' AND moved IS NULL OR TG_OP = 'UPDATE' AND old_uid IS DISTINCT FROM new_uid
        UNION ALL
        SELECT 'U', moved::{hstore}.hstore, new_row OPERATOR({hstore}.-) moved::{hstore}.hstore, new_uid
        WHERE moved IS NOT NULL
        UNION ALL
        SELECT 'U', old_row, new_row OPERATOR({hstore}.-) old_row, new_uid
        WHERE TG_OP = 'UPDATE' AND old_uid IS NOT DISTINCT FROM new_uid
    ) AS e;

    IF TG_OP = 'DELETE' AND old_uid IS NOT NULL THEN
        PERFORM set_config('lizsync.deleted',
            old_uid || ':' || currval('audit.logged_actions_event_id_seq'), true);
    END IF;
    IF mark IS NOT NULL THEN
        PERFORM audit.settle(target, mark);
    ELSIF depth > 1 AND depth > deepest THEN
        PERFORM set_config('lizsync.depth', depth || '@' || statement_timestamp(), true);
    END IF;
    RETURN NULL;
END
$function$;

-- TRUNCATE is the deletion of the rows that the table holds.
-- On a partitioned table it sees to partitions that were made later and have no trigger of their own
-- that fires in this session.
CREATE OR REPLACE FUNCTION audit.capture_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 3 SET lc_monetary = 'C' SET row_security = off
AS $function$
DECLARE
    target oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
    names text[] := parse_ident(target::regclass::text);
    source regclass;
BEGIN
    FOR source IN
        SELECT s.oid FROM pg_class AS s
        WHERE s.oid = TG_RELID AND s.relkind = 'r'
           OR s.relkind = 'r' AND s.oid <> TG_RELID AND s.oid IN (SELECT relid FROM pg_partition_tree(TG_RELID))
              AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = s.oid
                              AND (t.tgenabled = 'A' OR t.tgenabled =
                                   CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
                              AND t.tgfoid = 'audit.capture_truncate'::regproc)
    LOOP
        EXECUTE format($sql$
            INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name,
                action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, transaction_id,
                application_name, client_addr, client_port, action, row_data, uid)
            SELECT $1, $2, $3, session_user,
                now(), statement_timestamp(), clock_timestamp(), txid_current(),
                current_setting('application_name'), inet_client_addr(), inet_client_port(),
                'D', t.row, (t.row OPERATOR({hstore}.->) 'uid'::text)::uuid
            FROM (SELECT (OPERATOR(audit.@#) (r.*)) AS row FROM ONLY %s AS r OFFSET 0) AS t
        $sql$, source)
        USING names[1], names[2], target;
    END LOOP;
    RETURN NULL;
END
$function$;

-- Stops the capture of a table.
CREATE OR REPLACE FUNCTION audit.unaudit_table(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    trig record;
BEGIN
    FOR trig IN
        SELECT t.tgrelid::regclass AS rel, t.tgname
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        -- An array, so that the index on tgrelid serves.
        WHERE t.tgrelid = ANY (ARRAY(SELECT target::oid UNION SELECT p.relid::oid FROM pg_partition_tree(target) AS p))
          AND p.pronamespace = 'audit'::regnamespace
          AND p.proname IN ('capture_statement', 'capture_row', 'capture_truncate')
          -- What PostgreSQL made for a partition goes with its original; before 13 it is internal.
          AND NOT t.tgisinternal AND coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trig.tgname, trig.rel);
    END LOOP;
    DELETE FROM audit.logged_relations WHERE relation_name = target::text;
END
$function$;

-- Captures the changes of a table from now on. Calling it again changes nothing that matters:
-- the triggers are made anew, as the table needs them.
CREATE OR REPLACE FUNCTION audit.audit_table(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind "char";
    leaf regclass;
BEGIN
    SELECT c.relkind INTO kind
    FROM pg_class AS c
    WHERE c.oid = target AND NOT c.relispartition;
    IF kind IS NULL OR kind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '% is not a table', target
            USING HINT = 'Only ordinary and partitioned tables can be audited; of a partition, its partitioned table.';
    END IF;
    PERFORM audit.unaudit_table(target);

    IF kind = 'p' OR EXISTS (
        -- A temporary table is for one session, and no reason for others.
        SELECT FROM pg_inherits AS h JOIN pg_class AS i ON i.oid = h.inhrelid AND i.relpersistence <> 't'
        WHERE h.inhrelid = target OR h.inhparent = target
    ) OR NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'uid' AND NOT attisdropped AND attnotnull
            AND atttypid = 'uuid'::regtype
    ) THEN
        EXECUTE format('CREATE TRIGGER lizsync_capture_row AFTER INSERT OR UPDATE OR DELETE ON %s
            FOR EACH ROW EXECUTE FUNCTION audit.capture_row()', target);
        FOR leaf IN
            SELECT p.relid FROM pg_partition_tree(target) AS p
            JOIN pg_class AS c ON c.oid = p.relid AND c.relkind IN ('r', 'p')
            UNION SELECT target
        LOOP
            IF leaf = target OR (SELECT relkind FROM pg_class WHERE oid = leaf) = 'r' THEN
                EXECUTE format('CREATE TRIGGER lizsync_capture_truncate BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_truncate()', leaf);
                EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER lizsync_capture_truncate', leaf);
            END IF;
            -- Before PostgreSQL 13 the triggers of partitions are a superuser's to change: without one they
            -- capture all but sessions in replication mode, which only a superuser can begin.
            IF leaf = target OR current_setting('server_version_num')::integer >= 130000
               OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER lizsync_capture_row', leaf);
            END IF;
        END LOOP;
    ELSE
        EXECUTE format('CREATE TRIGGER lizsync_capture_insert AFTER INSERT ON %s
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement()', target);
        EXECUTE format('CREATE TRIGGER lizsync_capture_update AFTER UPDATE ON %s
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement()', target);
        EXECUTE format('CREATE TRIGGER lizsync_capture_delete AFTER DELETE ON %s
            REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement()', target);
        EXECUTE format('CREATE TRIGGER lizsync_capture_truncate BEFORE TRUNCATE ON %s
            FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_truncate()', target);
        -- ALWAYS: also in sessions that run with session_replication_role = replica.
        EXECUTE format('ALTER TABLE %s
            ENABLE ALWAYS TRIGGER lizsync_capture_insert, ENABLE ALWAYS TRIGGER lizsync_capture_update,
            ENABLE ALWAYS TRIGGER lizsync_capture_delete, ENABLE ALWAYS TRIGGER lizsync_capture_truncate', target);
    END IF;

    INSERT INTO audit.logged_relations (relation_name, uid_column)
    SELECT target::text, a.attname
    FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = target AND i.indisprimary;
END
$function$;

REVOKE ALL ON FUNCTION audit.own_rows(regclass), audit.settle(regclass, bigint), audit.deepest(),
    audit.guard_partition(regclass), audit.capture_statement(), audit.capture_row(),
    audit.capture_truncate() FROM PUBLIC;
