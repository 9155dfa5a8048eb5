-- Edits made in a clone that its central has not taken.
-- $1: text, the snapshot up to which the central has taken them; null for nothing.
-- Returns tables and counts.
SELECT schema_name || '.' || table_name AS name, count(*) AS events
FROM audit.logged_actions
WHERE origin IS NULL
  AND ($1::text IS NULL OR coalesce(NOT txid_visible_in_snapshot(transaction_id, $1::text::txid_snapshot), true))
GROUP BY 1 ORDER BY 2 DESC, 1;
