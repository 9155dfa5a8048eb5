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
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_min_messages = warning;
-- Rows that a policy hides must be an error, never a silent difference.
SET row_security = off;
SET search_path = pg_catalog;
-- The planner takes small queries of the catalog for large ones: compiling them takes a second.
SET jit = off;
-- Time limits that older versions do not have.
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout');
