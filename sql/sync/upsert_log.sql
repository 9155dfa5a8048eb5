, entry AS (
    -- The log of the central shows the rows as they came out, with origin and original times.
    SELECT ROW(CASE WHEN i.there THEN 'U' ELSE 'I' END, i.uid,
            coalesce({row}, i.before, (OPERATOR(pg_temp.@#) i.old)), CASE WHEN i.there THEN i.fields END,
            i.edit_time, i.field_times, i.user_name)::lizsync.entry AS entry
    FROM input AS i LEFT JOIN inserted AS n ON n.uid = i.uid
    WHERE i.there OR n.uid IS NOT NULL
)
