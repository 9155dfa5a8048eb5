//! Tables of PostGIS: geometries with Z and M, geography, rasters. These tests need PostGIS.
#![allow(missing_docs)]

use crate::kinds::compare::travels;

#[test]
fn geometries_of_every_kind_travel() {
    let kinds = [
        "Point",
        "PointZ",
        "PointM",
        "PointZM",
        "LineString",
        "LineStringZM",
        "PolygonZ",
        "MultiPolygon",
        "MultiPointM",
        "GeometryCollectionZ",
        "CircularString",
        "CompoundCurve",
        "CurvePolygon",
        "TIN",
        "PolyhedralSurfaceZ",
    ];
    let columns: Vec<String> = kinds
        .iter()
        .map(|kind| format!("g_{kind} geometry({kind}, 2154)"))
        .collect();
    let schema = format!(
        "CREATE EXTENSION postgis; CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, {}, any_geom geometry, geog geography, geog_z geography(PointZ, 4326), list geometry[]);
        CREATE INDEX ON gis.t USING gist (any_geom);
        CREATE TABLE gis.checked (id serial PRIMARY KEY, geom geometry(Polygon, 4326) CHECK (ST_IsValid(geom)), area float8 GENERATED ALWAYS AS (ST_Area(geom)) STORED, exclude_me geometry, EXCLUDE USING gist (exclude_me WITH &&))",
        columns.join(", ")
    );
    let set = |pairs: &[(&str, &str)]| -> String {
        let list: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        format!("UPDATE gis.t SET {}", list.join(", "))
    };
    travels(
        "geometries",
        &schema,
        &[
            "INSERT INTO gis.t (g_PointZ, any_geom, geog) VALUES (ST_SetSRID(ST_MakePoint(0.1, 0.2, 0.30000000000000004), 2154), 'POINT EMPTY', 'POINT(7 51)'),
                (NULL, 'SRID=4326;GEOMETRYCOLLECTION EMPTY', 'SRID=4269;LINESTRING(0 0, 179.9 -89.9)')",
            &set(&[
                ("g_Point", "'SRID=2154;POINT(1e300 -1e-300)'"),
                ("g_PointM", "'SRID=2154;POINTM(1 2 1609459200.000001)'"),
                ("g_PointZM", "'SRID=2154;POINTZM(1 2 3 NaN)'"),
                ("g_LineString", "'SRID=2154;LINESTRING(0 0, 1 1, 2.000000000000001 0)'"),
                ("g_LineStringZM", "'SRID=2154;LINESTRINGZM(0 0 1 2, 1 1 3 4)'"),
                ("g_PolygonZ", "'SRID=2154;POLYGONZ((0 0 1, 1 0 1, 1 1 1, 0 0 1))'"),
                ("g_MultiPolygon", "'SRID=2154;MULTIPOLYGON(((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1)), EMPTY)'"),
                ("g_MultiPointM", "'SRID=2154;MULTIPOINTM(1 2 3, 4 5 6)'"),
                ("g_GeometryCollectionZ", "'SRID=2154;GEOMETRYCOLLECTIONZ(POINTZ(1 2 3), LINESTRINGZ EMPTY)'"),
            ]),
            &set(&[
                ("g_CircularString", "'SRID=2154;CIRCULARSTRING(0 0, 1 1, 2 0)'"),
                ("g_CompoundCurve", "'SRID=2154;COMPOUNDCURVE(CIRCULARSTRING(0 0, 1 1, 1 0), (1 0, 0 1))'"),
                ("g_CurvePolygon", "'SRID=2154;CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))'"),
                ("g_TIN", "'SRID=2154;TIN(((0 0, 0 1, 1 0, 0 0)))'"),
                ("g_PolyhedralSurfaceZ", "'SRID=2154;POLYHEDRALSURFACEZ(((0 0 0, 0 1 0, 1 1 0, 0 0 0)))'"),
                ("geog_z", "'POINTZ(1.1 2.2 3.3)'"),
                ("list", "ARRAY['POINT(1 2)'::geometry, NULL, 'SRID=2154;POINTZ(1 2 3)']"),
            ]),
            "SELECT setseed(0.5); UPDATE gis.t SET any_geom = ST_SetSRID(ST_MakePoint(random() * 1e6, random() * 1e6, random(), random()), 3857), geog = ST_MakePoint(random() * 180, random() * 90)::geography",
            "INSERT INTO gis.checked (geom, exclude_me) VALUES ('SRID=4326;POLYGON((0 0, 0 1, 1 1, 0 0))', 'POLYGON((0 0, 0 1, 1 1, 0 0))'), (NULL, 'POINT(7 7)')",
            "UPDATE gis.checked SET geom = ST_SetSRID(ST_Buffer(ST_MakePoint(1, 2), 3), 4326); DELETE FROM gis.t WHERE id = 1",
            "TRUNCATE gis.t, gis.checked",
        ],
    );
}

#[test]
fn rasters_travel() {
    travels(
        "rasters",
        "CREATE EXTENSION postgis; CREATE EXTENSION postgis_raster; CREATE SCHEMA gis;
        CREATE TABLE gis.relief (id serial PRIMARY KEY, name text, rast raster);
        INSERT INTO gis.relief (name, rast) SELECT 'tile', ST_AddBand(ST_MakeEmptyRaster(20, 20, 100.5 + x, 200.5, 1, -1, 0, 0, 2154), '32BF'::text, 1.5, -9999) FROM (VALUES (0), (20), (40)) AS v (x);
        SELECT AddRasterConstraints('gis'::name, 'relief'::name, 'rast'::name)",
        &[
            "INSERT INTO gis.relief (name, rast) SELECT 'new', ST_AddBand(ST_MakeEmptyRaster(20, 20, 120.5, 200.5, 1, -1, 0, 0, 2154), '32BF'::text, 0.1, -9999)",
            "UPDATE gis.relief SET rast = ST_SetValue(rast, 1, 3, 3, 0.30000001), name = name || '!'",
            "DELETE FROM gis.relief WHERE id = 1",
        ],
    );
}

/// PostGIS in a schema of its own: plots that may not overlap change places.
#[test]
fn shapes_of_an_extension_outside_of_the_search_path_change_places() {
    let plot = |x: u32| format!("ext.st_makeenvelope({x}, 0, {x} + 1, 1)");
    travels(
        "plots",
        "CREATE SCHEMA ext; CREATE EXTENSION postgis SCHEMA ext; CREATE SCHEMA gis;
         CREATE TABLE gis.plot (name text, shape ext.geometry(Polygon), EXCLUDE USING gist (shape WITH ext.&&))",
        &[
            &format!("INSERT INTO gis.plot VALUES ('1', {}), ('2', {})", plot(0), plot(10)),
            &format!(
                "BEGIN; UPDATE gis.plot SET shape = {} WHERE name = '1'; UPDATE gis.plot SET shape = {} WHERE name = '2'; UPDATE gis.plot SET shape = {} WHERE name = '1'; COMMIT",
                plot(20), plot(0), plot(10)
            ),
        ],
    );
}
