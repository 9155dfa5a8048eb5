-- In the clone: clears its log of what the central has. $1: text, the snapshot of the clone up to which it has it; '1:1:'
-- before the first run after an upgrade. What the former plugin left was over when that run began; its events have the
-- lowest numbers.
WITH former AS (
    DELETE FROM audit.logged_actions AS l
    WHERE l.former AND txid_snapshot_xmax($1::text::txid_snapshot) > 1
      AND (SELECT o.former FROM audit.logged_actions AS o ORDER BY o.event_id LIMIT 1)
)
DELETE FROM audit.logged_actions
WHERE NOT former AND transaction_id < txid_snapshot_xmax($1::text::txid_snapshot)
  AND txid_visible_in_snapshot(transaction_id, $1::text::txid_snapshot)
