-- Sets the search path of the transaction: pg_catalog, then that of a session of the role in this database.
-- The setting is a list already, as SET takes it.
SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', nullif(s.reset_val, '')), true)
FROM pg_catalog.pg_settings AS s WHERE s.name = 'search_path'
