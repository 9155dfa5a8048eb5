, {name} AS (
    -- In parts of 2,000 entries or 16 MB, whatever is less: an array holds no more than 1 GB, and has to fit
    -- into memory. With ORDER BY one after the other is built.
    SELECT sum(lizsync.log({schema_name}, {table_name}, {oid}, {origin}, {sync_id}, c.entries)) AS entries
    FROM (
        SELECT pg_catalog.array_agg(p.entry ORDER BY p.place) AS entries
        FROM (SELECT e.entry, row_number() OVER part AS place,
                     sum(pg_catalog.pg_column_size(e.entry)) OVER part - pg_catalog.pg_column_size(e.entry) AS bytes
              -- OFFSET 0: each entry is made once, not for each mention.
              FROM (SELECT f.entry FROM {from} AS f OFFSET 0) AS e WINDOW part AS (ROWS UNBOUNDED PRECEDING)) AS p
        -- Both only grow, and so does their sum: one part for each.
        GROUP BY p.place / 2000 + p.bytes / 16777216
    ) AS c
    WHERE {after}
)
