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
-- Who waits for a lock must see what others did before they let it go. Transactions that need another level say so.
SET default_transaction_isolation = 'read committed';
-- The planner takes small queries of the catalog for large ones: compiling them takes a second.
SET jit = off;
-- What depends on the setting as it is, in one query, because each reads all settings:
SELECT set_config(s.name, w.value, false)
FROM (VALUES
    -- A commit of the clone must last before the central commits; stricter values stay.
    ('synchronous_commit', 'on'),
    -- As a replica, the session would check no foreign keys and run no triggers, not those of the log either.
    ('session_replication_role', 'origin'),
    -- The server finds out within a minute that a client has vanished, and lets its locks go. What is stricter
    -- stays; over a socket, and on systems that do not have them, the server takes these settings without effect.
    ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
    -- Many changes are sorted and joined in memory (kB, pages); more stays, and what somebody asked for in PGOPTIONS.
    ('work_mem', '65536'), ('temp_buffers', '8192'),
    -- Time limits that older versions do not have.
    ('idle_session_timeout', '0'), ('transaction_timeout', '0')
) AS w (name, value)
JOIN pg_settings AS s ON s.name = w.name
WHERE CASE
    WHEN s.name = 'synchronous_commit' THEN s.setting = 'off'
    WHEN s.name = 'session_replication_role' THEN s.setting = 'replica'
    WHEN s.name IN ('work_mem', 'temp_buffers') THEN s.source <> 'client' AND s.setting::integer < w.value::integer
    WHEN s.name LIKE 'tcp%' THEN s.setting::integer NOT BETWEEN 1 AND w.value::integer
    ELSE true END;
