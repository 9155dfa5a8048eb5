-- What was set aside of the central's changes, in parts: JSON arrays, as text. {clone}: literal, the clone.
SELECT jsonb_agg(a.change)::text
FROM (SELECT to_jsonb(w.*) || jsonb_build_object('fields', w.fields::text, 'field_times', w.field_times::text) AS change,
             row_number() OVER () AS place
      FROM lizsync.set_aside AS w WHERE w.owner = 'central' AND w.clone_id = {clone}::uuid) AS a
GROUP BY a.place / 500
