-- Types and generators of random values. Texts are letters of many scripts, and what formats give a
-- meaning to.
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE SCHEMA gis; CREATE SCHEMA made;
CREATE FUNCTION made.int(low bigint, high bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT low + floor(random() * (high - low + 1))::bigint $$;
CREATE FUNCTION made.text(most int) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(string_agg(CASE made.int(0, 6) WHEN 0 THEN chr(made.int(1, 31)::int) WHEN 1 THEN chr(made.int(161, 1500)::int) WHEN 2 THEN chr(made.int(19968, 30000)::int)
        WHEN 3 THEN chr(made.int(128512, 128580)::int) WHEN 4 THEN (ARRAY['=>', '"', '''', E'\\', 'NULL', ',', '{', '}', '(', ')', '%s', E'\r\n', '$1', ' ', '-', ':'])[made.int(1, 16)] ELSE chr(made.int(32, 126)::int) END, ''), '')
    FROM generate_series(1, made.int(0, most)) $$;
CREATE FUNCTION made.bytes(most int) RETURNS bytea LANGUAGE sql VOLATILE AS $$ SELECT coalesce(decode(string_agg(lpad(to_hex(made.int(0, 255)), 2, '0'), ''), 'hex'), '') FROM generate_series(1, made.int(0, most)) $$;
CREATE FUNCTION made.bits(fewest int, most int) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT coalesce(string_agg(made.int(0, 1)::text, ''), '') FROM generate_series(1, made.int(fewest, most)) $$;
CREATE FUNCTION made.number() RETURNS numeric LANGUAGE sql VOLATILE AS $$ SELECT (made.int(-9, 9)::text || repeat(made.int(0, 99999)::text, made.int(0, 20)::int) || '.' || repeat(made.int(0, 99999)::text, made.int(0, 20)::int) || '0')::numeric $$;
CREATE FUNCTION made.float() RETURNS float8 LANGUAGE sql VOLATILE AS $$ SELECT (random() - 0.5) * 10::float8 ^ made.int(-300, 300) $$;
CREATE FUNCTION made.moment() RETURNS timestamp LANGUAGE sql VOLATILE AS $$ SELECT timestamp '2000-01-01' + made.int(-200000000000, 9000000000000) * interval '1 second' + made.int(0, 999999) * interval '1 microsecond' $$;
CREATE FUNCTION made.span() RETURNS interval LANGUAGE sql VOLATILE AS $$ SELECT make_interval(months => made.int(-50000, 50000)::int, days => made.int(-100, 100)::int, secs => made.int(-100000000, 100000000) / 1000000.0) $$;
CREATE FUNCTION made.doc() RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT jsonb_build_object(made.text(5), made.text(9), 'n', made.number(), 'l', jsonb_build_array(made.text(3), NULL, random() < 0.5, '{}'::jsonb)) $$;
CREATE TYPE gis.state AS ENUM ('plain', 'it''s', 'a "b"', 'c,d', 'NULL', '');
CREATE DOMAIN gis.code AS varchar(40) CHECK (length(VALUE) < 40); CREATE DOMAIN gis.small AS numeric(7, 3) CHECK (VALUE > -1000);
CREATE TYPE gis.inner_type AS (n numeric, t text); CREATE TYPE gis.size AS (height float8, label text, at timestamptz, inner_part gis.inner_type, list int[], raw bytea, state gis.state);
CREATE DOMAIN gis.size_domain AS gis.size; CREATE TYPE gis.floats AS RANGE (subtype = float8);
