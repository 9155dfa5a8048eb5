-- In a clone, after its tables were upgraded: the package that it was made from, and that nothing is known of the central but
-- what the former plugin wrote there. $1: uuid, the clone; $2: uuid, the central; $3: uuid, the package, or null; $4: text, its
-- time, or null; $5: its last event, or null; $6: text, the schemas as JSON, where no list has any.
-- The ids are made of that of the clone, so that the central, when it is upgraded, gives it the same.
WITH known AS MATERIALIZED (
    SELECT md5('lizsync deployment ' || $1::uuid::text)::uuid AS deployment,
           coalesce($3::uuid, md5('lizsync package ' || $1::uuid::text)::uuid) AS package
), deployment AS (
    INSERT INTO lizsync.deployment (deployment, central_id, package_id, package_time, central_snapshot)
    SELECT k.deployment, $2, k.package, coalesce($4::text::timestamptz, now()), '1:1:' FROM known AS k
), package AS (
    INSERT INTO lizsync.runs (number, sync_id, central_snapshot, clone_snapshot, standbys, confirmed)
    SELECT 0, k.package, '1:1:', '1:1:', false, false FROM known AS k
), list AS (
    INSERT INTO lizsync.synchronized_schemas (server_id, sync_schemas)
    VALUES ($1, $6::text::jsonb) ON CONFLICT (server_id) DO NOTHING
)
INSERT INTO lizsync.received (sender, snapshot, sync_id, deployment, highest_event)
SELECT $2, '1:1:', k.package, k.deployment, $5 FROM known AS k
