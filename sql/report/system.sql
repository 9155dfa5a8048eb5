-- What a reference system is called. {postgis}; $1: its SRID.
SELECT coalesce(r.auth_name || ':' || r.auth_srid, 'SRID ' || r.srid) AS code, coalesce(split_part(r.srtext, '"', 2), '') AS name
FROM {postgis}.spatial_ref_sys AS r WHERE r.srid = $1
