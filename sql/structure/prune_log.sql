-- The log must not grow for ever: what every clone has received goes.

-- Whether all that is visible in one snapshot is visible in another.
CREATE OR REPLACE FUNCTION lizsync.covers(snapshot txid_snapshot, other txid_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT txid_snapshot_xmax(covers.other) <= txid_snapshot_xmax(covers.snapshot)
        AND NOT EXISTS (SELECT FROM txid_snapshot_xip(covers.snapshot) AS x WHERE txid_visible_in_snapshot(x, covers.other))
$function$;

-- Whether the log of this database holds all events that are not visible in a snapshot (null: all events).
CREATE OR REPLACE FUNCTION lizsync.holds_log_since(since txid_snapshot) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT NOT EXISTS (SELECT FROM lizsync.pruned AS p WHERE lizsync.covers(holds_log_since.since, p.snapshot) IS NOT TRUE)
$function$;

-- The clones that this central knows. last_run: null where a clone has not synchronised since it was deployed; given:
-- what it has taken of this central.
CREATE OR REPLACE FUNCTION lizsync.clones()
RETURNS TABLE (clone_id uuid, deployed_at timestamptz, last_run timestamptz, given txid_snapshot)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT ON (d.clone_id) d.clone_id, d.registered_at, r.received_at, r.given
    FROM lizsync.deployments AS d
    LEFT JOIN lizsync.received AS r ON r.sender = d.clone_id AND r.deployment = d.deployment
    ORDER BY d.clone_id, d.number DESC
$function$;

-- Forgets a clone that will not come back, so that the log need not be kept for it. What it has not sent is not
-- waited for; should it synchronise again, it is refused where the log does not reach back far enough, and has to be
-- deployed again. Returns whether it was known.
CREATE OR REPLACE FUNCTION lizsync.forget_clone(clone uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM lizsync.received AS r WHERE r.sender = forget_clone.clone;
    DELETE FROM lizsync.set_aside AS a WHERE a.clone_id = forget_clone.clone;
    DELETE FROM lizsync.synchronized_schemas AS s WHERE s.server_id = forget_clone.clone;
    DELETE FROM lizsync.deployments AS d WHERE d.clone_id = forget_clone.clone;
    RETURN FOUND;
END
$function$;

-- Removes events from the log of this central that every clone it knows has received, the oldest first and no more
-- than `most`; never others. Nothing goes as long as a clone has not synchronised since it was deployed: see
-- lizsync.clones(). Returns how many events were removed.
CREATE OR REPLACE FUNCTION lizsync.prune_log(most bigint DEFAULT 100000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
    upper bigint;
    received txid_snapshot;
    removed bigint;
    left_over bigint := 0;
BEGIN
    -- One after another; and no clone is registered meanwhile.
    LOCK TABLE lizsync.pruned IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE lizsync.deployments IN SHARE MODE;
    IF (SELECT count(*) = 0 OR bool_or(c.given IS NULL) FROM lizsync.clones() AS c) THEN
        RETURN 0;
    END IF;
    -- What all have received: visible in each of their snapshots.
    SELECT min(txid_snapshot_xmax(c.given)) INTO upper FROM lizsync.clones() AS c;
    SELECT (coalesce(min(x.id), upper) || ':' || upper || ':' || coalesce(string_agg(x.id::text, ',' ORDER BY x.id), ''))::txid_snapshot
    INTO received
    FROM (SELECT DISTINCT i.id FROM lizsync.clones() AS c CROSS JOIN txid_snapshot_xip(c.given) AS i (id) WHERE i.id < upper) AS x;
    -- Who has synchronised with this central has read what the former plugin left. Its events have the lowest numbers.
    IF (SELECT o.former FROM audit.logged_actions AS o ORDER BY o.event_id LIMIT 1) THEN
        DELETE FROM audit.logged_actions AS l
        WHERE l.event_id IN (SELECT o.event_id FROM audit.logged_actions AS o
            WHERE o.former ORDER BY o.event_id LIMIT prune_log.most);
        GET DIAGNOSTICS left_over = ROW_COUNT;
    END IF;
    DELETE FROM audit.logged_actions AS l
    WHERE l.event_id IN (
        SELECT o.event_id FROM audit.logged_actions AS o
        WHERE o.transaction_id < upper AND NOT o.former AND txid_visible_in_snapshot(o.transaction_id, received)
        ORDER BY o.transaction_id LIMIT prune_log.most - left_over);
    GET DIAGNOSTICS removed = ROW_COUNT;
    removed := removed + left_over;
    IF removed > 0 AND NOT EXISTS (SELECT FROM lizsync.pruned AS p WHERE lizsync.covers(p.snapshot, received)) THEN
        DELETE FROM lizsync.pruned AS p WHERE lizsync.covers(received, p.snapshot);
        INSERT INTO lizsync.pruned (snapshot) VALUES (received);
    END IF;
    RETURN removed;
END
$function$;

REVOKE ALL ON FUNCTION lizsync.covers, lizsync.holds_log_since, lizsync.clones, lizsync.forget_clone, lizsync.prune_log FROM PUBLIC;
