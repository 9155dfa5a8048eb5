-- The first conflicts that a run has staged in the clone. Of values their beginnings, and how long they are.
-- {hstore}; $1: how many. Times are microseconds since 2000-01-01 UTC.
SELECT s.number, s.uid,
       s.fields OPERATOR({hstore}.->) 'field'::text AS field,
       s.fields OPERATOR({hstore}.->) 'rejected'::text AS rejected,
       s.fields OPERATOR({hstore}.->) 'rule'::text AS rule,
       s.fields OPERATOR({hstore}.->) 'central_user'::text AS central_user,
       s.fields OPERATOR({hstore}.->) 'clone_user'::text AS clone_user,
       (s.fields OPERATOR({hstore}.->) 'central_time'::text)::bigint AS central_time,
       (s.fields OPERATOR({hstore}.->) 'clone_time'::text)::bigint AS clone_time,
       left(s.fields OPERATOR({hstore}.->) 'central_value'::text, 50000) AS central_value,
       left(s.fields OPERATOR({hstore}.->) 'clone_value'::text, 50000) AS clone_value,
       octet_length(s.fields OPERATOR({hstore}.->) 'central_value'::text)::bigint AS central_bytes,
       octet_length(s.fields OPERATOR({hstore}.->) 'clone_value'::text)::bigint AS clone_bytes
FROM pg_temp.lizsync_stage AS s
WHERE s.op = 'C'
ORDER BY s.number, s.uid, 3
LIMIT $1
