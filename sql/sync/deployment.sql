-- In the clone: the package of a central that it was made from. $1: uuid, the central. At most one row: deployment, the
-- snapshot of the central then, the package, whether the central had standbys, whether the former plugin deployed the clone
-- and it has not synchronised since its upgrade, and the last event of the central in the former plugin's package (0: its log
-- was empty).
SELECT d.deployment, d.central_snapshot::text, d.package_id,
       coalesce((SELECT r.standbys FROM lizsync.runs AS r ORDER BY r.number DESC LIMIT 1), false),
       EXISTS (SELECT FROM lizsync.received AS r WHERE r.sender = $1 AND txid_snapshot_xmax(r.snapshot) = 1),
       (SELECT coalesce(h.max_event_id, 0) FROM lizsync.history AS h WHERE h.sync_id = d.package_id)
FROM lizsync.deployment AS d WHERE d.central_id = $1
