-- What this database has received from a sender. $1: uuid of the sender. At most one row.
SELECT snapshot::text, sync_id, deployment, system_identifier, timeline, highest_event, acknowledged
FROM lizsync.ledger($1);
