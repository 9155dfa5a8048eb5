-- The conflicts that wait in a clone, in parts: JSON arrays, as text.
SELECT jsonb_agg(c.conflict)::text
FROM (SELECT to_jsonb(w.*) AS conflict, row_number() OVER () AS place FROM lizsync.conflicts AS w) AS c
GROUP BY c.place / 500
