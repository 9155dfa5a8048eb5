, {name} AS (
    -- In parts: an array has to fit into memory.
    SELECT sum(lizsync.log({schema_name}, {table_name}, {oid}, {origin}, {sync_id}, c.entries)) AS entries
    FROM (SELECT array_agg(e.entry) AS entries FROM {from} AS e GROUP BY e.place / 500) AS c
    WHERE {after}
)
