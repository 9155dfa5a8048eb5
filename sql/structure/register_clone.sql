-- Registers a clone in the central. $1: uuid, the clone; $2: text[], its schemas, of which those count that
-- the central still has; $3: uuid, the package that was deployed just now, or null; $4: uuid,
-- the deployment; $5: text, the listed tables as JSON, or null for all.
SELECT lizsync.register_clone($1, ARRAY(
    SELECT w.name FROM unnest($2::text[]) WITH ORDINALITY AS w (name, place)
    WHERE EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = w.name) ORDER BY w.place), $3, $4,
    CASE WHEN $5::text IS NOT NULL THEN coalesce((
        SELECT jsonb_agg(t.e ORDER BY t.place) FROM jsonb_array_elements($5::text::jsonb) WITH ORDINALITY AS t (e, place)
        WHERE EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = t.e ->> 'schema')), '[]') END);
