-- Points in another reference system, in their order. {postgis}; $1, $2: coordinates, $3: their system, $4: the other one.
SELECT {postgis}.st_x(g.geom) AS x, {postgis}.st_y(g.geom) AS y
FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS v (x, y, place)
CROSS JOIN LATERAL (
    SELECT {postgis}.st_transform({postgis}.st_setsrid({postgis}.st_makepoint(v.x, v.y), $3::integer), $4::integer) AS geom OFFSET 0
) AS g
ORDER BY v.place
