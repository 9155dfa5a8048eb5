-- What people edit in the databases of these tests. Place: log, the schema of the log.
CREATE SCHEMA gis;
CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height integer, note text,
    uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text)::uuid);
CREATE TABLE gis.plot (id serial PRIMARY KEY, code text, uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text)::uuid);
CREATE TABLE gis.bare (id serial PRIMARY KEY, code text);
CREATE TABLE gis.quiet (id serial PRIMARY KEY, code text, uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text)::uuid);
CREATE VIEW gis.tall AS SELECT * FROM gis.tree WHERE height > 10;
SELECT {log}.audit_table('gis.tree', true, true, '{note}');
SELECT {log}.audit_table('gis.plot');
SELECT {log}.audit_table('gis.bare');
SELECT {log}.audit_view('gis.tall', ARRAY['uid']);
