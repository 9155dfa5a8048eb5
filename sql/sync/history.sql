-- Records a run in the central. $1 sync id, $2 clone id, $3 what the clone had taken before (snapshot, text),
-- $4..$16 the counts.
SELECT lizsync.record_run($1, $2, $3::text::txid_snapshot, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);
