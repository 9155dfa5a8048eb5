-- The schemas that a clone synchronises. $1: uuid of the clone. At most one row.
SELECT ARRAY(SELECT jsonb_array_elements_text(sync_schemas)) AS schemas
FROM lizsync.synchronized_schemas WHERE server_id = $1;
