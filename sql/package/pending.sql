-- Edits made in a clone that its central has not taken, and changes of it that the central could not
-- take.
-- $1: text, the snapshot up to which the central has taken them; null for nothing.
-- Returns tables and counts.
SELECT p.schema_name || '.' || p.table_name AS name, count(*) AS events
FROM (
    SELECT l.schema_name, l.table_name
    FROM audit.logged_actions AS l
    WHERE l.origin IS NULL
      AND CASE WHEN l.former
          -- A TRUNCATE under the former plugin, of which the central has not heard.
          THEN l.action = 'T' AND lizsync.former_lacks((SELECT d.central_id FROM lizsync.deployment AS d), l.sync_data)
          ELSE $1::text IS NULL OR coalesce(NOT txid_visible_in_snapshot(l.transaction_id, $1::text::txid_snapshot), true) END
    UNION ALL
    SELECT a.schema_name, a.table_name FROM lizsync.set_aside AS a WHERE a.owner = 'clone'
    UNION ALL
    SELECT s.schema_name, s.table_name FROM lizsync.sent AS s JOIN lizsync.runs AS r ON r.sync_id = s.sync_id
    WHERE NOT r.confirmed
) AS p
GROUP BY 1 ORDER BY 2 DESC, 1;
