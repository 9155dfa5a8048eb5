-- What tells the running server from a copy of its files, and this database in it; one row, one text.
SELECT concat_ws(' ', pg_postmaster_start_time(), (SELECT oid FROM pg_database WHERE datname = current_database()),
                 (SELECT system_identifier FROM pg_control_system()));
