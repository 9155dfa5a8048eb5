, entry AS (
    SELECT ROW('D', g.uid, g.row, NULL, g.edit_time, NULL, g.user_name)::lizsync.entry AS entry
    FROM gone AS g
)
