-- In the central: the snapshot of a clone up to which its edits have been taken; no row for none.
-- $1: uuid, the clone. $2: uuid, its deployment. $3, $4: system identifier and timeline of its server:
-- on another one, transaction numbers mean nothing.
SELECT snapshot::text FROM lizsync.ledger($1)
WHERE deployment = $2
  AND coalesce(system_identifier, $3) = $3 AND coalesce(timeline, $4) = $4;
