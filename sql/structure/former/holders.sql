-- Who holds locks on some relations, their partitions, or what inherits from them. $1: oid[]. Returns relation (as SQL),
-- process, application, and the user: none for an autovacuum, whose kind of process is not shown to everybody.
WITH RECURSIVE below AS (
    SELECT o.oid FROM unnest($1::oid[]) AS o (oid)
    UNION
    SELECT h.inhrelid FROM below AS b JOIN pg_inherits AS h ON h.inhparent = b.oid
)
SELECT DISTINCT k.relation::regclass::text AS relation, k.pid, a.application_name,
       CASE WHEN a.usesysid IS NOT NULL THEN coalesce(a.usename::text, a.usesysid::text) END AS user
FROM pg_locks AS k JOIN pg_stat_activity AS a ON a.pid = k.pid
WHERE k.relation IN (SELECT b.oid FROM below AS b) AND k.granted AND k.pid <> pg_backend_pid()
  AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY k.pid, 1
