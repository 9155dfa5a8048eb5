-- Records a run in the central. $1 sync id, $2 central id, $3 clone id, $4..$8 the counts,
-- $9 what the clone had taken before (snapshot, text), $10..$17 the counts of each side.
INSERT INTO lizsync.history (sync_id, server_from, server_to, sync_type, sync_status, min_event_id, max_event_id,
    max_action_tstamp_tx, applied_to_clone, applied_to_central, conflicts, superseded, set_aside,
    captured_central, captured_clone, superseded_central, superseded_clone, lost_central, lost_clone,
    set_aside_central, set_aside_clone)
SELECT $1, $2::text, ARRAY[$3::text], 'partial', 'done', min(l.event_id), max(l.event_id), max(l.action_tstamp_tx),
    $4, $5, $6, $7, $8, $10, $11, $12, $13, $14, $15, $16, $17
FROM audit.logged_actions AS l
WHERE l.transaction_id >= txid_snapshot_xmin($9::text::txid_snapshot)
  AND NOT txid_visible_in_snapshot(l.transaction_id, $9::text::txid_snapshot)
  AND l.transaction_id <> txid_current()
  AND l.origin IS DISTINCT FROM $3::text::uuid;
