-- The snapshot of this transaction; one row.
SELECT pg_export_snapshot() AS exported, txid_current_snapshot()::text AS snapshot,
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created,
       current_database()::text AS database;
