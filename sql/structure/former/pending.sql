-- In a clone, after its tables were upgraded: what it has not sent becomes what it captured in this transaction, so that the
-- next run takes it. Of a field that the central changed later, as far as this log knows, nothing is sent, nor what came before
-- a TRUNCATE of the table. {hstore}; $1: uuid, the clone; $2: uuid, its central.
WITH emptied AS MATERIALIZED (
    SELECT t.schema_name, t.table_name, max(t.event_id) AS event_id
    FROM audit.logged_actions AS t WHERE t.former AND t.action = 'T' GROUP BY 1, 2
), event AS MATERIALIZED (
    SELECT l.event_id, l.schema_name, l.table_name, l.action, l.changed_fields, lizsync.former_uid(l.row_data) AS uid,
           coalesce(l.sync_data ->> 'origin', $1::uuid::text) = $1::uuid::text AS mine,
           coalesce(jsonb_exists(l.sync_data -> 'replayed_by', $2::uuid::text), false) AS sent
    FROM audit.logged_actions AS l
    WHERE l.former AND l.action IN ('I', 'U', 'D') AND l.row_data IS NOT NULL
      AND NOT EXISTS (SELECT FROM emptied AS t
                      WHERE (t.schema_name, t.table_name) = (l.schema_name, l.table_name) AND t.event_id > l.event_id)
), later AS MATERIALIZED (
    -- What the central then did to the same rows.
    SELECT e.event_id, array_agg(k.key) AS names, bool_or(b.action = 'D') AS deleted
    FROM event AS e
    JOIN event AS b ON b.uid = e.uid AND b.schema_name = e.schema_name AND b.table_name = e.table_name AND b.event_id > e.event_id
    LEFT JOIN LATERAL unnest({hstore}.akeys(b.changed_fields)) AS k (key) ON true
    WHERE e.mine AND NOT e.sent AND NOT b.mine
    GROUP BY e.event_id
), pending AS MATERIALIZED (
    SELECT e.event_id, e.uid, CASE WHEN l.names IS NULL THEN e.changed_fields ELSE e.changed_fields OPERATOR({hstore}.-) l.names END AS fields
    FROM event AS e LEFT JOIN later AS l ON l.event_id = e.event_id
    WHERE e.mine AND NOT e.sent AND l.deleted IS NOT TRUE
)
UPDATE audit.logged_actions AS l
SET former = false, transaction_id = txid_current(), uid = p.uid,
    changed_fields = CASE l.action WHEN 'U' THEN p.fields ELSE l.changed_fields END
FROM pending AS p
WHERE l.event_id = p.event_id AND (l.action <> 'U' OR p.fields OPERATOR({hstore}.<>) ''::{hstore}.hstore)
