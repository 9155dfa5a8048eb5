-- Who a database is.
-- Returns one row: whether it has the tables of LizSync, in which layout and with the functions that read
-- them, the schema of hstore, whether the functions were made for hstore in that schema, and the encoding.
-- It looks at the catalogue, which needs no right on the schemas.
WITH ours AS (
    SELECT n.nspname || '.' || c.relname AS name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('audit', 'lizsync')
)
SELECT 'lizsync.server_metadata' IN (SELECT name FROM ours)
           AND 'lizsync.sys_structure_metadonnee' IN (SELECT name FROM ours) AS installed,
       'lizsync.received' IN (SELECT name FROM ours)
           AND 'audit.logged_actions' IN (SELECT name FROM ours) AS ours,
       EXISTS (SELECT FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
               WHERE n.nspname = 'lizsync' AND p.proname = 'identity' AND p.pronargs = 0) AS readable,
       (SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'hstore') AS hstore,
       EXISTS (SELECT FROM pg_extension AS e JOIN pg_namespace AS h ON h.oid = e.extnamespace,
                   pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace,
                   unnest(ARRAY[h.nspname::text, '"' || replace(h.nspname, '"', '""') || '"']) AS name
               WHERE e.extname = 'hstore' AND n.nspname = 'audit' AND p.proname = 'capture_row'
                 AND strpos(p.prosrc, ' old_row ' || name || '.hstore;') > 0) AS fits,
       current_setting('server_version_num')::integer AS server_version,
       current_database()::text AS database,
       current_setting('server_encoding') AS encoding,
       (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS database_oid,
       (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
       -- The file of the log tells at once when a standby was promoted; the control file only after the
       -- next checkpoint.
       CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END AS timeline;
