-- In a clone of the former plugin that does not know its central: it is $1 (uuid).
WITH deployment AS (
    UPDATE lizsync.deployment SET central_id = $1 WHERE central_id = '00000000-0000-0000-0000-000000000000'
)
UPDATE lizsync.received SET sender = $1 WHERE sender = '00000000-0000-0000-0000-000000000000'
