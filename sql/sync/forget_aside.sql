-- In the clone: forgets what was sent and has reached the central. $1: the last run that it has; $2:
-- whether it has standbys: then only what runs sent that are forgotten themselves (prune.sql).
DELETE FROM lizsync.set_aside
WHERE sent_in = $1 AND NOT $2
   OR sent_in IS NOT NULL AND sent_in NOT IN (SELECT sync_id FROM lizsync.runs)
