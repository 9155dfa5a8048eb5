-- The server of this database and the version of its structure; one row.
SELECT (SELECT server_id FROM lizsync.server_metadata ORDER BY server_name <> 'central' LIMIT 1) AS server_id,
       (SELECT server_name FROM lizsync.server_metadata ORDER BY server_name <> 'central' LIMIT 1) AS server_name,
       (SELECT version FROM lizsync.sys_structure_metadonnee ORDER BY id DESC LIMIT 1) AS version;
