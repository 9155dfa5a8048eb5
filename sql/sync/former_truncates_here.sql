-- In the clone: the tables that were emptied by TRUNCATE under the former plugin and of which the central has not heard.
-- $1: uuid, the clone; $2: uuid, the central. Returns schema, name, and when it was done last.
SELECT coalesce(p.root_schema, l.schema_name), coalesce(p.root_name, l.table_name), max(l.action_tstamp_clk)::text AS at
FROM audit.logged_actions AS l
LEFT JOIN lizsync.former_partitions() AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
WHERE l.former AND l.action = 'T' AND coalesce(nullif(l.sync_data ->> 'origin', ''), $1::uuid::text) = $1::uuid::text
  AND lizsync.former_lacks($2, l.sync_data)
GROUP BY 1, 2 ORDER BY 1, 2
