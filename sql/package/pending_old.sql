-- Edits in a log of the former plugin, {log}, that were made here: tables and counts.
SELECT schema_name || '.' || table_name AS name, count(*) AS events FROM {log}
WHERE sync_data ->> 'origin' IS NULL GROUP BY 1 ORDER BY 2 DESC, 1;
