-- Takes out of the log what cascades and triggers did to rows of one table that are staged themselves, as
-- far as the rows are now as staged: then the sender has logged the same, with the time of the edit.
-- Left in the log, it would come back to the sender as a later edit. What came out otherwise stays, and
-- so does (by shorten_cascades) in a central what nothing else in the log tells of. {table}, {number},
-- {hstore}; {schema_name} and {table_name}: literals.
WITH echo AS MATERIALIZED (
    SELECT l.event_id, CASE WHEN t.uid IS NOT NULL THEN ARRAY(
               SELECT e.key FROM {hstore}.each(s.fields) AS e
               WHERE ((OPERATOR(pg_temp.@#) (t.*)) OPERATOR({hstore}.->) e.key) IS NOT DISTINCT FROM e.value) END AS names
    FROM lizsync.cascaded() AS l
    JOIN pg_temp.lizsync_stage AS s ON s.number = {number} AND s.uid = l.uid AND s.reason IS NULL
    LEFT JOIN {table} AS t ON t.uid = s.uid
    WHERE l.schema_name = {schema_name} AND l.table_name = {table_name}
      AND CASE WHEN t.uid IS NULL THEN s.op = 'D' ELSE l.action = 'U' AND s.op IN ('I', 'U') END
), chunk AS MATERIALIZED (
    -- The earlier events first: the last value of a field tells whether it may go.
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('event', e.event_id, 'names', e.names)) AS echoes
    FROM (SELECT echo.*, row_number() OVER (ORDER BY echo.event_id) AS place FROM echo) AS e
    GROUP BY e.place / 500 ORDER BY e.place / 500
)
SELECT sum(lizsync.shorten_cascades(c.echoes)) FROM chunk AS c
