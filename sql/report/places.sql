-- Where rows are: the middle of the box around each. {rows}: what stands in FROM, the table as t; {column}: its geometry,
-- {cast}: what makes one of a geography; {postgis}: the schema of the extension; {further}: more columns; {condition}
-- on the rows, {within} on the places p; {most}: how many.
SELECT p.* FROM (
    SELECT {postgis}.st_srid(g.geom) AS srid,
           ({postgis}.st_xmin(b.box) + {postgis}.st_xmax(b.box)) / 2 AS x,
           ({postgis}.st_ymin(b.box) + {postgis}.st_ymax(b.box)) / 2 AS y{further}
    FROM {rows}
    CROSS JOIN LATERAL (SELECT t.{column}{cast} AS geom OFFSET 0) AS g
    CROSS JOIN LATERAL (SELECT g.geom::{postgis}.box3d AS box OFFSET 0) AS b
    WHERE {condition} AND b.box IS NOT NULL
) AS p
WHERE {within}
LIMIT {most}
