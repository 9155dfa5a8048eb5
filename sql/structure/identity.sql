-- Who a database is.
-- Returns one row: whether it has the tables of LizSync, in which layout, and the schema of hstore.
SELECT to_regclass('lizsync.server_metadata') IS NOT NULL
           AND to_regclass('lizsync.sys_structure_metadonnee') IS NOT NULL AS installed,
       to_regclass('lizsync.received') IS NOT NULL
           AND to_regclass('audit.logged_actions') IS NOT NULL AS ours,
       (SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'hstore') AS hstore,
       current_setting('server_version_num')::integer AS server_version,
       (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS database_oid,
       (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
       -- The file of the log tells at once when a standby was promoted; the control file only after the
       -- next checkpoint.
       CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END AS timeline;
