, {name} AS (
    -- In parts of 500 entries or 16 MB, whatever is less: an array holds no more than 1 GB, and has to fit
    -- into memory. With ORDER BY one after the other is built.
    SELECT sum(lizsync.log({schema_name}, {table_name}, {oid}, {origin}, {sync_id}, c.entries)) AS entries
    FROM (
        SELECT pg_catalog.array_agg(p.entry ORDER BY p.place) AS entries
        FROM (SELECT e.entry, row_number() OVER part AS place,
                     sum(pg_catalog.pg_column_size(e.entry)) OVER part - pg_catalog.pg_column_size(e.entry) AS bytes
              FROM {from} AS e WINDOW part AS (ROWS UNBOUNDED PRECEDING)) AS p
        -- Both only grow, and so does their sum: one part for each.
        GROUP BY p.place / 500 + p.bytes / 16777216
    ) AS c
    WHERE {after}
)
