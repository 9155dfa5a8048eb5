-- Records a package in the history. $1: uuid, its id. $2: uuid, the central's server id.
INSERT INTO lizsync.history (sync_id, server_from, server_to, min_event_id, max_event_id, max_action_tstamp_tx,
    sync_type, sync_status)
SELECT $1, $2::uuid::text, '{}', (SELECT min(event_id) FROM audit.logged_actions), last.event_id,
    last.action_tstamp_tx, 'full', 'done'
FROM (SELECT) AS one
LEFT JOIN (SELECT event_id, action_tstamp_tx FROM audit.logged_actions ORDER BY event_id DESC LIMIT 1) AS last ON true;
