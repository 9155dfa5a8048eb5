-- Where this transaction stands. One row: its snapshot, and the highest event number given out.
SELECT txid_current_snapshot()::text AS snapshot,
       (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit.logged_actions_event_id_seq) AS highest_event;
