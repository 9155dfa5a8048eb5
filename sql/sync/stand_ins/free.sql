-- Of some values ({values}: v) those that are free, numbered. {taken}: what rows hold or want (v); {as}: a cast
-- of the values, or nothing. Returns v and n.
SELECT f.v, row_number() OVER (ORDER BY f.v) AS n
FROM ({values}) AS f WHERE NOT EXISTS (SELECT FROM ({taken}) AS y WHERE y.v = f.v{as})
