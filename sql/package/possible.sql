-- What a manifest says that cannot be. $1: text, when the package was made; $2: text, its snapshot.
-- A clock may have been a day ahead; a snapshot is never ahead of its own server.
SELECT $1::text::timestamptz > now() + interval '1 day' AS future,
       txid_snapshot_xmax($2::text::txid_snapshot) > txid_snapshot_xmax(txid_current_snapshot()) AS beyond;
