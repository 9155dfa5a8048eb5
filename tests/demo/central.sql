-- The tables of the demo's central database: a lookup table with a key that people type, a table that
-- refers to it, one with an automatic key, and one whose key is a uuid.
CREATE EXTENSION postgis;
CREATE SCHEMA gis;

CREATE TABLE gis.continents (
    name text PRIMARY KEY
);

CREATE TABLE gis.countries (
    iso_a3 text PRIMARY KEY,
    name text NOT NULL,
    continent text NOT NULL REFERENCES gis.continents,
    population bigint CHECK (population >= 0),
    gdp_musd bigint,
    geom geometry(MultiPolygon, 4326)
);
CREATE INDEX ON gis.countries USING gist (geom);

CREATE TABLE gis.cities (
    id serial PRIMARY KEY,
    name text NOT NULL,
    country text REFERENCES gis.countries,
    note text,
    visited date,
    geom geometry(Point, 4326)
);
CREATE INDEX ON gis.cities USING gist (geom);

CREATE TABLE gis.observations (
    uid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    country text NOT NULL REFERENCES gis.countries,
    kind text NOT NULL,
    remark text,
    seen_at timestamptz NOT NULL DEFAULT now(),
    geom geometry(Point, 4326)
);

CREATE TEMPORARY TABLE country (LIKE gis.countries);
\copy country FROM 'countries.csv' (FORMAT csv, HEADER)
INSERT INTO gis.continents SELECT DISTINCT continent FROM country;
INSERT INTO gis.countries SELECT * FROM country;
\copy gis.cities (name, geom) FROM 'cities.csv' (FORMAT csv, HEADER)
UPDATE gis.cities AS c
SET country = (SELECT iso_a3 FROM gis.countries AS k ORDER BY k.geom <-> c.geom LIMIT 1);
INSERT INTO gis.observations (country, kind, remark, geom)
SELECT country, 'bench mark', 'brass bolt near the station', geom FROM gis.cities WHERE name IN ('Paris', 'Bern', 'Oslo');
