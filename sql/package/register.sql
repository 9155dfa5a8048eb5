-- In the central: a clone was deployed. $1: uuid, the clone. $2: text, a JSON array of its schemas.
-- $3: uuid, the package. A new deployment starts with an empty ledger,
-- and takes all that the clone could not.
WITH schemas AS (
    INSERT INTO lizsync.synchronized_schemas (server_id, sync_schemas) VALUES ($1, $2::text::jsonb)
    ON CONFLICT (server_id) DO UPDATE SET sync_schemas = excluded.sync_schemas
), ledger AS (
    DELETE FROM lizsync.received WHERE sender = $1
), aside AS (
    DELETE FROM lizsync.set_aside WHERE clone_id = $1
)
UPDATE lizsync.history
SET server_to = array_append(array_remove(coalesce(server_to, '{}'), $1::uuid::text), $1::uuid::text)
WHERE sync_id = $3;
