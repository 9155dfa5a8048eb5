-- In a clone, after its tables were upgraded: what it has not sent becomes what it captured in this transaction, so that the
-- next run takes it. Of a field that the central changed later, as far as this log knows, nothing is sent, nor what came before
-- a TRUNCATE of the table. A change of the uid becomes the insertion of the new row, in its place, and the deletion of the old
-- one, unless another row has that uid since. What happened in a partition is of its partitioned table. {hstore}; $1: uuid, the clone; $2: uuid, its central.
-- An origin that is an empty text is none: such settings stay empty in a session that had one for a transaction.
WITH emptied AS MATERIALIZED (
    SELECT t.schema_name, t.table_name, max(t.event_id) AS event_id
    FROM audit.logged_actions AS t WHERE t.former AND t.action = 'T' GROUP BY 1, 2
), event AS MATERIALIZED (
    SELECT l.event_id, coalesce(p.root_schema, l.schema_name) AS schema_name, coalesce(p.root_name, l.table_name) AS table_name,
           coalesce(p.root, l.relid) AS relid, l.action, l.changed_fields, lizsync.former_uid(l.row_data) AS uid,
           (lizsync.former_uids(l.action, l.row_data, l.changed_fields))[2] AS became,
           coalesce(nullif(l.sync_data ->> 'origin', ''), $1::uuid::text) = $1::uuid::text AS mine,
           coalesce(jsonb_exists(l.sync_data -> 'replayed_by', $2::uuid::text), false) AS sent
    FROM audit.logged_actions AS l
    LEFT JOIN lizsync.former_partitions() AS p ON p.leaf_schema = l.schema_name AND p.leaf_name = l.table_name
    WHERE l.former AND l.action IN ('I', 'U', 'D') AND l.row_data IS NOT NULL
      AND NOT EXISTS (SELECT FROM emptied AS t
                      WHERE (t.schema_name, t.table_name) = (l.schema_name, l.table_name) AND t.event_id > l.event_id)
      AND NOT EXISTS (SELECT FROM emptied AS t
                      WHERE (t.schema_name, t.table_name) = (p.root_schema, p.root_name) AND t.event_id > l.event_id)
), later AS MATERIALIZED (
    -- What the central then did to the same rows.
    SELECT e.event_id, array_agg(k.key) AS names, bool_or(b.action = 'D') AS deleted
    FROM event AS e
    JOIN event AS b ON b.uid = e.uid AND b.schema_name = e.schema_name AND b.table_name = e.table_name AND b.event_id > e.event_id
    LEFT JOIN LATERAL unnest({hstore}.akeys(b.changed_fields)) AS k (key) ON true
    WHERE e.mine AND NOT e.sent AND NOT b.mine
    GROUP BY e.event_id
), pending AS MATERIALIZED (
    SELECT e.event_id, e.schema_name, e.table_name, e.relid, e.uid, e.became,
           CASE WHEN l.names IS NULL THEN e.changed_fields ELSE e.changed_fields OPERATOR({hstore}.-) l.names END AS fields
    FROM event AS e LEFT JOIN later AS l ON l.event_id = e.event_id
    WHERE e.mine AND NOT e.sent AND l.deleted IS NOT TRUE
), left_behind AS (
    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name, action_tstamp_tx, action_tstamp_stm,
        action_tstamp_clk, transaction_id, application_name, client_addr, client_port, action, row_data, uid)
    SELECT p.schema_name, p.table_name, p.relid, l.session_user_name, l.action_tstamp_tx, l.action_tstamp_stm,
        l.action_tstamp_clk, txid_current(), l.application_name, l.client_addr, l.client_port, 'D', l.row_data, p.uid
    FROM pending AS p JOIN audit.logged_actions AS l ON l.event_id = p.event_id
    WHERE p.became IS NOT NULL AND NOT EXISTS (
        SELECT FROM event AS o
        WHERE o.event_id > p.event_id AND o.schema_name = p.schema_name AND o.table_name = p.table_name AND p.uid IN (o.uid, o.became))
)
UPDATE audit.logged_actions AS l
SET former = false, transaction_id = txid_current(), uid = coalesce(p.became, p.uid),
    schema_name = p.schema_name, table_name = p.table_name, relid = p.relid,
    action = CASE WHEN p.became IS NULL THEN l.action ELSE 'I' END,
    row_data = CASE WHEN p.became IS NULL THEN l.row_data ELSE l.row_data OPERATOR({hstore}.||) p.fields END,
    changed_fields = CASE WHEN p.became IS NULL AND l.action = 'U' THEN p.fields END
FROM pending AS p
WHERE l.event_id = p.event_id AND (l.action <> 'U' OR p.fields OPERATOR({hstore}.<>) ''::{hstore}.hstore)
