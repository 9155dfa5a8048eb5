-- The condition for an event of audit.logged_actions (l) to be new for the receiver.
-- {snapshot}: literal, what the receiver has taken. By transaction, because transactions commit in
-- another order than they number their events; the range condition is for the index.
l.transaction_id >= txid_snapshot_xmin({snapshot}::txid_snapshot)
AND NOT txid_visible_in_snapshot(l.transaction_id, {snapshot}::txid_snapshot)
