-- In the central: the last run of a clone that it has; no row for none.
-- $1: uuid, the clone. $2: uuid, its deployment. $3, $4: system identifier and timeline of its server:
-- on another one, transaction numbers mean nothing.
SELECT sync_id FROM lizsync.ledger($1)
WHERE deployment = $2
  AND coalesce(system_identifier, $3) = $3 AND coalesce(timeline, $4) = $4;
