-- Staged rows of one table that refer to a row that is not there. {table}, {number}, {hstore}, {parent};
-- {given}: the condition that all referring columns of n are set; {matches}: that p is what n refers to.
SELECT i.uid
FROM (SELECT s.uid, {hstore}.populate_record(t.*, s.fields) AS new
      FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
      WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL)) AS i
CROSS JOIN LATERAL (SELECT (i.new).*) AS n
WHERE {given} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {matches})
