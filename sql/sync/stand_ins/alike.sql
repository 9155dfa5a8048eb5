-- Codes of the same form as those that rows p give up, free and each another: the last ones of that form come
-- first. {table}, {column}; {taken}: what rows hold or want (v); {same} and {as}: characters that may take each other's place, and
-- for each of them the one that stands for them in a form (the last of its kind).
-- Returns uid and the code, v, or null where all are used.
WITH has AS MATERIALIZED (
    SELECT DISTINCT lower(y.v COLLATE "C") AS v FROM ({taken}) AS y WHERE y.v IS NOT NULL
), own AS MATERIALIZED (
    SELECT o.uid, o.form, row_number() OVER (PARTITION BY o.form) AS n
    FROM (SELECT p.uid, translate(t.{column}::text COLLATE "C", {same}, {as}) AS form
          FROM p JOIN {table} AS t ON t.uid = p.uid) AS o
), form AS MATERIALIZED (
    SELECT o.form, o.wanted + coalesce(h.held, 0) AS codes
    FROM (SELECT form, count(*) AS wanted FROM own GROUP BY form) AS o
    LEFT JOIN (SELECT lower(translate(v, {same}, {as})) AS form, count(*) AS held FROM has GROUP BY 1) AS h
        ON h.form = lower(o.form)
), sign AS (
    -- Each place of a form, and how many of the last ten places that vary are right of it.
    SELECT f.form, f.codes, x.i, x.c, CASE WHEN strpos({as}, x.c) = 0 THEN 0 WHEN x.c = '9' THEN 10 ELSE 26 END AS radix,
           count(*) FILTER (WHERE x.c = '9') OVER right_of AS digits,
           count(*) FILTER (WHERE x.c <> '9' AND strpos({as}, x.c) > 0) OVER right_of AS letters
    FROM form AS f CROSS JOIN regexp_split_to_table(f.form, '') WITH ORDINALITY AS x (c, i)
    WINDOW right_of AS (PARTITION BY f.form ORDER BY x.i DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), place AS MATERIALIZED (
    SELECT s.form, s.codes, s.i, s.c, CASE WHEN s.digits + s.letters < 10 THEN s.radix ELSE 0 END AS radix,
           CASE WHEN s.digits + s.letters < 10 THEN (10::numeric ^ s.digits::numeric * 26::numeric ^ s.letters::numeric)::bigint END AS weight
    FROM sign AS s
), code AS (
    SELECT a.form, k AS number, string_agg(CASE WHEN l.radix = 0 THEN l.c
               ELSE chr(ascii(l.c) - (k / l.weight % l.radix::bigint)::integer) END, '' ORDER BY l.i) AS v
    FROM (SELECT form, least(codes, max(weight * radix)) AS codes FROM place GROUP BY form, codes) AS a
    CROSS JOIN generate_series(0, a.codes - 1) AS k
    JOIN place AS l ON l.form = a.form
    GROUP BY a.form, k
), free AS MATERIALIZED (
    SELECT c.form, c.v, row_number() OVER (PARTITION BY c.form ORDER BY c.number) AS n
    FROM code AS c WHERE NOT EXISTS (SELECT FROM has AS h WHERE h.v = lower(c.v COLLATE "C"))
)
SELECT own.uid, free.v FROM own LEFT JOIN free ON free.form = own.form AND free.n = own.n
