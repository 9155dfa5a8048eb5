-- In the clone: where it now stands. $1: uuid, the new deployment. $2: uuid, the central.
-- $3: uuid, the package. $4: text, when it was made. $5: text, its snapshot. $6: text, the central's
-- present snapshot. $7, $8, $9: the central's system identifier, timeline and highest event.
WITH deployment AS (
    INSERT INTO lizsync.deployment (deployment, central_id, package_id, package_time, central_snapshot)
    VALUES ($1, $2, $3, $4::text::timestamptz, $6::text::txid_snapshot)
), package AS (
    INSERT INTO lizsync.runs (number, sync_id, central_snapshot, clone_snapshot, standbys, confirmed)
    VALUES (0, $3, $5::text::txid_snapshot, txid_current_snapshot(), false, true)
)
INSERT INTO lizsync.received (sender, snapshot, sync_id, deployment, system_identifier, timeline, highest_event)
VALUES ($2, $5::text::txid_snapshot, $3, $1, $7, $8, $9);
