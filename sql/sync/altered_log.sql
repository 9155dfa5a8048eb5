, altered AS (
    -- What triggers that could not be disabled made of the rows: a change of the central, now.
    SELECT ROW('U', w.uid, w.meant, w.row OPERATOR({hstore}.-) w.meant, NULL, NULL, session_user)::lizsync.entry AS entry
    FROM (
        SELECT i.uid, {hstore}.slice((OPERATOR(pg_temp.@#) i.new), {columns}) AS meant, {hstore}.slice(u.row, {columns}) AS row
        FROM input AS i JOIN updated AS u ON u.uid = i.uid
        UNION ALL
        SELECT i.uid, {hstore}.slice({hstore}.slice((OPERATOR(pg_temp.@#) i.new), {columns}), {hstore}.akeys(i.fields)),
            {hstore}.slice({hstore}.slice(n.row, {columns}), {hstore}.akeys(i.fields))
        FROM input AS i JOIN inserted AS n ON n.uid = i.uid
    ) AS w
    WHERE w.row OPERATOR({hstore}.<>) w.meant
)
