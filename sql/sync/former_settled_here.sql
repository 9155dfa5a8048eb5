-- In the clone: the central has heard of the TRUNCATEs of a table and of its partitions. $1, $2: schema and name; $3: text, the central; $4: text, the run.
UPDATE audit.logged_actions AS l
SET sync_data = CASE jsonb_typeof(l.sync_data) WHEN 'object' THEN l.sync_data ELSE '{}' END
    || jsonb_build_object('replayed_by', CASE jsonb_typeof(l.sync_data -> 'replayed_by') WHEN 'object' THEN l.sync_data -> 'replayed_by' ELSE '{}' END
        || jsonb_build_object($3::text, $4::text))
WHERE l.former AND l.action = 'T'
  AND (l.schema_name = $1 AND l.table_name = $2
       OR (l.schema_name, l.table_name) IN (
           SELECT p.leaf_schema, p.leaf_name FROM lizsync.former_partitions() AS p WHERE p.root_schema = $1 AND p.root_name = $2))
