-- Lists of tables become lists of schemas with their tables: texts such as "gis"."tree" become objects.
ALTER TABLE lizsync.synchronized_tables RENAME TO synchronized_schemas;
ALTER TABLE lizsync.synchronized_schemas ADD COLUMN sync_schemas jsonb;
UPDATE lizsync.synchronized_schemas AS s
SET sync_schemas = coalesce((SELECT jsonb_agg(n.schema ORDER BY n.place) FROM (
        SELECT t.names[1] AS schema, min(t.place) AS place
        FROM (SELECT parse_ident(x.value) AS names, x.place
              FROM jsonb_array_elements_text(s.sync_tables) WITH ORDINALITY AS x (value, place)) AS t
        GROUP BY 1) AS n), '[]'),
    sync_tables = coalesce((SELECT jsonb_agg(jsonb_build_object('schema', t.names[1], 'table', t.names[2]) ORDER BY t.place)
        FROM (SELECT parse_ident(x.value) AS names, x.place
              FROM jsonb_array_elements_text(s.sync_tables) WITH ORDINALITY AS x (value, place)) AS t), '[]')
WHERE jsonb_typeof(s.sync_tables) = 'array';
