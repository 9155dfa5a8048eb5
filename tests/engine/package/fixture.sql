-- What a central may hold; the first schema's name has everything that needs quoting.
CREATE EXTENSION postgis;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE SCHEMA "Gis ""1"".* %ä$[x]";
CREATE SCHEMA trees;
CREATE SCHEMA "Gis ""1"" other";
COMMENT ON SCHEMA trees IS 'Trees; it''s \d "commented"';
SET search_path = trees, public;

CREATE TYPE state AS ENUM ('alive', 'it''s \dead', 'ünknown');
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]\d+$');
CREATE TYPE size AS (height numeric(5, 2), girth integer);
CREATE FUNCTION area(radius double precision) RETURNS double precision LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC SELECT pi() * radius * radius; SELECT pi() * radius ^ 2; END;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    -- \restrict is only text here
    NEW.touched := coalesce(NEW.touched, 0) + 1;
    RETURN NEW;
END $f$;

CREATE TABLE species (
    id integer GENERATED ALWAYS AS IDENTITY (START 100) PRIMARY KEY,
    code code NOT NULL UNIQUE,
    label citext
);
CREATE TABLE tree (
    id serial PRIMARY KEY,
    uid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    species text REFERENCES species (code) DEFERRABLE INITIALLY DEFERRED,
    state state DEFAULT 'alive',
    size size,
    radius double precision CHECK (radius > 0),
    area double precision GENERATED ALWAYS AS (radius * 2) STORED,
    tags hstore, names text[], info jsonb, photo bytea, planted timestamptz, span interval,
    touched integer,
    geom geometry(PointZ, 2154),
    "Odd ""name"" %" text
);
CREATE INDEX ON tree USING gist (geom);
CREATE TRIGGER note BEFORE UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION note();
COMMENT ON COLUMN tree."Odd ""name"" %" IS E'two\nlines \\ and more';
CREATE VIEW alive AS SELECT t.id, area(t.radius) AS area, s.label FROM tree t JOIN species s ON s.code = t.species
    WHERE state = 'alive';
CREATE MATERIALIZED VIEW summary AS SELECT species, count(*) AS n FROM tree GROUP BY 1;
CREATE UNIQUE INDEX ON summary (species);
CREATE TABLE nothing (id bigserial PRIMARY KEY, x text);
ALTER TABLE nothing ENABLE ROW LEVEL SECURITY;
CREATE TABLE visit (day date NOT NULL, who text, PRIMARY KEY (day, who)) PARTITION BY RANGE (day);
CREATE TABLE visit_2025 PARTITION OF visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE visit_rest PARTITION OF visit DEFAULT;
CREATE SEQUENCE numbers INCREMENT 5 START 7;

INSERT INTO species (code, label) VALUES ('A1', 'Ash'), ('B2', 'Öak \ oak');
INSERT INTO tree (species, state, size, radius, tags, names, info, photo, planted, span, geom, "Odd ""name"" %") VALUES
    ('A1', 'it''s \dead', ROW(1.5, NULL), 0.1, 'a=>"\"x\"",b=>NULL', '{"a,b",NULL,"\\"}', '{"k": [1, "\\n"]}',
     '\x00ff5c', '2025-03-30 02:30:00.123456+01', '1 mon -3 days', 'SRID=2154;POINTZ(0.1 1e-300 1e300)', E'\\N'),
    ('B2', 'ünknown', NULL, 1e-300, NULL, '{}', 'null', '', 'infinity', '00:00:00.000001', NULL, E'tab\there\nand\r\nthere \\. end'),
    (NULL, NULL, ROW(NULL, NULL), NULL, '', NULL, NULL, NULL, NULL, NULL, 'SRID=2154;POINT Z EMPTY', ''),
    ('A1', 'alive', NULL, 2, NULL, NULL, NULL, NULL, '-infinity', NULL, 'SRID=2154;POINTZ(1 2 3)', NULL);
INSERT INTO visit VALUES ('2025-05-01', 'é'), ('2024-01-01', 'x'), ('2025-05-02', '');
SELECT nextval('numbers'), nextval('numbers');
REFRESH MATERIALIZED VIEW summary;

SET search_path = "Gis ""1"".* %ä$[x]", public;
CREATE TABLE "T.able ""x"" %s ü" ("Key" text PRIMARY KEY, "where" integer NOT NULL DEFAULT 3, tree uuid REFERENCES trees.tree (uid));
INSERT INTO "T.able ""x"" %s ü" ("Key", tree) SELECT 'k' || id, uid FROM trees.tree;
INSERT INTO "T.able ""x"" %s ü" ("Key") SELECT 'n' || i FROM generate_series(1, 3000) AS i;
