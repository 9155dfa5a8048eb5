-- Who holds locks on some relations. $1: oid[]. Returns up to three: relation, process, application and user.
SELECT DISTINCT k.relation::regclass::text AS relation, k.pid, a.application_name, a.usename::text AS user
FROM pg_locks AS k JOIN pg_stat_activity AS a ON a.pid = k.pid
WHERE k.relation = ANY ($1) AND k.granted AND k.pid <> pg_backend_pid()
  AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 2 LIMIT 3
