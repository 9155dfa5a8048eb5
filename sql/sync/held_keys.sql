-- Staged rows whose new key of a unique index another row holds. {table}, {number}, {rows}
-- (further condition on s); {fields}: what of s is written; {keys}: the expressions of the index as a list, each AS a name;
-- {matches}: the condition that the keys of h are those of w; {still_matches}: that the new keys of h (o) are;
-- {predicate}: of a partial index, or true.
-- Returns the row, the row that holds its key, whether that one is about to give it up, and whether
-- it does so because it is deleted.
WITH input AS MATERIALIZED (
    SELECT s.uid, ((t.*) OPERATOR(pg_temp.#=) ({fields})) AS new
    FROM pg_temp.lizsync_stage AS s LEFT JOIN {table} AS t ON t.uid = s.uid
    WHERE s.number = {number} AND s.reason IS NULL AND (s.op = 'I' OR s.op = 'U' AND t.uid IS NOT NULL){rows}
), wanted AS MATERIALIZED (
    SELECT "lizsync uid", {keys}
    FROM (SELECT i.uid AS "lizsync uid", (i.new).* FROM input AS i) AS new
    WHERE {predicate}
), held AS MATERIALIZED (
    SELECT w."lizsync uid" AS wanting, h.uid AS holder
    FROM wanted AS w JOIN {table} AS h ON {matches} AND h.uid <> w."lizsync uid" AND ({predicate})
)
SELECT held.wanting, held.holder,
       coalesce(s.op = 'D' OR s.op IN ('I', 'U') AND i.uid IS NOT NULL AND (o."lizsync uid" IS NULL OR ({still_matches}) IS NOT TRUE), false) AS changing,
       coalesce(s.op = 'D', false) AS deleted
FROM held
JOIN wanted AS w ON w."lizsync uid" = held.wanting
LEFT JOIN pg_temp.lizsync_stage AS s ON s.number = {number} AND s.uid = held.holder AND s.reason IS NULL AND s.op IN ('I', 'U', 'D')
LEFT JOIN input AS i ON i.uid = held.holder
LEFT JOIN wanted AS o ON o."lizsync uid" = held.holder
