-- In the clone: forgets the runs that the central has shown to have. $1: the last run that it has;
-- $2: whether it has standbys, which may take over without the runs of the last hour.
-- Returns the snapshot of the clone up to which its log is not needed any more; none if nothing is known.
WITH shown AS (
    SELECT number FROM lizsync.runs WHERE sync_id = $1
), gone AS (
    DELETE FROM lizsync.runs AS r USING shown
    WHERE r.number < shown.number AND NOT ($2 AND r.run_at > now() - interval '1 hour')
    RETURNING r.number, r.sync_id
), no_pulled AS (
    DELETE FROM lizsync.pulled AS p USING gone WHERE p.sync_id = gone.sync_id
), no_sent AS (
    DELETE FROM lizsync.sent AS s USING gone WHERE s.sync_id = gone.sync_id
)
SELECT r.clone_snapshot::text AS snapshot
FROM lizsync.runs AS r CROSS JOIN shown
WHERE r.number <= shown.number AND r.number NOT IN (SELECT number FROM gone)
ORDER BY r.number LIMIT 1
