, chunk AS (
    -- In parts: an array has to fit into memory.
    SELECT array_agg(e.entry) AS entries FROM entry AS e GROUP BY e.place / 500
), logged AS (
    SELECT sum(lizsync.log({schema_name}, {table_name}, {oid}, {origin}, {sync_id}, c.entries)) AS entries FROM chunk AS c
)
