-- The clock of the server, in microseconds since 2000-01-01 UTC, and its version.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 946684800000000 AS clock,
       'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS version
