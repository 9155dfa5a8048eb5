-- Records a run in the central. $1 sync id, $2 clone id, $3 and $4 the first and the last event that it dealt with,
-- $5 the beginning of the latest transaction of these (text), $6..$18 the counts.
SELECT lizsync.record_run($1, $2, $3, $4, $5::text::timestamptz, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);
