-- Staged rows of one table that bring a reference to a row whose new key was refused: what they refer to here, if
-- anything, is another row. {number}, {parent_number}; {table}, {parent};
-- {brings}, {renamed}: that s brings the reference, and r its key, or part of it; {same}: that the one, as it will be,
-- is the other, as it should be (fields of a row (t, p) and what is staged).
SELECT DISTINCT s.uid
FROM pg_temp.lizsync_stage AS s
LEFT JOIN {table} AS t ON t.uid = s.uid
JOIN pg_temp.lizsync_stage AS r ON r.number = {parent_number} AND r.reason IS NOT NULL AND r.op IN ('I', 'U') AND r.uid <> s.uid
LEFT JOIN {parent} AS p ON p.uid = r.uid
WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U') AND {brings} AND {renamed} AND {same}
