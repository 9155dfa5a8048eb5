-- Reads staged rows as rows of their table, which fails where a value is none of its column's type. {table},
-- {number}; {fields}: what is read; {from}, {to}: the places of the rows.
SELECT pg_catalog.count(((t.*) OPERATOR(pg_temp.#=) ({fields})))
FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL)
  AND s.place >= {from} AND s.place < {to}
