-- What stands behind the type of a column that holds rows: to compress the text of a geometry, LZ4 (from PostgreSQL 14
-- on, where it was built with it) takes a tenth of the time that PostgreSQL's own method does.
SELECT CASE WHEN EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))
       THEN ' COMPRESSION lz4' ELSE '' END;
