-- Staged rows of one table that refer to a row that is not there. {table}, {number}, {hstore}, {parent};
-- {fields}: what of s is written;
-- {given}: the condition that all referring columns of n are set; {matches}: that p is what n refers to;
-- {changed}: that the reference is a new one (i; n, and o as it was): PostgreSQL looks at no other one, and an
-- old one may be wrong where the key is not valid.
SELECT i.uid
FROM (SELECT s.uid, s.op, s.fields, t.uid IS NOT NULL AS there,
             CASE WHEN t.uid IS NOT NULL THEN ((t.*) OPERATOR(pg_temp.#=) (coalesce(s.before, ''::{hstore}.hstore))) END AS old,
             ((t.*) OPERATOR(pg_temp.#=) ({fields})) AS new
      FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
      WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL)) AS i
CROSS JOIN LATERAL (SELECT (i.new).*) AS n
CROSS JOIN LATERAL (SELECT (i.old).*) AS o
WHERE {given} AND {changed} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {matches})
