-- What is new for a receiver, as the first arguments of lizsync.changes and lizsync.new_tables: by transaction,
-- because transactions commit in another order than they number their events.
-- {since}: literal, what the receiver has taken, or NULL; {receiver}: literal, whose events are left out, or NULL
-- for only those made here; {deployed_at}: literal, the snapshot of its deployment.
{since}::txid_snapshot, {receiver}::uuid, {deployed_at}::txid_snapshot
