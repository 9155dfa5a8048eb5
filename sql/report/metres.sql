-- Metres on the ground from a point to one beside it and to one above it. {postgis}; $1, $2: the point, $3: the distance
-- in units of its reference system, $4: that system.
SELECT {postgis}.st_distancesphere(g.here, g.beside) AS beside, {postgis}.st_distancesphere(g.here, g.above) AS above
FROM (
    SELECT {postgis}.st_transform({postgis}.st_setsrid({postgis}.st_makepoint($1, $2), $4), 4326) AS here,
           {postgis}.st_transform({postgis}.st_setsrid({postgis}.st_makepoint($1 + $3, $2), $4), 4326) AS beside,
           {postgis}.st_transform({postgis}.st_setsrid({postgis}.st_makepoint($1, $2 + $3), $4), 4326) AS above
    OFFSET 0
) AS g
