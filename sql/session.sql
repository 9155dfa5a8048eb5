-- Settings of every session: text forms must not depend on the role, the database or the machine,
-- and a time limit set for interactive work must not end a synchronisation half way.
SET client_encoding = 'UTF8';
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET timezone = 'UTC';
SET bytea_output = 'hex';
SET extra_float_digits = 3;
SET lc_monetary = 'C';
SET xmloption = 'content';
SET standard_conforming_strings = on;
SET array_nulls = on;
SET quote_all_identifiers = off;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_min_messages = warning;
-- Rows that a policy hides must be an error, never a silent difference.
SET row_security = off;
SET search_path = pg_catalog;
-- A commit of the clone must last before the central commits; stricter values stay.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
-- As a replica, the session would check no foreign keys and run no triggers, not those of the log either.
SELECT set_config('session_replication_role', 'origin', false)
WHERE current_setting('session_replication_role') = 'replica';
-- The server finds out within a minute that a client has vanished, and lets its locks go. What is stricter
-- stays; over a socket, and on systems that do not have them, the server takes these settings without effect.
SELECT set_config(s.name, w.value::text, false)
FROM (VALUES ('tcp_keepalives_idle', 30), ('tcp_keepalives_interval', 10), ('tcp_keepalives_count', 3)) AS w (name, value)
JOIN pg_settings AS s ON s.name = w.name
WHERE s.setting::integer NOT BETWEEN 1 AND w.value;
-- Many changes are sorted and joined in memory; more stays, and what somebody asked for in PGOPTIONS.
SELECT set_config(s.name, '64MB', false)
FROM pg_settings AS s
WHERE s.name IN ('work_mem', 'temp_buffers') AND s.source <> 'client' AND pg_size_bytes(current_setting(s.name)) < 67108864;
-- The planner takes small queries of the catalog for large ones: compiling them takes a second.
SET jit = off;
-- Time limits that older versions do not have.
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout');
