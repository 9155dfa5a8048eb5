-- In the clone: the runs that it remembers, the last one first.
SELECT sync_id, central_snapshot::text AS central_snapshot, confirmed
FROM lizsync.runs ORDER BY number DESC
