-- Events in a log of the former plugin, {log}: tables and counts.
SELECT schema_name || '.' || table_name AS name, count(*) AS events FROM {log} GROUP BY 1 ORDER BY 2 DESC, 1;
