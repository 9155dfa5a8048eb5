-- Lists of tables become lists of schemas with their tables: texts such as "gis"."tree" become objects; for a partition its
-- partitioned table counts.
ALTER TABLE lizsync.synchronized_tables RENAME TO synchronized_schemas;
ALTER TABLE lizsync.synchronized_schemas ADD COLUMN sync_schemas jsonb;
WITH listed AS (
    SELECT s.server_id, coalesce(o.nspname, x.names[1]) AS schema, coalesce(r.relname, x.names[2]) AS name, min(x.place) AS place
    FROM lizsync.synchronized_schemas AS s
    CROSS JOIN LATERAL (
        SELECT parse_ident(t.value) AS names, t.place
        FROM jsonb_array_elements_text(CASE jsonb_typeof(s.sync_tables) WHEN 'array' THEN s.sync_tables ELSE '[]' END)
            WITH ORDINALITY AS t (value, place)) AS x
    LEFT JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(x.names[1]) || '.' || quote_ident(x.names[2])) AND c.relispartition
    LEFT JOIN pg_class AS r ON r.oid = pg_partition_root(c.oid)
    LEFT JOIN pg_namespace AS o ON o.oid = r.relnamespace
    GROUP BY 1, 2, 3
)
UPDATE lizsync.synchronized_schemas AS s
SET sync_schemas = coalesce((SELECT jsonb_agg(n.schema ORDER BY n.place) FROM (
        SELECT l.schema, min(l.place) AS place FROM listed AS l WHERE l.server_id = s.server_id GROUP BY 1) AS n), '[]'),
    sync_tables = coalesce((SELECT jsonb_agg(jsonb_build_object('schema', l.schema, 'table', l.name) ORDER BY l.place)
        FROM listed AS l WHERE l.server_id = s.server_id), '[]')
WHERE jsonb_typeof(s.sync_tables) = 'array';
