-- Records that everything visible in a snapshot of the sender has been taken.
-- $1 sender, $2 snapshot (text), $3 sync id, $4 deployment, $5 system identifier, $6 timeline, $7 highest event,
-- $8 last sync id that the sender has received from here
INSERT INTO lizsync.received (sender, snapshot, sync_id, received_at, deployment, system_identifier, timeline, highest_event,
    acknowledged)
VALUES ($1, $2::text::txid_snapshot, $3, now(), $4, $5, $6, $7, $8)
ON CONFLICT (sender) DO UPDATE SET snapshot = excluded.snapshot, sync_id = excluded.sync_id,
    received_at = excluded.received_at, deployment = excluded.deployment,
    system_identifier = excluded.system_identifier, timeline = excluded.timeline,
    highest_event = excluded.highest_event, acknowledged = excluded.acknowledged;
