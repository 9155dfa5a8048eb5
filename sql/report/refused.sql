-- Deletions that were staged and could not be carried out.
SELECT s.number, s.uid FROM pg_temp.lizsync_stage AS s WHERE s.op = 'D' AND s.reason IS NOT NULL
