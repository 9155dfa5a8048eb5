-- Records that everything visible in a snapshot of the sender has been taken.
-- $1 sender, $2 snapshot (text), $3 sync id, $4 deployment, $5 system identifier, $6 timeline, $7 highest event,
-- $8 last sync id that the sender has received from here
SELECT lizsync.receive($1, $2::text::txid_snapshot, $3, $4, $5, $6, $7, $8);
